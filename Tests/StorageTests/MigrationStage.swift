import CarillonNet
import Domain
import Postgres
import Support
import Synchronization
import Testing

@testable import Storage

/// A database of its own for a test of migrations, which concern every tenant of a registry.
struct MigrationStage: Sendable {
    let fixture: Fixture
    let cluster: PrivateCluster
    let database: String

    /// What programs of version 1 have made in it.
    var version1: Version1 { Version1(cluster: cluster, database: database) }

    /// A migrator as `carillon migrate` has it: a connection for each tenant at once, and one more.
    func migrator(
        _ tenantMigrations: [Migration] = TenantSchema.migrations,
        registry: [Migration] = RegistrySchema.migrations, parallel: Int = 4, stop: StopRequest = StopRequest(),
        onEvent: @escaping @Sendable (MigrationEvent) -> Void = { _ in },
        place: @escaping @Sendable (DatabaseName) -> PostgresPool? = { _ in nil },
        pause: TenantAdministration.Pause? = nil
    ) -> Migrator {
        var options = Migrator.Options()
        options.parallel = parallel
        options.randomness = { 0 }
        options.onEvent = onEvent
        let loop = fixture.loop
        return Migrator(
            registry: fixture.ownerPool(connections: parallel + 1), place: place, options: options, stop: stop,
            pause: pause ?? { length throws(CancellationError) in try await loop.sleep(for: length) },
            histories: (
                SchemaHistory(component: "registry", subject: "the registry", base: 0, migrations: registry),
                SchemaHistory(
                    component: "tenant", subject: "the schema of tenants", base: 1, migrations: tenantMigrations)
            ))
    }

    /// The version of a tenant, by the registry.
    func version(_ tenant: TenantID) throws -> Int? { try version1.versions()[tenant.rawValue] }

    /// Ends all sessions and lets nobody in any more, but superusers of other databases.
    func cutOff() throws {
        try cluster.execute("ALTER DATABASE \(database) ALLOW_CONNECTIONS false")
        try cluster.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(database)'")
    }

    /// Undoes ``cutOff()``.
    func letIn() throws {
        try cluster.execute("ALTER DATABASE \(database) ALLOW_CONNECTIONS true")
    }

    /// A digest of what this database's catalogs and its registry say, but for what vacuum notes and what other databases
    /// of the cluster have.
    func fingerprint() throws -> [[String?]] {
        try cluster.execute(
            """
            SELECT (
                    SELECT md5(string_agg(
                        ROW (c.oid, c.relname, c.relnamespace, c.relfilenode, c.relkind, c.relacl, c.reloptions)::text,
                        '|' ORDER BY c.oid))
                    FROM pg_catalog.pg_class c
                ),
                (SELECT md5(string_agg(a::text, '|' ORDER BY a.attrelid, a.attnum)) FROM pg_catalog.pg_attribute a),
                (SELECT md5(string_agg(c::text, '|' ORDER BY c.oid)) FROM pg_catalog.pg_constraint c),
                (
                    SELECT md5(string_agg(m::text, '|' ORDER BY m.roleid, m.member))
                    FROM pg_catalog.pg_auth_members m
                    JOIN pg_catalog.pg_namespace n ON n.nspname = m.roleid::regrole::text
                ),
                (SELECT md5(string_agg(t::text, '|' ORDER BY t.tenant_id)) FROM carillon.tenant t),
                (SELECT md5(string_agg(v::text, '|' ORDER BY v.component)) FROM carillon.schema_version v)
            """, database: database)
    }
}

/// Runs a test on a bootstrapped database without a registry.
func withMigrationStage(_ body: @escaping @Sendable (MigrationStage) async throws -> Void) async throws {
    let cluster = try SharedDatabase.sharedCluster()
    let name = try SharedDatabase.bootstrappedDatabase()
    try await withStorage(
        serve: cluster.connectionInfo(database: name, user: "carillon_serve"),
        owner: cluster.connectionInfo(database: name, user: "carillon_owner")
    ) { try await body(MigrationStage(fixture: $0, cluster: cluster, database: name)) }
}

/// The events of a migration, to be looked at later.
final class HeardEvents: Sendable {
    private let events = Mutex<[MigrationEvent]>([])

    func hear(_ event: MigrationEvent) { events.withLock { $0.append(event) } }

    var progress: [ProgressCount] {
        events.withLock { $0 }.compactMap { if case .progress(let progress) = $0 { progress } else { nil } }
    }
    var failed: [TenantID] {
        events.withLock { $0 }.compactMap { if case .failed(let tenant, _) = $0 { tenant } else { nil } }
    }
    var contractions: [Int32] {
        events.withLock { $0 }.compactMap { if case .contracting(let from, _) = $0 { from } else { nil } }
    }
}
