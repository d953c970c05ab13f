import Domain
import Postgres
import Support
import Synchronization
import Testing

@testable import Storage

/// Migrations concern every tenant of a registry, so these tests have databases of their own.
@Suite(.serialized) struct MigrationTests {
    private func withRegistry(
        _ body: @escaping @Sendable (Fixture, PrivateCluster, String) async throws -> Void
    ) async throws {
        let cluster = try SharedDatabase.sharedCluster()
        let name = try SharedDatabase.bootstrappedDatabase()
        try await withStorage(
            serve: cluster.connectionInfo(database: name, user: "carillon_serve"),
            owner: cluster.connectionInfo(database: name, user: "carillon_owner")
        ) { try await body($0, cluster, name) }
    }

    private static let addColumn = Migration(
        version: 3,
        script: SQLScript(
            """
            -- A comment; with a semicolon.
            ALTER TABLE ${schema}.account ADD COLUMN IF NOT EXISTS note text;
            """))
    private static let fillColumn = Migration(
        version: 4,
        script: SQLScript(
            """
            UPDATE ${schema}.account
                SET note = 'filled'
                WHERE note IS NULL;
            ALTER TABLE ${schema}.account ALTER COLUMN note SET NOT NULL;
            """))

    @Test func theRegistryIsMadeOnceAndMovedOn() async throws {
        try await withRegistry { fixture, _, _ in
            #expect(try await fixture.administration.migrateRegistry(now: fixture.now) == 0)
            let step = Migration(
                version: 3, script: SQLScript("ALTER TABLE carillon.tenant ADD COLUMN IF NOT EXISTS note text;"))
            let migrations = RegistrySchema.migrations + [step]
            #expect(try await fixture.administration.migrateRegistry(migrations, now: fixture.now) == 2)
            #expect(try await fixture.administration.migrateRegistry(migrations, now: fixture.now) == 3)
            // The program of before still serves: the registry is newer, not older.
            try await fixture.registry.verifyReadiness()
            _ = try await fixture.tenant()
        }
    }

    @Test func tenantsAreMovedOnFromWhereverTheyStand() async throws {
        try await withRegistry { fixture, _, _ in
            _ = try await fixture.administration.migrateRegistry(now: fixture.now)
            var tenants: [TenantStore] = []
            for _ in 0..<6 { tenants.append(try await fixture.tenant()) }
            #expect(try await fixture.administration.migrateTenants().migrated == 0)

            let seen = Mutex<[MigrationProgress]>([])
            let first = try await fixture.administration.migrateTenants([Self.addColumn]) { progress in
                seen.withLock { $0.append(progress) }
            }
            #expect(first.migrated == 6)
            #expect(first.failed.isEmpty)
            #expect(seen.withLock { $0 } == (1...6).map { MigrationProgress(done: $0, total: 6) })
            tenants.append(try await fixture.tenant())  // Made at version 2 by an older program meanwhile.
            let both = [Self.addColumn, Self.fillColumn]
            #expect(try await fixture.administration.migrateTenants(both) { _ in }.migrated == 7)
            #expect(try await fixture.administration.migrateTenants(both) { _ in }.migrated == 0)
            for tenant in tenants {
                let notes = try await fixture.query(as: tenant, "SELECT note FROM t_\(tenant.tenant).account")
                #expect(try notes.map { row throws(PostgresError) in try row.text(0) } == ["filled"])
                #expect(try await fixture.registry.tenant(tenant.tenant)?.schemaVersion == 4)
            }
        }
    }

    @Test func aTenantThatFailsIsNamedAndTheOthersGoOn() async throws {
        try await withRegistry { fixture, cluster, database in
            _ = try await fixture.administration.migrateRegistry(now: fixture.now)
            let tenants = [try await fixture.tenant(), try await fixture.tenant(), try await fixture.tenant()]
            let bad = tenants[1].tenant
            try cluster.execute("ALTER TABLE t_\(bad).account RENAME TO hidden", database: database)
            let both = [Self.addColumn, Self.fillColumn]
            let report = try await fixture.administration.migrateTenants(both) { _ in }
            #expect(report.migrated == 2)
            #expect(report.failed.map(\.tenant) == [bad])
            #expect(try await fixture.registry.tenant(bad)?.schemaVersion == 2)
            try cluster.execute("ALTER TABLE t_\(bad).hidden RENAME TO account", database: database)
            #expect(try await fixture.administration.migrateTenants(both) { _ in }.migrated == 1)
        }
    }

    @Test func aMigrationWaitsForTheServiceAndNotTheOtherWayRound() async throws {
        try await withRegistry { fixture, cluster, database in
            _ = try await fixture.administration.migrateRegistry(now: fixture.now)
            let tenant = try await fixture.tenant()
            let lock = try await HeldLock(
                ["LOCK TABLE t_\(tenant.tenant).account IN ROW EXCLUSIVE MODE"], cluster: cluster, database: database)
            let pauses = Mutex(0)
            // The service goes on when the migration has given up twice.
            let patient = TenantAdministration(pool: fixture.owner) { _ throws(CancellationError) in
                let count = pauses.withLock { count in
                    count += 1
                    return count
                }
                guard count == 2 else { return }
                do { try lock.release() } catch { Issue.record(error) }
            }
            let report = try await patient.migrateTenants([Self.addColumn]) { _ in }
            #expect(report.migrated == 1)
            #expect(pauses.withLock { $0 } >= 2)
            try await lock.end()
        }
    }
}
