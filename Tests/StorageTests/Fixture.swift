import CarillonNet
import Domain
import Postgres
import Support
import Synchronization
import Testing

@testable import Storage

/// A bootstrapped database with a registry, shared by the tests of this target; each test makes tenants of its own.
enum SharedDatabase {
    /// The shared cluster and database.
    private static let connection = Result { () throws -> (PrivateCluster, String) in
        (try sharedCluster(), try bootstrappedDatabase())
    }

    private static let cluster = Result { () throws -> PrivateCluster in
        var options = PrivateCluster.Options()
        // Each of the tests that run at once has connections of its own.
        options.settings = ["max_connections": "400"]
        return try PrivateCluster(options)
    }

    private static let bootstrapping = Mutex(())

    /// A further database of the shared cluster, without a registry. Roles belong to the cluster, so one is made at a
    /// time.
    static func bootstrappedDatabase() throws -> String {
        try bootstrapping.withLock { _ in
            let cluster = try sharedCluster()
            let name = try cluster.makeDatabase()
            try cluster.execute(Bootstrap.script, database: name)
            return name
        }
    }

    /// The cluster that the databases are in.
    static func sharedCluster() throws -> PrivateCluster { try cluster.get() }

    /// The name of the shared database.
    static func name() throws -> String { try connection.get().1 }

    private static let migration = Mutex<Task<Void, any Error>?>(nil)

    /// The connection strings for serving and for owning, once the registry is there.
    static func migrated() async throws -> (serve: String, owner: String) {
        let (cluster, name) = try connection.get()
        let serve = cluster.connectionInfo(database: name, user: "carillon_serve")
        let owner = cluster.connectionInfo(database: name, user: "carillon_owner")
        let task = migration.withLock { running in
            let task =
                running
                ?? Task {
                    try await withPool(owner) { pool, loop in
                        let administration = TenantAdministration(pool: pool) { duration throws(CancellationError) in
                            try await loop.sleep(for: duration)
                        }
                        _ = try await administration.migrateRegistry(now: Fixture.epoch)
                    }
                }
            running = task
            return task
        }
        try await task.value
        return (serve, owner)
    }
}

/// The stores over a loop of their own, for one test.
final class Fixture: @unchecked Sendable {
    /// 2026-11-15T12:00:00Z.
    static let epoch = Instant(seconds: 1_794_744_000)
    /// All tests begin at once, on whatever machine: connecting may take its time.
    static let patience = Duration.seconds(60)
    private static let numbers = Atomic<UInt64>(0)

    let loop: EventLoop
    let serve: PostgresPool
    let owner: PostgresPool
    let registry: RegistryStore
    let administration: TenantAdministration
    var now = Fixture.epoch
    private var others: [PostgresPool] = []
    /// How to log in for serving and for owning.
    let connectionInfos: (serve: String, owner: String)

    init(_ connectionInfos: (serve: String, owner: String), loop: EventLoop, serve: PostgresPool, owner: PostgresPool) {
        self.connectionInfos = connectionInfos
        self.loop = loop
        self.serve = serve
        self.owner = owner
        registry = RegistryStore(pool: serve)
        administration = TenantAdministration(pool: owner) { duration throws(CancellationError) in
            try await loop.sleep(for: duration)
        }
    }

    /// A number that no other test gets.
    static func number() -> UInt64 { numbers.add(1, ordering: .relaxed).newValue }

    /// An id of the fixture's time that no other test gets.
    func id() -> UUIDv7 {
        UUIDv7(
            milliseconds: UInt64(now.microseconds / 1_000), randomness: (Self.number() >> 62, Self.number()))
    }

    func stamp() -> AuditStamp { AuditStamp(id: id(), actor: "key/test", origin: "192.0.2.1 tests/1") }

    static func tenantID() -> TenantID { TenantID(unchecked: "tst\(number())") }

    static func creation(_ id: TenantID, hash: UInt8 = 1) -> TenantCreation {
        TenantCreation(
            id: id, values: values, wrappedDataKey: [1, 2, 3], requestHash: [hash])
    }

    static let values = TenantWrite(
        displayName: "Northwind Supply", portalURL: "https://portal.example", timeZone: "Europe/Berlin", locale: "en")

    /// A tenant that nobody else uses.
    func tenant() async throws -> TenantStore {
        let id = Self.tenantID()
        guard case .created = try await administration.createTenant(Self.creation(id), stamp: stamp(), now: now) else {
            throw PostgresError(.other, "the tenant was there")
        }
        try await administration.makeFirstMonths(tenant: id, now: now)
        return TenantStore(tenant: id, pool: serve)
    }

    /// The same tenant as another process has it: over a connection of its own.
    func another(_ tenant: TenantStore) -> TenantStore {
        TenantStore(tenant: tenant.tenant, pool: anotherPool(connectionInfos.serve))
    }

