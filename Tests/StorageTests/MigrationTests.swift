import Domain
import Postgres
import Support
import Synchronization
import Testing

@testable import Storage

@Suite struct MigrationTests {
    static let addColumn = Migration(
        version: 3, "a note on accounts",
        script: SQLScript(
            """
            -- A comment; with a semicolon.
            ALTER TABLE ${schema}.account ADD COLUMN IF NOT EXISTS note text;
            """))
    static let fillColumn = Migration(
        version: 4, "every account has a note",
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
                version: 3, "a note on tenants",
                script: SQLScript("ALTER TABLE carillon.tenant ADD COLUMN IF NOT EXISTS note text;"))
            let migrator = stage.migrator(registry: RegistrySchema.migrations + [step])
            #expect(try await migrator.migrateRegistry(now: fixture.now) == 2)
            #expect(try await migrator.migrateRegistry(now: fixture.now) == 3)
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
            tenants.append(try await fixture.tenant())  // Made at version 2 by an older program meanwhile.
            for tenant in tenants { try await fixture.addAccounts(3, to: tenant) }
            let all = stage.migrator(Self.both)
            #expect(try await all.migrateTenants(now: fixture.now).migrated == 7)
            #expect(try await all.migrateTenants(now: fixture.now).total == 0)
            for tenant in tenants {
                let notes = try await fixture.query(as: tenant, "SELECT note FROM t_\(tenant.tenant).account")
                let texts = try notes.map { row throws(PostgresError) in try row.text(0) }
                #expect(texts == Array(repeating: "filled", count: 4))
                #expect(try await fixture.registry.tenant(tenant.tenant)?.schemaVersion == 4)
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
            #expect(try stage.version(bad) == 2)
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
            #expect(
                try stage.version1.versions() == [
                    active.rawValue: 2, suspended.rawValue: 2, deleting.rawValue: 1,
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
        version: 5, "a table", script: SQLScript("CREATE TABLE ${schema}.once (x int);"))

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
            #expect(Set(try stage.version1.versions().values) == [5])
        }
    }

    /// A slow tenant takes one place of the four; everybody else goes on through the others.
    @Test func aSlowTenantHoldsNobodyUp() async throws {
        try await withMigrationStage { stage in
            let fixture = stage.fixture
            _ = try await fixture.administration.migrateRegistry(now: fixture.now)
            var tenants: [TenantID] = []
            for _ in 0..<20 { tenants.append(try await fixture.tenant().tenant) }
            let slow = tenants.sorted()[0]
            let lock = try await HeldLock(
                ["LOCK TABLE t_\(slow).account IN ACCESS EXCLUSIVE MODE"], cluster: stage.cluster,
                database: stage.database)
            let migrator = stage.migrator(Self.both, parallel: 2) { event in
                guard case .progress(let progress) = event, progress.done == 19 else { return }
                do { try lock.release() } catch { Issue.record(error) }
            }
            let report = try await migrator.migrateTenants(now: fixture.now)
            #expect([report.migrated, report.failed] == [20, 0])
            try await lock.end()
        }
    }

    @Test func aMigrationWaitsForTheServiceAndNotTheOtherWayRound() async throws {
        try await withMigrationStage { stage in
            let fixture = stage.fixture
            _ = try await fixture.administration.migrateRegistry(now: fixture.now)
            let tenant = try await fixture.tenant()
            let lock = try await HeldLock(
                ["LOCK TABLE t_\(tenant.tenant).account IN ROW EXCLUSIVE MODE"], cluster: stage.cluster,
                database: stage.database)
            let pauses = Mutex<[Duration]>([])
            // The service goes on when the migration has given up twice.
            let patient = stage.migrator(
                Self.both,
                pause: { length throws(CancellationError) in
                    let count = pauses.withLock { pauses in
                        pauses.append(length)
                        return pauses.count
                    }
                    guard count == 2 else { return }
                    do { try lock.release() } catch { Issue.record(error) }
                })
            #expect(try await patient.migrateTenants(now: fixture.now).migrated == 1)
            #expect(pauses.withLock { $0.prefix(2) } == [.milliseconds(50), .milliseconds(100)])
            try await lock.end()
        }
    }

    /// It is heard between transactions, and what is left is done by the next run.
    @Test func aStoppedMigrationGoesOnLater() async throws {
        try await withMigrationStage { stage in
            let fixture = stage.fixture
            _ = try await fixture.administration.migrateRegistry(now: fixture.now)
            for _ in 0..<10 { _ = try await fixture.tenant() }
            let stop = StopRequest()
            let migrator = stage.migrator(Self.both, parallel: 1, stop: stop) { event in
                if case .progress(let progress) = event, progress.done == 4 { stop.request() }
            }
            let report = try await migrator.migrateTenants(now: fixture.now)
            #expect(report.isStopped)
            #expect([report.migrated, report.failed, report.total] == [4, 0, 10])
            #expect(try stage.version1.versions().values.count { $0 == 4 } == 4)
            #expect(try await stage.migrator(Self.both).migrateTenants(now: fixture.now).migrated == 6)
        }
    }

    @Test func aDatabaseThatGoesAwayEndsTheRunAndNotTheTenants() async throws {
        try await withMigrationStage { stage in
            let fixture = stage.fixture
            _ = try await fixture.administration.migrateRegistry(now: fixture.now)
            for _ in 0..<10 { _ = try await fixture.tenant() }
            let pauses = Mutex(0)
            let cutting = Mutex(false)
            // From the third tenant on all connections break as soon as they are made.
            let migrator = stage.migrator(
                Self.both, parallel: 2,
                onEvent: { event in
                    guard case .progress(let progress) = event, progress.done == 2 else { return }
                    let isFirst = cutting.withLock { hasCut in
                        defer { hasCut = true }
                        return !hasCut
                    }
                    guard isFirst else { return }
                    do { try stage.cutOff() } catch { Issue.record(error) }
                },
                pause: { _ throws(CancellationError) in
                    pauses.withLock { $0 += 1 }
                    await Task.yield()
                })
            let report = try await migrator.migrateTenants(now: fixture.now)
            try stage.letIn()
            #expect(report.brokenOff?.code == .unavailable)
            #expect(report.failed == 0)
            #expect((2...4).contains(report.migrated), "\(report.migrated)")
            #expect(pauses.withLock { $0 } >= Patience.outageTries - 1)
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
            #expect(try stage.version(elsewhere) == 4)
            #expect(try stage.version(unknown) == 2)
            let column = """
                SELECT attnotnull FROM pg_attribute
                WHERE attname = 'note' AND attrelid = 't_\(elsewhere).account'::regclass
                """
            #expect(try stage.cluster.execute(column, database: other) == [["t"]])
            #expect(try stage.cluster.execute(column, database: stage.database) == [])
        }
    }
}
