import CarillonNet
import Postgres
import Support
import Testing

/// A session of its own against a real server: transactions, COPY in both directions, and what ends them.
@Suite struct PostgresSessionTests {
    private func withSession(
        _ info: String, _ body: @escaping @Sendable (PostgresSession, EventLoop) async throws -> Void
    ) async throws {
        try await withPool(info, configure: { $0.connections = 1 }) { _, loop in
            let session = try await Self.open(info, loop)
            let result: Result<Void, any Error>
            do { result = .success(try await body(session, loop)) } catch { result = .failure(error) }
            session.close()
            try result.get()
        }
    }

    private static func open(_ info: String, _ loop: EventLoop) async throws -> PostgresSession {
        var configuration = PostgresConfiguration(connectionInfo: info)
        configuration.connectTimeout = .seconds(60)
        configuration.statementTimeout = .zero
        configuration.lockTimeout = .zero
        configuration.idleInTransactionTimeout = .zero
        return try await PostgresSession.open(on: loop, configuration: configuration)
    }

    private static func once(_ sql: String) -> Query { Query(Statement(sql, prepared: false)) }

    private static func integer(_ session: PostgresSession, _ sql: String) async throws -> Int64 {
        try #require(try await session.run(once(sql)).first).int8(0)
    }

    private static func error(_ body: () async throws -> Void) async throws -> PostgresError {
        do {
            try await body()
        } catch let error as PostgresError {
            return error
        }
        throw PostgresError(.other, "nothing failed")
    }

    /// Waits until a backend waits for what the event names.
    private static func backend(
        _ pid: Int64, waitsFor event: String, _ cluster: PrivateCluster, _ loop: EventLoop
    ) async throws {
        while try cluster.execute(
            "SELECT 1 FROM pg_stat_activity WHERE pid = \(pid) AND wait_event = '\(event)'"
        ).isEmpty {
            try await loop.sleep(for: .milliseconds(5))
        }
    }

    @Test func transactionsAreCommittedAndUndone() async throws {
        let database = try makeDatabase()
        try await withSession(database.connectionInfo) { session, _ in
            try await session.run(Self.once("CREATE TABLE public.t (a int8 UNIQUE DEFERRABLE INITIALLY DEFERRED)"))
            try await session.begin()
            try await session.run(Query(Statement("INSERT INTO public.t VALUES ($1::int8)"), [.int8(1)]))
            try await session.commit()
            try await session.begin()
            try await session.run(Self.once("INSERT INTO public.t VALUES (2)"))
            try await session.rollback()
            try await session.rollback()
            #expect(try await Self.integer(session, "SELECT count(*) FROM public.t") == 1)

            // A failed transaction takes nothing but its end, and is never committed by mistake.
            try await session.begin()
            #expect(try await Self.error { try await session.run(Self.once("SELECT 1 / 0")) }.sqlState == "22012")
            #expect(try await Self.error { try await session.commit() }.code == .invalidStatement)
            try await session.rollback()
            try await session.begin()
            try await session.run(Self.once("INSERT INTO public.t VALUES (1)"))
            let refused = try await Self.error { try await session.commit() }
            #expect(refused.code == .uniqueViolation)
            #expect(!refused.isCommitUnknown)
            #expect(try await Self.integer(session, "SELECT count(*) FROM public.t") == 1)
        }
    }

    @Test func aSnapshotSeesOneMomentAndWritesNothing() async throws {
        let database = try makeDatabase()
        try await withSession(database.connectionInfo) { session, _ in
            try await session.run(Self.once("CREATE TABLE public.t (a int8)"))
            try await session.begin(.snapshot)
            #expect(try await Self.integer(session, "SELECT count(*) FROM public.t") == 0)
            try database.cluster.execute("INSERT INTO public.t VALUES (1)", database: database.name)
            #expect(try await Self.integer(session, "SELECT count(*) FROM public.t") == 0)
            let refused = try await Self.error { try await session.run(Self.once("INSERT INTO public.t VALUES (2)")) }
            #expect(refused.sqlState == "25006")
            try await session.rollback()
            #expect(try await Self.integer(session, "SELECT count(*) FROM public.t") == 1)
        }
    }

