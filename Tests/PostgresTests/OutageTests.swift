import CarillonNet
import Postgres
import Support
import Testing

/// What happens when sessions and servers go, and that the pool comes back by itself.
@Suite struct OutageTests {
    /// One connection and short pauses.
    private static func patient(_ events: EventLog) -> (inout PostgresConfiguration) -> Void {
        {
            $0.connections = 1
            $0.statementTimeout = .zero
            $0.reconnectPause = .milliseconds(1)...(.milliseconds(20))
            $0.onEvent = events.observer
        }
    }

    @Test func anIdleSessionThatIsEndedIsReplaced() async throws {
        let database = try makeDatabase()
        let events = EventLog()
        try await withPool(database.connectionInfo, configure: Self.patient(events)) { pool, _ async throws in
            let backend = try await pool.integer("SELECT pg_backend_pid()")
            try database.cluster.execute("SELECT pg_terminate_backend(\(backend))")
            let error = try await events.disconnected()
            #expect(error.code == .connectionFailed)
            #expect(error.sqlState == "57P01")
            // Asked for while the connection is made again: it waits for it.
            #expect(try await pool.integer("SELECT pg_backend_pid()") != backend)
        }
    }

    /// Units that have not happened are run on the next session, but not again and again.
    @Test(arguments: [1, 3])
    func aSessionThatIsEndedAtWorkHandsItsUnitsOnOrTellsThem(endings: Int) async throws {
        let database = try makeDatabase()
        let events = EventLog()
        try await withPool(database.connectionInfo, configure: Self.patient(events)) { pool, loop async throws in
            try await HeldLock.hold(database.connectionInfo, on: loop) { lock async throws in
                async let atWork = pool.outcome(HeldLock.wait)
                while pool.status.unitsInFlight < 1 { await Task.yield() }
                async let behind = pool.outcome(Unit("SELECT 1"))
                for _ in 0..<endings {
                    // Until the server is at the query, the session would be ended before it.
                    let waiting = """
                        SELECT l.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                        WHERE a.datname = '\(database.name)' AND NOT l.granted
                        """
                    var backend: String?
                    while backend == nil || pool.status.unitsInFlight < 2 {
                        await Task.yield()
                        backend = try database.cluster.execute(waiting).first?[0]
                    }
                    try database.cluster.execute("SELECT pg_terminate_backend(\(try #require(backend)))")
                    #expect(try await events.disconnected().sqlState == "57P01")
                }
                await lock.release()
                let errors = try await [atWork, behind]
                guard endings == 3 else {
                    #expect(errors == [nil, nil])
                    return
                }
                #expect(errors.map { $0?.code } == [.connectionFailed, .connectionFailed])
                #expect(errors.map { $0?.sqlState } == ["57P01", "57P01"])
                #expect(errors.map { $0?.queryIndex } == [0, nil])
                // The server's word is known to have come before any COMMIT.
                #expect(errors.map { $0?.isRetryable } == [true, true])
            }
        }
    }

    @Test func aSessionThatBreaksWithoutAWordLeavesTheOutcomeUnknown() async throws {
        let cluster = try PrivateCluster()
        defer { cluster.remove() }
        let events = EventLog()
        try await withPool(cluster.connectionInfo(), configure: Self.patient(events)) { pool, _ async throws in
            async let atWork = pool.error(Unit("SELECT pg_sleep(60)"))
            try await events.connected()
            while pool.status.unitsInFlight < 1 { await Task.yield() }
            // What the server has not read when it goes makes the line report an error beside its last bytes.
            async let behind = pool.error(Unit("SELECT 1"))
            while pool.status.unitsInFlight < 2 { await Task.yield() }
            try cluster.restart(.immediate)
            for error in try await [atWork, behind] {
                #expect(error.code == .connectionFailed)
                #expect(error.isCommitUnknown)
                #expect(!error.isRetryable)
            }
            try await events.connected()
            #expect(try await pool.integer("SELECT 1::int8") == 1)
        }
    }

