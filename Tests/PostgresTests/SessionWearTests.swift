import CarillonNet
import Support
import Synchronization
import Testing

@testable import Postgres

/// Sessions whose backends have learnt too much are replaced, and nobody notices.
@Suite struct SessionWearTests {
    private func withPool(
        _ change: @escaping @Sendable (inout PostgresConfiguration) -> Void,
        _ body: @escaping @Sendable (PostgresPool, _ roles: [String]) async throws -> Void
    ) async throws {
        let database = try makeDatabase()
        let roles = (0..<3).map { "wear\($0)_\(database.name)" }
        for role in roles { try database.cluster.execute("CREATE ROLE \(role)") }
        let lost = Mutex(0)
        try await Support.withPool(
            database.connectionInfo,
            configure: {
                $0.connections = 1
                $0.leastSessionAge = .zero
                $0.reconnectPause = .seconds(3600)...(.seconds(3600))
                $0.onEvent = { if case .disconnected = $0 { lost.withLock { $0 += 1 } } }
                change(&$0)
            }
        ) { pool, _ async throws in try await body(pool, roles) }
        #expect(lost.withLock { $0 } == 0, "nothing was lost")
    }

    @Test func afterAsManyRolesAsItMayKnow() async throws {
        try await withPool({ $0.rolesPerSession = 3 }) { pool, roles in
            let backend = try await pool.integer("SELECT pg_backend_pid()")
            for role in [roles[0], roles[0], roles[1], roles[1]] {
                _ = try await pool.run(Unit("SELECT 1", role: role))
            }
            #expect(try await pool.integer("SELECT pg_backend_pid()") == backend)
            // What is under way with the last of them is answered by the old session, what comes by the new one.
            async let last = pool.run(Unit("SELECT 1", role: roles[2]))
            async let beside = pool.integer("SELECT pg_backend_pid()")
            _ = try await last
            #expect(try await beside == backend)
            let next = try await pool.integer("SELECT pg_backend_pid()")
            #expect(next != backend)
            for role in roles.prefix(2) { _ = try await pool.run(Unit("SELECT 1", role: role)) }
            #expect(try await pool.integer("SELECT pg_backend_pid()") == next)
        }
    }

    @Test func afterAsManyUnitsAsItMayRun() async throws {
        try await withPool({ $0.unitsPerSession = 2 }) { pool, _ in
            var backends: [Int] = []
            for _ in 0..<4 { backends.append(try await pool.integer("SELECT pg_backend_pid()")) }
            #expect(backends[0] == backends[1] && backends[1] != backends[2] && backends[2] == backends[3])
        }
    }

    @Test func notBeforeItIsOldEnough() async throws {
        try await withPool({
            $0.unitsPerSession = 1
            $0.leastSessionAge = .seconds(3600)
        }) { pool, _ in
            let backend = try await pool.integer("SELECT pg_backend_pid()")
            for _ in 0..<3 { #expect(try await pool.integer("SELECT pg_backend_pid()") == backend) }
        }
    }

    @Test func noneIsReplacedWhereThereIsNoLimit() {
        let configuration = PostgresConfiguration(connectionInfo: "")
        var wear = SessionWear()
        let now = MonotonicTime(nanoseconds: 0)
        wear.begin(at: now)
        for number in 0..<1_000 { wear.note(Unit(role: "r\(number)", []), within: configuration) }
        wear.note(Unit([]), within: configuration)
        #expect(!wear.isTooMuch(for: configuration, at: now.advanced(by: .seconds(100_000))))
    }
}