    @Test func rowsOfAnySizeGoOutAndIn() async throws {
        let database = try makeDatabase()
        try database.cluster.execute(
            """
            CREATE TABLE public.source (a int8, b text);
            CREATE TABLE public.target (a int8, b text);
            INSERT INTO public.source SELECT x, repeat(chr(9) || chr(10) || chr(92) || 'é', (x % 50)::int)
                FROM generate_series(1, 20000) x;
            INSERT INTO public.source VALUES (0, NULL), (-1, repeat('large ', 2000000)), (-2, '');
            """, database: database.name)
        try await withSession(database.connectionInfo) { session, loop in
            let other = try await Self.open(database.connectionInfo, loop)
            defer { other.close() }
            try await session.begin(.snapshot)
            try await session.beginCopyOut(Statement("COPY public.source (a, b) TO STDOUT", prepared: false))
            try await other.begin()
            try await other.beginCopyIn(Statement("COPY public.target (a, b) FROM STDIN", prepared: false))
            var count = 0
            while let rows = try await session.copiedRows(limit: 10_000) {
                count += rows.count
                #expect(rows.octets.last == UInt8(ascii: "\n"))
                // Cut anywhere.
                try await other.copy(rows.octets.prefix(7))
                try await other.copy(rows.octets.dropFirst(7))
            }
            #expect(count == 20_003)
            #expect(try await other.endCopyIn() == 20_003)
            try await other.commit()
            try await session.commit()
            let differing = """
                SELECT count(*) FROM (TABLE public.source EXCEPT TABLE public.target) d
                """
            #expect(try await Self.integer(session, differing) == 0)
        }
    }

    @Test func aReaderThatIsSlowHoldsTheServerBack() async throws {
        let database = try makeDatabase()
        try await withSession(database.connectionInfo) { session, loop in
            let backend = try await Self.integer(session, "SELECT pg_backend_pid()::int8")
            try await session.beginCopyOut(
                Statement("COPY (SELECT x, repeat('x', 1000) FROM generate_series(1, 200000) x) TO STDOUT"))
            let first = try #require(try await session.copiedRows(limit: 1))
            #expect(first.count == 1)
            // Two hundred megabytes are to come, and the server cannot send them.
            try await Self.backend(backend, waitsFor: "ClientWrite", database.cluster, loop)
            var count = first.count
            while let rows = try await session.copiedRows(limit: 1 << 18) { count += rows.count }
            #expect(count == 200_000)
        }
    }