    @Test func unitsAreRefusedWhileTheServerIsDownAndServedAgainAfter() async throws {
        let cluster = try PrivateCluster()
        defer { cluster.remove() }
        let events = EventLog()
        try await withPool(cluster.connectionInfo(), configure: Self.patient(events)) { pool, _ async throws in
            #expect(try await pool.integer("SELECT 1::int8") == 1)
            cluster.stop(.fast)
            _ = try await events.connectFailed()
            let error = try await pool.error(Unit("SELECT 1"))
            #expect(error.code == .unavailable)
            #expect(error.isRetryable)
            #expect(pool.status.outage != nil)
            // Again and again, without anybody asking.
            for _ in 0..<3 { _ = try await events.connectFailed() }
            try cluster.start()
            try await events.connected()
            #expect(try await pool.integer("SELECT 1::int8") == 1)
            #expect(pool.status.outage == nil)
        }
    }

    @Test func unitsThatWaitForTheFirstConnectionAreRefusedWhenItFails() async throws {
        let events = EventLog()
        try await withPool("host=/nonexistent", configure: Self.patient(events)) { pool, _ async throws in
            let error = try await pool.error(Unit("SELECT 1"))
            #expect(error.code == .unavailable)
            #expect(!"\(error)".contains("nonexistent"))
        }
    }

    @Test(arguments: ["host=name.invalid", "nonsense", "host=192.0.2.1,192.0.2.2 port=1,2,3"])
    func whatCannotBeConnectedToIsUnavailable(connectionInfo: String) async throws {
        let events = EventLog()
        try await withPool(connectionInfo, configure: Self.patient(events)) { pool, _ async throws in
            #expect(try await pool.error(Unit("SELECT 1")).code == .unavailable)
        }
    }

    @Test func theServerSaysWhyItRefusesAConnection() async throws {
        let events = EventLog()
        let info = try PrivateCluster.shared().connectionInfo(database: "missing")
        try await withPool(info, configure: Self.patient(events)) { pool, _ async throws in
            #expect(try await pool.error(Unit("SELECT 1")).code == .unavailable)
            let error = try await events.connectFailed()
            #expect(error.code == .connectionFailed)
            #expect(String(reflecting: error).contains("missing"))
        }
    }

    @Test func aSessionThatCannotBeSetUpIsNotUsed() async throws {
        let events = EventLog()
        try await withPool(
            makeDatabase().connectionInfo,
            configure: {
                Self.patient(events)(&$0)
                $0.sessionSettings = ["work_mem": "much"]
            }
        ) { pool, _ async throws in
            #expect(try await pool.error(Unit("SELECT 1")).code == .unavailable)
            #expect(try await events.connectFailed().sqlState == "22023")
        }
    }

    /// A server that takes the connection and never says a word.
    @Test func connectingHasALimit() async throws {
        let events = EventLog()
        let silent = try SilentServer()
        defer { silent.close() }
        try await withPool(
            "host=\(silent.folder) port=5432",
            configure: {
                Self.patient(events)(&$0)
                $0.connectTimeout = .milliseconds(50)
            }
        ) { pool, _ async throws in
            #expect(try await pool.error(Unit("SELECT 1")).code == .unavailable)
            #expect(try await events.connectFailed().explanation == "connecting took too long")
        }
    }

    @Test func aServerThatBecomesReadOnlyIsLeft() async throws {
        let cluster = try PrivateCluster()
        defer { cluster.remove() }
        let events = EventLog()
        try await withPool(cluster.connectionInfo(), configure: Self.patient(events)) { pool, _ async throws in
            _ = try await pool.run(Unit(commands: "CREATE TABLE public.t (a int8)"))
            try cluster.execute("ALTER SYSTEM SET default_transaction_read_only TO on")
            try cluster.execute("SELECT pg_reload_conf()")
            // The reload reaches the session at some moment; until then writing works.
            var error: PostgresError?
            while error == nil {
                do throws(PostgresError) {
                    _ = try await pool.run(Unit("INSERT INTO public.t VALUES (1)"))
                } catch let refusal {
                    error = refusal
                }
            }
            #expect(error?.code == .unavailable)
            #expect(error?.sqlState == "25006")
            _ = try await events.connectFailed()
            #expect(try await pool.error(Unit("SELECT 1")).code == .unavailable)
            try cluster.execute("ALTER SYSTEM RESET default_transaction_read_only")
            try cluster.execute("SELECT pg_reload_conf()")
            try await events.connected()
            _ = try await pool.run(Unit("INSERT INTO public.t VALUES (1)"))
        }
    }
}
