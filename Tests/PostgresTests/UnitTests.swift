import CarillonNet
import Postgres
import Support
import Testing

/// What a unit is, against a real server.
@Suite struct UnitTests {
    @Test func theSessionIsSetUp() async throws {
        let database = try makeDatabase()
        let settings = try await withPool(
            database.connectionInfo,
            configure: {
                $0.statementTimeout = .seconds(7)
                $0.lockTimeout = .milliseconds(1500)
                $0.idleInTransactionTimeout = .zero
                $0.sessionSettings = ["plan_cache_mode": "force_custom_plan", "carillon.x": "it's"]
            }
        ) { pool, _ in
            let sql = """
                SELECT ARRAY[current_setting('statement_timeout'), current_setting('lock_timeout'),
                    current_setting('idle_in_transaction_session_timeout'), current_setting('search_path'),
                    current_setting('TimeZone'), current_setting('client_encoding'),
                    current_setting('application_name'), current_setting('plan_cache_mode'),
                    current_setting('carillon.x')]
                """
            return try await pool.run(Unit(sql))[0][0].textArray(0)
        }
        #expect(
            settings == [
                "7s", "1500ms", "0", "\"\"", "UTC", "UTF8", "carillon", "force_custom_plan", "it's",
            ])
    }

    @Test func aUnitIsOneTransaction() async throws {
        try await withPool(makeDatabase().connectionInfo, configure: { $0.connections = 1 }) { pool, _ in
            _ = try await pool.run(Unit(commands: "CREATE TABLE public.t (a int8 PRIMARY KEY)"))
            let insert = Statement("INSERT INTO public.t VALUES ($1)")
            let error = try await pool.error(
                Unit([Query(insert, [.int8(1)]), Query(insert, [.int8(2)]), Query(insert, [.int8(1)])]))
            #expect(error.code == .uniqueViolation)
            #expect(error.sqlState == "23505")
            #expect(error.constraint == "t_pkey")
            #expect(error.queryIndex == 2)
            #expect(!error.isCommitUnknown)
            #expect(try await pool.integer("SELECT count(*) FROM public.t") == 0)
            #expect(try await pool.run(Unit([])).isEmpty)
        }
    }

    @Test func plansAreMadeOnceWhereTheUnitSaysSo() async throws {
        try await withPool(makeDatabase().connectionInfo, configure: { $0.connections = 1 }) { pool, _ in
            func mode(plansOnce: Bool) async throws -> String {
                let query = Query(Statement("SELECT current_setting('plan_cache_mode')"))
                return try await pool.run(Unit(plansOnce: plansOnce, [query]))[0][0].text(0)
            }
            #expect(try await mode(plansOnce: true) == "force_generic_plan")
            #expect(try await mode(plansOnce: false) == "auto")
            // Nor does a unit that fails leave it behind.
            _ = try await pool.error(Unit(plansOnce: true, [Query(Statement("SELECT 1/0", prepared: false))]))
            #expect(try await mode(plansOnce: false) == "auto")
        }
    }

    @Test func aUnitRunsAsItsRoleAndOnlyIt() async throws {
        let cluster = try PrivateCluster()
        defer { cluster.remove() }
        try cluster.execute(
            """
            CREATE ROLE carillon_serve LOGIN NOINHERIT; CREATE ROLE t_a; CREATE ROLE t_b;
            GRANT t_a, t_b TO carillon_serve;
            CREATE SCHEMA t_a; CREATE TABLE t_a.secret AS SELECT 'a' AS word; GRANT USAGE ON SCHEMA t_a TO t_a;
            GRANT SELECT ON t_a.secret TO t_a;
            """)
        let info = cluster.connectionInfo(user: "carillon_serve")
        try await withPool(info, configure: { $0.connections = 1 }) { pool, _ in
            let read = "SELECT word, current_user::text, session_user::text FROM t_a.secret"
            // Parsing already needs the role's rights, and another role's unit uses the same prepared statement.
            for _ in 0..<2 {
                let row = try await pool.run(Unit(read, role: "t_a"))[0][0]
                #expect(try (0...2).map { try row.text($0) } == ["a", "t_a", "carillon_serve"])
                #expect(try await pool.error(Unit(read, role: "t_b")).code == .insufficientPrivilege)
                #expect(try await pool.error(Unit(read)).code == .insufficientPrivilege)
            }
            #expect(try await pool.text("SELECT current_user::text") == "carillon_serve")
            let error = try await pool.error(Unit("SELECT 1", role: "t_missing"))
            #expect(error.code == .insufficientPrivilege)
            #expect(error.queryIndex == nil)
            #expect(try await pool.error(Unit("SELECT 1", role: "postgres")).code == .insufficientPrivilege)
            #expect(try await pool.error(Unit("SELECT 1", role: "none")).code == .invalidStatement)
        }
    }

    /// Units of all kinds at once on one connection: each has its own outcome, and only those that succeeded leave
    /// traces.
    @Test func failuresStayWithTheirUnits() async throws {
        try await withPool(
            makeDatabase().connectionInfo,
            configure: {
                $0.connections = 1
                $0.preparedStatements = 5
            }
        ) { pool, _ in
            _ = try await pool.run(
                Unit(
                    commands: "CREATE TABLE public.p (a int8 PRIMARY KEY)", "INSERT INTO public.p VALUES (0)",
                    """
                    CREATE TABLE public.t (a int8 PRIMARY KEY, p int8 REFERENCES public.p DEFERRABLE INITIALLY DEFERRED)
                    """))
            let insert = Statement("INSERT INTO public.t VALUES ($1, $2)")
            let outcomes = await withTaskGroup(of: (Int, PostgresError.Code?).self) { group in
                for number in 0..<300 {
                    let good = Query(insert, [.int8(Int64(number)), .int8(0)])
                    let unit =
                        switch number % 10 {
                        case 1: Unit([good, Query(Statement("SELECT 1 / $1"), [.int4(0)])])
                        case 3: Unit([good, Query(Statement("SELECT nonsense"))])
                        case 4: Unit([Query(insert, [.int8(Int64(number)), .int8(99)])])
                        case 7: Unit(role: "t_missing", [good])
                        case 8: Unit([good, Query(Statement("SELECT \(number)", prepared: false))])
                        case 9: Unit([good, Query(Statement("SELECT \(number)"))])
                        default: Unit([good])
                        }
                    group.addTask {
                        do throws(PostgresError) {
                            let results = try await pool.run(unit)
                            return (number, results.count == unit.queries.count ? nil : .decoding)
                        } catch {
                            return (number, error.code)
                        }
                    }
                }
                return await group.reduce(into: [Int: PostgresError.Code?]()) { $0[$1.0] = .some($1.1) }
            }
            #expect(outcomes.count == 300)
            for (number, code) in outcomes {
                let expected: PostgresError.Code? =
                    switch number % 10 {
                    case 1: .invalidValue
                    case 3: .invalidStatement
                    case 4: .foreignKey
                    case 7: .insufficientPrivilege
                    default: nil
                    }
                #expect(code == expected, "unit \(number)")
            }
            let kept = try await pool.run(Unit("SELECT a FROM public.t ORDER BY a"))[0].map { try $0.int8(0) }
            #expect(kept == (0..<300).filter { ![1, 3, 4, 7].contains($0 % 10) })
            #expect(pool.status.connections == 1)
        }
    }

    @Test func zeroBytesAreRefusedBeforeAnythingIsSent() async throws {
        try await withPool(makeDatabase().connectionInfo) { pool, _ in
            let error = try await pool.error(Unit("SELECT $1", .text("a\0b")))
            #expect(error.code == .invalidValue)
            #expect(error.sqlState == nil)
            #expect(!"\(error)".contains("a\0b"))
        }
    }

    @Test func theServersLimitsHaveTheirCodes() async throws {
        let database = try makeDatabase()
        try await withPool(
            database.connectionInfo,
            configure: {
                $0.statementTimeout = .milliseconds(200)
                $0.lockTimeout = .milliseconds(50)
            }
        ) { pool, loop in
            let slow = try await pool.error(Unit("SELECT pg_sleep(60)"))
            #expect(slow.code == .deadlineExceeded)
            #expect(slow.sqlState == "57014")
            #expect(!slow.isCommitUnknown)
            try await HeldLock.hold(database.connectionInfo, on: loop) { lock async throws in
                let blocked = try await pool.error(HeldLock.wait)
                await lock.release()
                #expect(blocked.code == .lockTimeout)
                #expect(blocked.sqlState == "55P03")
            }
        }
    }

    @Test func theServersNoticesAreHeard() async throws {
        let events = EventLog()
        try await withPool(makeDatabase().connectionInfo, configure: { $0.onEvent = events.observer }) { pool, _ in
            _ = try await pool.run(Unit(commands: "DO $$ BEGIN RAISE WARNING 'mind the step'; END $$"))
            let report = try await events.next { if case .notice(_, let report) = $0 { report } else { nil } }
            #expect(report.severity == "WARNING")
            #expect(report.message == "mind the step")
        }
    }
}
