import Domain
import Postgres
import Support
import Testing

@testable import Storage

@Suite struct MigrationTests {
    /// The version after the program's own.
    static let next = TenantSchema.version + 1
    static let addColumn = Migration(
        version: next, "a note on accounts",
        script: SQLScript(
            """
            -- A comment; with a semicolon.
            ALTER TABLE ${schema}.account ADD COLUMN IF NOT EXISTS note text;
            """))
    static let fillColumn = Migration(
        version: next + 1, "every account has a note",
        script: SQLScript(
            """
            -- batch: fill it, one row at a time
            UPDATE ${schema}.account
                SET note = 'filled'
                WHERE account_id = (SELECT a.account_id FROM ${schema}.account a WHERE a.note IS NULL LIMIT 1);
            -- step: hold it
            ALTER TABLE ${schema}.account ALTER COLUMN note SET NOT NULL;
            """))
    static let both = TenantSchema.migrations + [addColumn, fillColumn]

    @Test func theRegistryIsMadeOnceAndMovedOn() async throws {
        try await withMigrationStage { stage in
            let fixture = stage.fixture
            #expect(try await fixture.administration.migrateRegistry(now: fixture.now) == 0)
            let step = Migration(
                version: RegistrySchema.version + 1, "a note on tenants",
                script: SQLScript("ALTER TABLE carillon.tenant ADD COLUMN IF NOT EXISTS note text;"))
            let migrator = stage.migrator(registry: RegistrySchema.migrations + [step])
            #expect(try await migrator.migrateRegistry(now: fixture.now) == RegistrySchema.version)
            #expect(try await migrator.migrateRegistry(now: fixture.now) == RegistrySchema.version + 1)
            // The program of before still serves: the registry is newer and has kept what it uses.
            try await fixture.registry.verifyReadiness()
            _ = try await fixture.tenant()
        }
    }

    @Test func tenantsAreMovedOnFromWhereverTheyStand() async throws {
        try await withMigrationStage { stage in
            let fixture = stage.fixture
            _ = try await fixture.administration.migrateRegistry(now: fixture.now)
            var tenants: [TenantStore] = []
            for _ in 0..<6 { tenants.append(try await fixture.tenant()) }
            #expect(try await stage.migrator().migrateTenants(now: fixture.now).migrated == 0)

            let events = HeardEvents()
            let first = stage.migrator(TenantSchema.migrations + [Self.addColumn]) { events.hear($0) }
            let report = try await first.migrateTenants(now: fixture.now)
            #expect([report.migrated, report.failed, report.total] == [6, 0, 6])
            #expect(events.progress == (0...6).map { ProgressCount(done: $0, failed: 0, total: 6) })
            tenants.append(try await fixture.tenant())  // Made by an older program meanwhile.
            for tenant in tenants { try await fixture.addAccounts(3, to: tenant) }
            let all = stage.migrator(Self.both)
            #expect(try await all.migrateTenants(now: fixture.now).migrated == 7)
            #expect(try await all.migrateTenants(now: fixture.now).total == 0)
            for tenant in tenants {
                let notes = try await fixture.query(as: tenant, "SELECT note FROM t_\(tenant.tenant).account")
                let texts = try notes.map { row throws(PostgresError) in try row.text(0) }
                #expect(texts == Array(repeating: "filled", count: 4))
                #expect(try await fixture.registry.tenant(tenant.tenant)?.schemaVersion == Self.next + 1)
            }
        }
    }

    @Test func aTenantThatFailsIsNamedAndTheOthersGoOn() async throws {
        try await withMigrationStage { stage in
            let fixture = stage.fixture
            _ = try await fixture.administration.migrateRegistry(now: fixture.now)
            let tenants = [try await fixture.tenant(), try await fixture.tenant(), try await fixture.tenant()]
            let bad = tenants[1].tenant
            try stage.version1.execute("ALTER TABLE t_\(bad).account RENAME TO hidden")
            let events = HeardEvents()
            let migrator = stage.migrator(Self.both) { events.hear($0) }
            let report = try await migrator.migrateTenants(now: fixture.now)
            #expect(report.migrated == 2)
            #expect(report.failures.map(\.tenant) == [bad])
            #expect(events.failed == [bad])
            #expect(events.progress.last == ProgressCount(done: 3, failed: 1, total: 3))
            #expect(try stage.version(bad) == Int(TenantSchema.version))
            try stage.version1.execute("ALTER TABLE t_\(bad).hidden RENAME TO account")
            #expect(try await migrator.migrateTenants(now: fixture.now).migrated == 1)
        }
    }

