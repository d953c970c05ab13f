import CarillonNet
import Domain
import Postgres
import Storage
import Support
import Synchronization

/// A bootstrapped database with a registry. Each test makes tenants of its own in it.
struct TestDatabase: Sendable {
    let cluster: PrivateCluster
    let name: String
    let serve: String
    let owner: String

    /// Makes a database in a cluster and brings it up to date.
    static func make(in cluster: PrivateCluster) async throws -> TestDatabase {
        let name = try cluster.makeDatabase()
        try cluster.execute(Bootstrap.script, database: name)
        let database = TestDatabase(
            cluster: cluster, name: name, serve: cluster.connectionInfo(database: name, user: "carillon_serve"),
            owner: cluster.connectionInfo(database: name, user: "carillon_owner"))
        try await withPool(database.owner, configure: { $0.connectTimeout = patience }) { pool, loop in
            let administration = TenantAdministration(pool: pool) { duration throws(CancellationError) in
                try await loop.sleep(for: duration)
            }
            _ = try await administration.migrateRegistry(now: TestClock.epoch)
        }
        return database
    }

    /// Connecting may take its time on a busy machine.
    static let patience = Duration.seconds(60)

    private static let making = Mutex<Task<TestDatabase, any Error>?>(nil)

    /// The database that the tests of this process share.
    static func shared() async throws -> TestDatabase {
        let task = making.withLock { running in
            let task =
                running
                ?? Task {
                    var options = PrivateCluster.Options()
                    options.settings = ["max_connections": "400"]
                    return try await make(in: try PrivateCluster(options))
                }
            running = task
            return task
        }
        return try await task.value
    }
}

/// A clock that stands until it is moved.
final class TestClock: Sendable {
    /// 2026-11-15T12:00:00Z.
    static let epoch = Instant(seconds: 1_794_744_000)
    private let time = Mutex(epoch)

    var now: Instant { time.withLock { $0 } }

    func advance(seconds: Int64) {
        time.withLock { $0 = Instant(microseconds: $0.microseconds + seconds * 1_000_000) }
    }
}
