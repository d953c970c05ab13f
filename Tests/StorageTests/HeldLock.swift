import Postgres
import Support
import Testing

/// A transaction of a superuser that takes locks and then does nothing until it is released: a way to keep others
/// waiting for exactly as long as a test wants.
struct HeldLock: Sendable {
    private let cluster: PrivateCluster
    private let name: String
    private let session: Task<Void, any Error>

    /// Runs the commands and returns when the locks are held.
    init(_ commands: [String], cluster: PrivateCluster, database: String) async throws {
        self.cluster = cluster
        name = "holder\(Fixture.number())"
        let info = cluster.connectionInfo(database: database) + " application_name=\(name)"
        let queries = (commands + ["SELECT pg_sleep(600)"]).map { Query(Statement($0, prepared: false)) }
        // On a loop of its own, whatever the test's loop is doing.
        session = Task.detached {
            try await withPool(
                info,
                configure: {
                    $0.connections = 1
                    // It is released by ending its session.
                    $0.runsAfterLoss = 0
                    $0.connectTimeout = Fixture.patience
                    $0.statementTimeout = .seconds(600)
                    $0.unitLimit = .seconds(600)
                }
            ) { pool, _ in
                do throws(PostgresError) {
                    _ = try await pool.run(Unit(queries))
                    Issue.record("the holder ended by itself")
                } catch {
                    #expect(error.code == .connectionFailed)
                }
            }
        }
        try await Self.wait(
            for: "SELECT 1 FROM pg_stat_activity WHERE application_name = '\(name)' AND wait_event = 'PgSleep'", cluster
        )
    }

    /// Lets the locks go.
    func release() throws {
        try cluster.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '\(name)'")
    }

    /// Returns when the holder is gone.
    func end() async throws { try await session.value }

    /// Asks until there is a row, and lets the loop go on in between.
    static func wait(for question: String, _ cluster: PrivateCluster) async throws {
        while try cluster.execute(question).isEmpty { await Task.yield() }
    }
}