    @Test func suspendedTenantsAreMigratedAndThoseBeingErasedLetBe() async throws {
        try await withMigrationStage { stage in
            try stage.version1.makeRegistry()
            let active = try stage.version1.makeTenant()
            let suspended = try stage.version1.makeTenant(state: .suspended)
            let deleting = try stage.version1.makeTenant(state: .deleting)
            _ = try await stage.migrator().migrateRegistry(now: stage.fixture.now)
            let report = try await stage.migrator().migrateTenants(now: stage.fixture.now)
            #expect([report.total, report.migrated] == [2, 2])
            let newest = Int(TenantSchema.version)
            #expect(
                try stage.version1.versions() == [
                    active.rawValue: newest, suspended.rawValue: newest, deleting.rawValue: 1,
                ])
        }
    }

    /// New tenants are made from a template and old ones by migrations: both must come to the same.
    @Test func aMigratedTenantIsLikeANewOne() async throws {
        try await withMigrationStage { stage in
            let (fixture, version1) = (stage.fixture, stage.version1)
            try version1.makeRegistry()
            let old = try version1.makeTenant()
            _ = try await stage.migrator().migrateRegistry(now: fixture.now)
            #expect(try await stage.migrator().migrateTenants(now: fixture.now).migrated == 1)
            let new = try await fixture.tenant().tenant
            try await fixture.administration.ensureMonths(tenant: new, now: fixture.now)
            let shapes = try [old, new].map { try shape(of: "t_\($0)", in: stage.cluster, stage.database) }
            #expect(shapes[0].count > 150)
            #expect(Set(shapes[0]).symmetricDifference(shapes[1]).sorted() == [])
        }
    }

    /// A step that cannot be done twice, unlike those of the product.
    private static let once = Migration(
        version: next + 2, "a table", script: SQLScript("CREATE TABLE ${schema}.once (x int);"))

    /// A tenant that somebody else moves on meanwhile is not moved on twice, nor back.
    @Test func manyMigratorsAtOnceDoTheWorkOnce() async throws {
        try await withMigrationStage { stage in
            let fixture = stage.fixture
            _ = try await fixture.administration.migrateRegistry(now: fixture.now)
            for _ in 0..<12 { _ = try await fixture.tenant() }
            let migrators = [
                stage.migrator(TenantSchema.migrations + [Self.addColumn], parallel: 2),
                stage.migrator(Self.both + [Self.once], parallel: 2),
                stage.migrator(Self.both + [Self.once], parallel: 2),
            ]
            let now = fixture.now
            try await withThrowingTaskGroup(of: MigrationReport?.self) { group in
                for migrator in migrators {
                    group.addTask {
                        do throws(StorageError) {
                            return try await migrator.migrateTenants(now: now)
                        } catch {
                            // The older of the programs came too late to migrate anything.
                            #expect(error.code == .notReady)
                            return nil
                        }
                    }
                }
                for try await report in group { #expect((report?.failed ?? 0) == 0) }
            }
            #expect(Set(try stage.version1.versions().values) == [Int(Self.next) + 2])
        }
    }

    @Test func aTenantOfAnotherDatabaseIsMigratedThere() async throws {
        try await withMigrationStage { stage in
            let fixture = stage.fixture
            _ = try await fixture.administration.migrateRegistry(now: fixture.now)
            let elsewhere = try await fixture.tenant().tenant
            let unknown = try await fixture.tenant().tenant
            // The same schema in another database: what the migration changes tells which one it went to.
            let other = try SharedDatabase.bootstrappedDatabase()
            let owner = stage.cluster.connectionInfo(database: other, user: "carillon_owner")
            try stage.cluster.execute(
                "CREATE SCHEMA t_\(elsewhere) CREATE TABLE account (account_id text, note text)", database: other,
                user: "carillon_owner")
            try stage.version1.execute(
                """
                INSERT INTO carillon.database VALUES ('second', 'dbname=\(other)', true, 'epoch'),
                    ('third', 'dbname=gone', true, 'epoch');
                UPDATE carillon.tenant SET database = 'second' WHERE tenant_id = '\(elsewhere)';
                UPDATE carillon.tenant SET database = 'third' WHERE tenant_id = '\(unknown)'
                """)
            let far = fixture.ownerPool(connections: 2, of: owner)
            let migrator = stage.migrator(
                TenantSchema.migrations + [Self.fillColumn], place: { $0.rawValue == "second" ? far : nil })
            let report = try await migrator.migrateTenants(now: fixture.now)
            #expect(report.migrated == 1)
            #expect(report.failures.map(\.tenant) == [unknown])
            #expect(try stage.version(elsewhere) == Int(Self.next) + 1)
            #expect(try stage.version(unknown) == Int(TenantSchema.version))
            let column = """
                SELECT attnotnull FROM pg_attribute
                WHERE attname = 'note' AND attrelid = 't_\(elsewhere).account'::regclass
                """
            #expect(try stage.cluster.execute(column, database: other) == [["t"]])
            #expect(try stage.cluster.execute(column, database: stage.database) == [])
        }
    }
}