    @Test func whatIsBadInTheMiddleOfACopyIsToldAndLeavesTheSession() async throws {
        let database = try makeDatabase()
        try await withSession(database.connectionInfo) { session, _ in
            try await session.run(Self.once("CREATE TABLE public.t (a int8)"))
            try await session.begin()
            try await session.beginCopyIn(Statement("COPY public.t (a) FROM STDIN"))
            let refused = try await Self.error {
                try await session.copy("1\nnumber\n".utf8.map(\.self))
                for _ in 0..<100 { try await session.copy([UInt8](repeating: UInt8(ascii: "\n"), count: 100_000)) }
                _ = try await session.endCopyIn()
            }
            #expect(refused.sqlState == "22P02")
            try await session.rollback()
            #expect(try await Self.integer(session, "SELECT count(*) FROM public.t") == 0)

            // Found out only at the end.
            try await session.begin()
            try await session.beginCopyIn(Statement("COPY public.t (a) FROM STDIN"))
            try await session.copy("number".utf8.map(\.self))
            #expect(try await Self.error { _ = try await session.endCopyIn() }.sqlState == "22P02")
            try await session.rollback()
            #expect(
                try await Self.error { try await session.beginCopyIn(Statement("COPY public.none FROM STDIN")) }
                    .sqlState
                    == "42P01")
            #expect(try await Self.integer(session, "SELECT count(*) FROM public.t") == 0)
        }
    }

    @Test(arguments: [true, false])
    func aSessionThatIsEndedInTheMiddleSaysSo(out: Bool) async throws {
        let database = try makeDatabase()
        try await withSession(database.connectionInfo) { session, _ in
            let backend = try await Self.integer(session, "SELECT pg_backend_pid()::int8")
            try await session.run(Self.once("CREATE TABLE public.t (a text)"))
            let lost = try await Self.error {
                if out {
                    try await session.beginCopyOut(
                        Statement("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 200000)) TO STDOUT"))
                } else {
                    try await session.beginCopyIn(Statement("COPY public.t FROM STDIN"))
                }
                try database.cluster.execute("SELECT pg_terminate_backend(\(backend))")
                if out {
                    while try await session.copiedRows(limit: 1 << 18) != nil {}
                } else {
                    while true { try await session.copy([UInt8](repeating: UInt8(ascii: "\n"), count: 100_000)) }
                }
            }
            #expect(lost.code == .connectionFailed)
            #expect(try await Self.error { try await session.begin() }.code == .unavailable)
        }
    }

    @Test func aServerThatCrashesIsNoticed() async throws {
        let cluster = try PrivateCluster()
        defer { cluster.remove() }
        try await withSession(cluster.connectionInfo()) { session, _ in
            try await session.beginCopyOut(
                Statement("COPY (SELECT repeat('x', 1000) FROM generate_series(1, 200000)) TO STDOUT"))
            _ = try await session.copiedRows(limit: 1)
            cluster.stop(.immediate)
            let lost = try await Self.error {
                while try await session.copiedRows(limit: 1 << 18) != nil {}
            }
            #expect(lost.code == .connectionFailed)
        }
    }

    @Test func theCallersTimeEndsWhatTheServerIsAt() async throws {
        let database = try makeDatabase()
        try await withSession(database.connectionInfo) { session, loop in
            let backend = try await Self.integer(session, "SELECT pg_backend_pid()::int8")
            session.deadline = loop.now.advanced(by: .milliseconds(50))
            let error = try await Self.error { try await session.run(Self.once("SELECT pg_sleep(3600)")) }
            #expect(error.code == .deadlineExceeded)
            while try !database.cluster.execute("SELECT 1 FROM pg_stat_activity WHERE pid = \(backend)").isEmpty {
                try await loop.sleep(for: .milliseconds(5))
            }
        }
    }

    @Test func whoeverWritesToABusyServerWaitsAndCanBeCalledOff() async throws {
        let database = try makeDatabase()
        try await withSession(database.connectionInfo) { session, loop in
            try await session.run(Self.once("CREATE TABLE public.t (a text)"))
            let other = try await Self.open(database.connectionInfo, loop)
            defer { other.close() }
            let backend = try await Self.integer(other, "SELECT pg_backend_pid()::int8")
            try await session.begin()
            try await session.run(Self.once("CREATE UNIQUE INDEX t_a ON public.t (a)"))
            let writing = loop.spawn {
                do throws(PostgresError) {
                    try await other.beginCopyIn(Statement("COPY public.t FROM STDIN"))
                    try await other.copy([UInt8](repeating: UInt8(ascii: "x"), count: 50_000_000))
                    Issue.record("it was not called off")
                } catch {
                    #expect(error.code == .cancelled)
                }
            }
            try await Self.backend(backend, waitsFor: "relation", database.cluster, loop)
            writing.cancel()
            await writing.value
            try await session.rollback()
        }
    }

    @Test func whatCannotBeConnectedToFails() async throws {
        try await withPool(makeDatabase().connectionInfo) { _, loop in
            let silent = try SilentServer()
            defer { silent.close() }
            for info in ["host=/nonexistent", "host=name.invalid", "nonsense", "host=\(silent.folder) port=5432"] {
                var configuration = PostgresConfiguration(connectionInfo: info)
                configuration.connectTimeout = .milliseconds(info.contains("port") ? 50 : 60_000)
                let error = try await Self.error {
                    _ = try await PostgresSession.open(on: loop, configuration: configuration)
                }
                #expect(error.code == (info == "nonsense" ? .invalidValue : .connectionFailed))
            }
        }
    }
}
