import CarillonNet
import Foundation
import Support
import Testing

@testable import Postgres

/// Several servers in one connection string: which one is found, how soon, and how one is left that is no primary.
@Suite(.timeLimit(.minutes(5))) struct FailoverTests {
    private static func configure(
        _ events: EventLog, connections: Int = 1
    ) -> (inout PostgresConfiguration) -> Void {
        {
            $0.connections = connections
            $0.reconnectPause = .milliseconds(1)...(.milliseconds(20))
            $0.onEvent = events.observer
        }
    }

    /// One machine that is gone, and one whose kernel takes connections while nobody speaks: each costs its own time
    /// and not that of the others, and costs it once.
    @Test func serversThatDoNotAnswerAreGivenUpAndTriedLast() async throws {
        let database = try makeDatabase()
        let gone = try BlackHole()
        let silent = try SilentServer()
        defer {
            gone.close()
            silent.close()
        }
        let folder = database.cluster.folder.path
        let info =
            "host=127.0.0.1,\(silent.folder),\(folder) port=\(gone.port),5432,5432 user=postgres dbname=\(database.name)"
        let events = EventLog()
        try await withPool(
            info,
            configure: {
                Self.configure(events)(&$0)
                $0.connectTimeout = .seconds(2)
            }
        ) { pool, loop async throws in
            let begin = loop.now
            let backend = try await pool.integer("SELECT pg_backend_pid()")
            let first = begin.duration(to: MonotonicTime.current)
            #expect(first >= .seconds(4) && first < .seconds(6))
            try await events.connected()
            try database.cluster.execute("SELECT pg_terminate_backend(\(backend))")
            _ = try await events.disconnected()
            let lost = MonotonicTime.current
            try await events.connected()
            #expect(lost.duration(to: MonotonicTime.current) < .seconds(2))
        }
    }

    @Test func whatTheStringSaysOfTimeGoesFirst() async throws {
        let silent = try SilentServer()
        defer { silent.close() }
        let events = EventLog()
        let begin = MonotonicTime.current
        try await withPool("host=\(silent.folder) connect_timeout=1", configure: Self.configure(events)) {
            _, _ async throws in
            #expect(try await events.connectFailed().explanation == "connecting took too long")
        }
        #expect(begin.duration(to: MonotonicTime.current) >= .seconds(1))
        #expect(begin.duration(to: MonotonicTime.current) < .seconds(20))
    }

    /// A standby says that it is read-only in the same words as this server.
    @Test func aServerThatCannotBeWrittenToIsPassedOver() async throws {
        var options = PrivateCluster.Options()
        options.settings = ["default_transaction_read_only": "on"]
        let standby = try PrivateCluster(options)
        defer { standby.remove() }
        let database = try makeDatabase()
        let info =
            "host=\(standby.folder.path),\(database.cluster.folder.path) user=postgres dbname=\(database.name)"
        // Only the second has this database, and the first refuses before it looks.
        try await withPool(info, configure: Self.configure(EventLog())) { pool, _ async throws in
            #expect(try await pool.text("SELECT current_database()::text") == database.name)
        }
        let both = "host=\(standby.folder.path),\(database.cluster.folder.path) user=postgres dbname=postgres"
        try await withPool(both, configure: Self.configure(EventLog())) { pool, _ async throws in
            #expect(try await pool.text("SHOW transaction_read_only") == "off")
        }
    }

    @Test func allConnectionsLeaveAServerThatBecomesReadOnly() async throws {
        let cluster = try PrivateCluster()
        defer { cluster.remove() }
        let events = EventLog()
        try await withPool(cluster.connectionInfo(), configure: Self.configure(events, connections: 3)) {
            pool, _ async throws in
            for _ in 0..<3 { try await events.connected() }
            _ = try await pool.run(Unit(commands: "CREATE TABLE public.t (a int8)"))
            try cluster.execute("ALTER SYSTEM SET default_transaction_read_only TO on")
            try cluster.execute("SELECT pg_reload_conf()")
            var error: PostgresError?
            while error == nil { error = try await pool.outcome(Unit("INSERT INTO public.t VALUES (1)")) }
            #expect(error?.sqlState == "25006")
            // Also those two that have not had a unit since.
            for _ in 0..<3 { _ = try await events.disconnected() }
            #expect(pool.status.connections == 0)
            try cluster.execute("ALTER SYSTEM RESET default_transaction_read_only")
            try cluster.execute("SELECT pg_reload_conf()")
            for _ in 0..<3 { try await events.connected() }
            _ = try await pool.run(Unit("INSERT INTO public.t VALUES (1)"))
        }
    }

    /// A connection that breaks without a word takes the idle ones with it, which would only find out one by one.
    @Test func aSilentLossIsHeededByAllConnections() async throws {
        let database = try makeDatabase()
        let events = EventLog()
        let relay = try CuttingRelay(to: database.cluster.folder.path)
        defer { relay.close() }
        try await withPool(
            "host=\(relay.folder) user=postgres dbname=\(database.name)",
            configure: Self.configure(events, connections: 3)
        ) { pool, _ async throws in
            for _ in 0..<3 { try await events.connected() }
            relay.cutOne()
            var numbers: Set<Int> = []
            for _ in 0..<3 {
                numbers.insert(
                    try await events.next { if case .disconnected(let number, _, _) = $0 { number } else { nil } })
            }
            #expect(numbers == [0, 1, 2])
            for _ in 0..<3 { try await events.connected() }
            #expect(try await pool.integer("SELECT 1::int8") == 1)
        }
    }

    /// The commit is on this server's disk, but nobody knows whether it is on a standby's: it is not acknowledged.
    @Test func aCommitWhoseWaitForTheStandbyIsEndedIsUnknown() async throws {
        var options = PrivateCluster.Options()
        options.settings = ["synchronous_standby_names": "nobody"]
        let cluster = try PrivateCluster(options)
        defer { cluster.remove() }
        try cluster.execute("SET synchronous_commit TO local; CREATE TABLE public.t (a int8)")
        try await withPool(cluster.connectionInfo(), configure: Self.configure(EventLog())) { pool, _ async throws in
            async let outcome = pool.outcome(Unit("INSERT INTO public.t VALUES (1)"))
            var waiting: String?
            while waiting == nil {
                await Task.yield()
                waiting = try cluster.execute("SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'").first?[0]
            }
            async let behind = pool.integer("SELECT count(*) FROM public.t")
            try cluster.execute("SELECT pg_cancel_backend(\(try #require(waiting)))")
            let error = try #require(try await outcome)
            #expect(error.code == .unavailable)
            #expect(error.isCommitUnknown)
            // The doubt is about that unit only; a unit that writes nothing waits for nobody.
            #expect(try await behind == 1)
        }
    }

    /// Two units take two rows in opposite orders: the server rolls one back, which is then run once more.
    @Test func aDeadlockCostsNobodyAnything() async throws {
        let database = try makeDatabase()
        try await withPool(
            database.connectionInfo,
            configure: {
                $0.connections = 2
                $0.unitsPerConnection = 1
                $0.sessionSettings = ["deadlock_timeout": "10ms"]
            }
        ) { pool, _ async throws in
            _ = try await pool.run(
                Unit(commands: "CREATE TABLE public.t (a int8, n int8)", "INSERT INTO public.t VALUES (1, 0), (2, 0)"))
            func unit(_ first: Int, _ second: Int) -> Postgres.Unit {
                Postgres.Unit(
                    [first, second].flatMap { row in
                        [
                            Query(Statement("UPDATE public.t SET n = n + 1 WHERE a = \(row)")),
                            Query(Statement("SELECT pg_sleep(0.3)")),
                        ]
                    })
            }
            async let one = pool.outcome(unit(1, 2))
            async let other = pool.outcome(unit(2, 1))
            #expect(try await [one, other] == [nil, nil])
            #expect(try await pool.integer("SELECT sum(n)::int8 FROM public.t") == 4)
        }
    }

    /// While the server is away only one connection knocks; the others follow it, without pauses of their own.
    @Test func oneConnectionTriesForAllDuringAnOutage() async throws {
        let cluster = try PrivateCluster()
        defer { cluster.remove() }
        let events = EventLog()
        try await withPool(
            cluster.connectionInfo(),
            configure: {
                Self.configure(events, connections: 4)(&$0)
                $0.reconnectPause = .milliseconds(1)...(.milliseconds(50))
            }
        ) { pool, _ async throws in
            for _ in 0..<4 { try await events.connected() }
            cluster.stop(.fast)
            // Each tries once; those that find another one trying leave it to that one.
            let knocks = try await Self.failures(12, events)
            #expect(Set(knocks.suffix(8)).count == 1)
            try cluster.start()
            for _ in 0..<4 { try await events.connected() }
            #expect(pool.status.connections == 4)
        }
    }

    private static func failures(_ count: Int, _ events: EventLog) async throws -> [Int] {
        var numbers: [Int] = []
        while numbers.count < count {
            numbers.append(
                try await events.next { if case .connectFailed(let number, _, _) = $0 { number } else { nil } })
        }
        return numbers
    }

    // MARK: Parts

    @Test func whoServedLastIsTriedFirst() {
        let hosts = ["a", "b", "c"].map { ConnectionParameters.Host(name: $0) }
        func order(_ memory: HostMemory) -> String { memory.order(hosts).map(\.name).joined() }
        let memory = HostMemory()
        #expect(order(memory) == "abc")
        memory.served(hosts[1])
        #expect(order(memory) == "bac")
        memory.wasSilent(hosts[0])
        #expect(order(memory) == "bca")
        memory.wasSilent(hosts[1])
        #expect(order(memory) == "cab")
        memory.refused(hosts[0])
        memory.refused(hosts[1])
        #expect(order(memory) == "abc")
        memory.served(hosts[2])
        memory.refused(hosts[2])
        #expect(order(memory) == "abc")
    }
}
