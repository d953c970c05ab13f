import Postgres
import Support
import Testing

@Suite struct PreparedStatementTests {
    /// The statements that the server holds for this connection, without the three of the session.
    private static let held = Unit(commands: "SELECT name FROM pg_prepared_statements WHERE name !~ '^carillon_'")

    @Test func aStatementIsPreparedAtItsFirstUseOnly() async throws {
        try await withPool(makeDatabase().connectionInfo, configure: { $0.connections = 1 }) { pool, _ async throws in
            for number in 0..<3 {
                #expect(try await pool.run(Unit("SELECT $1", .int4(Int32(number))))[0][0].int4(0) == Int32(number))
            }
            let twice = Query(Statement("SELECT 'twice in one unit'"))
            #expect(try await pool.run(Unit([twice, twice])).count == 2)
            #expect(try await pool.run(Self.held)[0].count == 2)
        }
    }

    @Test func evictedStatementsAreFreedOnTheServer() async throws {
        try await withPool(
            makeDatabase().connectionInfo,
            configure: {
                $0.connections = 1
                $0.preparedStatements = 4
            }
        ) { pool, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<120 {
                    group.addTask {
                        // Failing ones in between throw away what was on its way, freeing included.
                        let unit = Unit("SELECT $1::int8, \(number % 30)", number % 7 == 0 ? .text("x") : .int8(5))
                        if number % 7 == 0 {
                            _ = try await pool.error(unit)
                        } else {
                            #expect(try await pool.run(unit)[0][0].int8(0) == 5)
                        }
                    }
                }
                try await group.waitForAll()
            }
            // A last round without failures, since a skipped freeing waits for the next one.
            for number in 0..<8 { _ = try await pool.run(Unit("SELECT \(number)")) }
            #expect(try await pool.run(Self.held)[0].count <= 4)
        }
    }

    @Test func aStalePlanIsPreparedAnew() async throws {
        try await withPool(makeDatabase().connectionInfo, configure: { $0.connections = 1 }) { pool, _ in
            _ = try await pool.run(Unit(commands: "CREATE TABLE public.t (a int8)", "INSERT INTO public.t VALUES (1)"))
            let read = Unit("SELECT * FROM public.t")
            #expect(try await pool.run(read)[0].columnCount == 1)
            _ = try await pool.run(Unit(commands: "ALTER TABLE public.t ADD b int8"))
            // "cached plan must not change result type"
            #expect(try await pool.run(read)[0].columnCount == 2)
        }
    }

    @Test func aLostStatementIsPreparedAnew() async throws {
        try await withPool(makeDatabase().connectionInfo, configure: { $0.connections = 1 }) { pool, _ in
            let both = Unit([Query(Statement("SELECT 'one'")), Query(Statement("SELECT 'two'"))])
            _ = try await pool.run(both)
            for name in try await pool.run(Self.held)[0].map({ try $0.text(0) }) {
                _ = try await pool.run(Unit(commands: "DEALLOCATE \(name)"))
            }
            #expect(try await pool.run(both).map { try $0[0].text(0) } == ["one", "two"])
        }
    }

    @Test func aSessionThatWasResetIsReplaced() async throws {
        let events = EventLog()
        try await withPool(
            makeDatabase().connectionInfo,
            configure: {
                $0.connections = 1
                $0.onEvent = events.observer
            }
        ) { pool, _ in
            let backend = try await pool.integer("SELECT pg_backend_pid()")
            try await events.connected()
            // The COMMIT of this very unit is lost with it.
            let error = try await pool.error(Unit(commands: "DEALLOCATE ALL"))
            #expect(error.code == .connectionFailed)
            #expect(error.isRetryable)
            try await events.connected()
            #expect(try await pool.integer("SELECT pg_backend_pid()") != backend)
        }
    }

    @Test func parametersMayBeNullFirst() async throws {
        try await withPool(makeDatabase().connectionInfo, configure: { $0.connections = 1 }) { pool, _ async throws in
            // The server takes the first for an int4, which eight bytes would not fit.
            let sql = "SELECT ($1 + 1)::int8"
            #expect(try await pool.run(Unit(sql, .null))[0][0].optionalInt8(0) == nil)
            #expect(try await pool.run(Unit(sql, .int8(5_000_000_000)))[0][0].int8(0) == 5_000_000_001)
            #expect(try await pool.run(Unit(sql, .null))[0][0].optionalInt8(0) == nil)
        }
    }
}
