import CarillonNet
import Domain
import Postgres
import Support
import Testing

@testable import Storage

/// A registry of its own with a further database beside it.
struct TwoDatabases: Sendable {
    /// The registry's database.
    let fixture: Fixture
    let cluster: PrivateCluster
    let home: String
    /// The further database, as the cluster calls it.
    let away: String
    /// The same as the registry names it.
    let place: TenantPlace
    /// The owner's, with ways to both.
    let administration: TenantAdministration
    private let owners: DatabasePools
    private let servers: DatabasePools

    /// A tenant in the further database.
    func farTenant() async throws -> TenantStore {
        var creation = Fixture.creation(Fixture.tenantID())
        creation.database = place.database
        let sessions = try await sessions(farToo: true)
        defer { sessions.close() }
        _ = try await TenantAdministration.createTenant(
            creation, stamp: fixture.stamp(), now: fixture.now, sessions: sessions)
        try await administration.makeFirstMonths(tenant: creation.id, now: fixture.now)
        return TenantStore(tenant: creation.id, pool: servers.pool(of: place))
    }

    /// The owner's sessions for work on one tenant.
    func sessions(farToo: Bool) async throws -> OwnerSessions {
        var configuration = PostgresConfiguration(connectionInfo: fixture.connectionInfos.owner)
        configuration.connectTimeout = Fixture.patience
        let deadline = MonotonicTime.current.advanced(by: Fixture.patience)
        return try await OwnerSessions.open(
            on: fixture.loop, configuration, at: farToo ? place : .main, until: deadline)
    }

    /// The owner's pool of the further database.
    var farOwner: PostgresPool { owners.pool(of: place) }

    /// Runs a command in the further database.
    @discardableResult
    func far(_ sql: String) throws -> [[String?]] { try cluster.execute(sql, database: away) }

    /// Runs a command in the registry's database.
    @discardableResult
    func near(_ sql: String) throws -> [[String?]] { try cluster.execute(sql, database: home) }

    /// Runs a test with them.
    static func with(_ body: @escaping @Sendable (TwoDatabases) async throws -> Void) async throws {
        let away = try SharedDatabase.bootstrappedDatabase()
        try await withOwnRegistry { fixture, home in
            let name = try #require(DatabaseName("second"))
            let connection = try ConnectionDifferences("dbname=\(away)")
            _ = try await fixture.administration.addDatabase(
                name, connection: connection, stamp: fixture.stamp(), now: fixture.now)
            func pools(_ info: String, _ main: PostgresPool) -> DatabasePools {
                var configuration = PostgresConfiguration(connectionInfo: info)
                configuration.connections = 1
                configuration.connectTimeout = Fixture.patience
                return DatabasePools(loop: fixture.loop, main: main, configuration: configuration)
            }
            let owners = pools(fixture.connectionInfos.owner, fixture.owner)
            let servers = pools(fixture.connectionInfos.serve, fixture.serve)
            let loop = fixture.loop
            let both = TwoDatabases(
                fixture: fixture, cluster: try SharedDatabase.sharedCluster(), home: home, away: away,
                place: TenantPlace(database: name, connection: connection.text),
                administration: TenantAdministration(pool: fixture.owner, databases: owners) {
                    pause throws(CancellationError) in
                    try await loop.sleep(for: pause)
                }, owners: owners, servers: servers)
            let result: Result<Void, any Error>
            do { result = .success(try await body(both)) } catch { result = .failure(error) }
            await owners.close()
            await servers.close()
            try result.get()
        }
    }
}