    /// Administration as another process does it: over a connection of its own.
    func anotherAdministration() -> TenantAdministration {
        let loop = loop
        return TenantAdministration(pool: anotherPool(connectionInfos.owner)) { duration throws(CancellationError) in
            try await loop.sleep(for: duration)
        }
    }

    /// A further pool of the owner's on which each unit has a connection to itself.
    func ownerPool(connections: Int, of owner: String? = nil) -> PostgresPool {
        anotherPool(owner ?? connectionInfos.owner, connections: connections, unitsPerConnection: 1)
    }

    /// Gives a tenant an API key.
    func addKey(_ key: NewAPIKey, to tenant: TenantID) async throws(StorageError) -> APIKeyRecord? {
        try await registry.createAPIKey(key, tenant: tenant, limit: 10, stamp: stamp(), now: now)
    }

    /// Gives a tenant some accounts.
    func addAccounts(_ count: Int, to tenant: TenantStore) async throws {
        for _ in 0..<count {
            let account = AccountWrite(id: AccountID(unchecked: "acc\(Self.number())"))
            _ = try await tenant.upsertAccount(account, stamp: stamp(), now: now)
        }
    }

    private func anotherPool(_ info: String, connections: Int = 1, unitsPerConnection: Int = 16) -> PostgresPool {
        var configuration = PostgresConfiguration(connectionInfo: info)
        configuration.connections = connections
        configuration.unitsPerConnection = unitsPerConnection
        configuration.connectTimeout = Self.patience
        configuration.lockTimeout = Self.patience
        configuration.statementTimeout = Self.patience
        let pool = PostgresPool(loop: loop, configuration: configuration)
        others.append(pool)
        return pool
    }

    /// Closes what the test has opened.
    func close() async {
        for pool in others + [owner] { await pool.close() }
    }

    /// Runs one query as a tenant.
    @discardableResult
    func query(
        as tenant: TenantStore, _ sql: String, _ parameters: Parameter...
    ) async throws(PostgresError) -> ResultSet {
        try await serve.run(
            Unit(role: "t_\(tenant.tenant)", [Query(Statement(sql, prepared: false), parameters)]))[0]
    }

    /// The first value of a query as a tenant, which must be an integer.
    func integer(as tenant: TenantStore, _ sql: String) async throws -> Int64 {
        try #require(try await query(as: tenant, sql).first).int8(0)
    }
}

/// Runs a test with stores over a loop of its own, on the shared database.
func withStorage(connections: Int = 2, _ body: @escaping @Sendable (Fixture) async throws -> Void) async throws {
    let (serve, owner) = try await SharedDatabase.migrated()
    try await withStorage(serve: serve, owner: owner, connections: connections, body)
}

/// Runs a test that concerns every tenant of a registry, on a database of its own.
func withOwnRegistry(_ body: @escaping @Sendable (Fixture, _ database: String) async throws -> Void) async throws {
    let cluster = try SharedDatabase.sharedCluster()
    let name = try SharedDatabase.bootstrappedDatabase()
    try await withStorage(
        serve: cluster.connectionInfo(database: name, user: "carillon_serve"),
        owner: cluster.connectionInfo(database: name, user: "carillon_owner")
    ) { fixture in
        _ = try await fixture.administration.migrateRegistry(now: fixture.now)
        try await body(fixture, name)
    }
}

/// Runs a test with stores over a loop of its own, on any database.
func withStorage(
    serve: String, owner: String, connections: Int = 2, _ body: @escaping @Sendable (Fixture) async throws -> Void
) async throws {
    try await withPool(
        serve,
        configure: {
            $0.connections = connections
            $0.connectTimeout = Fixture.patience
        }
    ) { pool, loop in
        var configuration = PostgresConfiguration(connectionInfo: owner)
        configuration.connections = 1
        configuration.connectTimeout = Fixture.patience
        let ownerPool = PostgresPool(loop: loop, configuration: configuration)
        let fixture = Fixture((serve, owner), loop: loop, serve: pool, owner: ownerPool)
        let result: Result<Void, any Error>
        do { result = .success(try await body(fixture)) } catch { result = .failure(error) }
        await fixture.close()
        try result.get()
    }
}

/// The error that work is expected to end with.
func storageError(_ body: () async throws(StorageError) -> some Any) async throws -> StorageError {
    do throws(StorageError) {
        _ = try await body()
    } catch {
        return error
    }
    Issue.record("the work succeeded")
    throw StorageError(.internalError, "the work succeeded")
}

extension Instant {
    func adding(seconds: Int64) -> Instant { Instant(microseconds: microseconds + seconds * 1_000_000) }
}
