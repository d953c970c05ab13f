import CarillonNet
import Domain
import Postgres
import Support
import Testing

@testable import Storage

/// Databases beside the registry's.
@Suite struct PlacementTests {
    private static func sessions(_ fixture: Fixture, into info: String) async throws -> OwnerSessions {
        func open(_ info: String) async throws -> PostgresSession {
            var configuration = PostgresConfiguration(connectionInfo: info)
            configuration.connectTimeout = Fixture.patience
            return try await PostgresSession.open(on: fixture.loop, configuration: configuration)
        }
        return OwnerSessions(registry: try await open(fixture.connectionInfos.owner), tenant: try await open(info))
    }

    private static func elsewhere() throws -> (connection: ConnectionDifferences, owner: String) {
        let name = try SharedDatabase.bootstrappedDatabase()
        let cluster = try SharedDatabase.sharedCluster()
        return (
            try ConnectionDifferences("dbname=\(name)"), cluster.connectionInfo(database: name, user: "carillon_owner")
        )
    }

    private static func add(_ connection: ConnectionDifferences, _ fixture: Fixture) async throws -> DatabaseName {
        let name = try #require(DatabaseName("db-\(Fixture.number())"))
        let naming = try await fixture.administration.addDatabase(
            name, connection: connection, stamp: fixture.stamp(), now: fixture.now)
        #expect(naming == .named)
        return name
    }

    @Test func aTenantIsMadeInItsDatabaseAndReachedThere() async throws {
        let (connection, owner) = try Self.elsewhere()
        try await withStorage { fixture in
            let database = try await Self.add(connection, fixture)
            let sessions = try await Self.sessions(fixture, into: owner)
            defer { sessions.close() }
            let id = Fixture.tenantID()
            // What an onboarding that failed between its commits has left.
            try await sessions.tenant.run(Query(Statement("CREATE SCHEMA t_\(id)", prepared: false)))
            var creation = Fixture.creation(id)
            creation.database = database
            let record = try await TenantAdministration.createTenant(
                creation, stamp: fixture.stamp(), now: fixture.now, sessions: sessions)
            #expect(record.place == TenantPlace(database: database, connection: connection.text))
            let found = try await fixture.registry.tenant(id)
            #expect(found == record)
            let again = try await fixture.administration.createTenant(
                creation, stamp: fixture.stamp(), now: fixture.now)
            #expect(again == .replayed(record))

            var configuration = PostgresConfiguration(connectionInfo: fixture.connectionInfos.serve)
            configuration.connections = 1
            configuration.connectTimeout = Fixture.patience
            let pools = DatabasePools(loop: fixture.loop, main: fixture.serve, configuration: configuration)
            #expect(pools.pool(of: .main) === fixture.serve)
            #expect(pools.pool(of: record.place) === pools.pool(of: record.place))
            let store = TenantStore(tenant: id, pool: pools.pool(of: record.place))
            #expect(try await store.audit(size: 1).elements.isEmpty)
            // The registry's own database knows nothing of it.
            let wrong = try await storageError { () async throws(StorageError) in
                try await TenantStore(tenant: id, pool: fixture.serve).audit(size: 1)
            }
            #expect(wrong.code == .notReady)

            configuration.connectionInfo = fixture.connectionInfos.owner
            let owners = DatabasePools(loop: fixture.loop, main: fixture.owner, configuration: configuration)
            let loop = fixture.loop
            let administration = TenantAdministration(pool: fixture.owner, databases: owners) {
                duration throws(CancellationError) in
                try await loop.sleep(for: duration)
            }
            let later = fixture.now.adding(seconds: 100 * 86_400)
            try await administration.ensureMonths(tenant: id, now: fixture.now)
            try await administration.ensureMonths(tenant: id, now: later)
            try await administration.ensureMonths(tenant: id, now: later)
            let months = try await sessions.tenant.run(
                Query(
                    ArchiveStatements.months,
                    [.text("t_\(id)"), .textArray(TenantSchema.history.map(\.table))]))
            #expect(months.count == 4)
            await owners.close()
            await pools.close()
        }
    }

    @Test func databasesAreNamedOpenedAndClosed() async throws {
        try await withStorage { fixture in
            let connection = try ConnectionDifferences("dbname=somewhere")
            let name = try await Self.add(connection, fixture)
            let administration = fixture.administration
            let stamp = fixture.stamp()
            #expect(
                try await administration.addDatabase(name, connection: connection, stamp: stamp, now: fixture.now)
                    == .same)
            let other = try ConnectionDifferences("dbname=elsewhere")
            #expect(
                try await administration.addDatabase(name, connection: other, stamp: stamp, now: fixture.now) == .taken)
            #expect(try await administration.setAccepts(false, database: name, stamp: fixture.stamp()))
            let listed = try await administration.databases().first { $0.name == name }
            #expect(
                listed
                    == DatabaseRecord(
                        name: name, connection: "dbname=somewhere", acceptsTenants: false, tenants: 0))
            let nowhere = try #require(DatabaseName("nowhere"))
            #expect(try await administration.setAccepts(true, database: nowhere, stamp: fixture.stamp()) == false)
        }
    }

    @Test func thereAreNotMorePoolsThanTheLimit() async throws {
        try await withStorage { fixture in
            var configuration = PostgresConfiguration(connectionInfo: fixture.connectionInfos.serve)
            configuration.connections = 1
            let pools = DatabasePools(loop: fixture.loop, main: fixture.serve, configuration: configuration)
            let name = try #require(DatabaseName("x"))
            let places = (0...DatabasePools.limit).map {
                TenantPlace(database: name, connection: "host=/nonexistent dbname=x\($0)")
            }
            for place in places { _ = pools.pool(of: place) }
            for place in [places[DatabasePools.limit], TenantPlace(database: name, connection: "password=x")] {
                let store = TenantStore(tenant: Fixture.tenantID(), pool: pools.pool(of: place))
                let error = try await storageError { () async throws(StorageError) in try await store.audit(size: 1) }
                #expect(error.code == .unavailable)
            }
            await pools.close()
        }
    }

    /// Whoever is being moved is worked by nobody.
    @Test func aTenantThatIsHeldHasNoWorker() async throws {
        let cluster = try SharedDatabase.sharedCluster()
        let name = try SharedDatabase.bootstrappedDatabase()
        try await withStorage(
            serve: cluster.connectionInfo(database: name, user: "carillon_serve"),
            owner: cluster.connectionInfo(database: name, user: "carillon_owner")
        ) { fixture in
            _ = try await fixture.administration.migrateRegistry(now: Fixture.epoch)
            let tenant = try await fixture.tenant().tenant
            let worker = fixture.id()
            try await fixture.registry.joinWorker(worker, timeToLive: .seconds(60))
            func leases() async throws -> [TenantID] {
                try await fixture.registry.tick(worker: worker, timeToLive: .seconds(60), acquiring: 5).leases
                    .map(\.tenant)
            }
            #expect(try await leases() == [tenant])
            for (hold, expected) in [("'main'", []), ("NULL", [tenant])] {
                try cluster.execute("UPDATE carillon.tenant SET moving_to = \(hold)", database: name)
                #expect(try await leases() == expected)
            }
        }
    }
}
