import Domain
import Postgres
import Support
import Synchronization
import Testing

@testable import Storage

/// Which programs may serve from, and migrate, which database.
@Suite struct SchemaVersionTests {
    @Test(arguments: [
        // A database without a registry, one of an older program, of this one, and of newer ones.
        (nil, 2, SchemaFit.behind), (StoredVersion(version: 1, servesFrom: 1), 2, .behind),
        (StoredVersion(version: 2, servesFrom: 1), 2, .fit), (StoredVersion(version: 3, servesFrom: 1), 2, .fit),
        (StoredVersion(version: 3, servesFrom: 2), 2, .fit), (StoredVersion(version: 4, servesFrom: 3), 2, .contracted),
        // Announced, and not yet begun.
        (StoredVersion(version: 2, servesFrom: 3), 2, .contracted),
    ])
    func aProgramServesItsVersionAndThoseThatKeptWhatItUses(
        _ stored: StoredVersion?, _ program: Int32, _ fit: SchemaFit
    ) {
        #expect(SchemaFit(stored: stored, program: program) == fit)
    }

    @Test func theHistoriesAreInOrderAndLeadToTheVersions() {
        for (history, version) in [
            (SchemaHistory.registry, RegistrySchema.version), (.tenant, TenantSchema.version),
        ] {
            #expect(history.version == version)
            #expect(history.migrations.map(\.version) == Array(history.base + 1...version))
            #expect(history.servesFrom(at: version) < version, "the version before must be able to go on")
            #expect(history.migrations.allSatisfy { !$0.title.isEmpty && !$0.script.steps.isEmpty })
        }
    }

    @Test func aContractionNamesTheOldestProgramsThatAreLeft() {
        let migrations = [
            Migration(version: 2, "expand", script: SQLScript("SELECT 1;")),
            Migration(version: 3, "contract", script: SQLScript("SELECT 1;"), servesFrom: 2),
            Migration(version: 4, "expand", script: SQLScript("SELECT 1;")),
        ]
        let history = SchemaHistory(component: "x", subject: "the x", base: 1, migrations: migrations)
        #expect((1...4).map { history.servesFrom(at: $0) } == [1, 1, 2, 2])
    }

    @Test func aFileIsCutIntoStepsAtItsMarkers() {
        let script = SQLScript(
            """
            -- What it is for.

            -- step: first
            CREATE TABLE a ();
            CREATE TABLE b ();
            -- why
            -- batch: second
            UPDATE a SET x = 1 WHERE x IS NULL;
            -- step: third
            DROP TABLE a;
            """)
        #expect(script.steps.map(\.title) == ["first", "second", "third"])
        #expect(script.steps.map(\.kind) == [.transaction, .batches, .transaction])
        #expect(script.steps.map { $0.script.statements().count } == [2, 1, 1])
        #expect(SQLScript("SELECT 1;\nSELECT 2;").steps.map { $0.script.statements().count } == [2])
    }

    @Test func pausesGrowAndAreSpreadAndEnd() {
        var patience = Patience()
        var lengths: [Duration] = []
        while let length = patience.pause(after: .lock, 0) { lengths.append(length) }
        #expect(lengths.count == Patience.lockTries - 1)
        #expect(Array(lengths[..<6]) == [50, 100, 200, 400, 800, 800].map { .milliseconds($0) })
        var other = Patience()
        let spread = other.pause(after: .lock, 0.5)
        #expect(spread == .milliseconds(75))
        let longest = lengths.reduce(.zero, +) * 2 + .milliseconds(200) * Patience.lockTries
        #expect(longest < .seconds(75), "a tenant is given up within a bounded time")
    }

    // MARK: With a database

    private static let dropsColumn = Migration(
        version: MigrationTests.next + 1, "accounts without a note",
        script: SQLScript("ALTER TABLE ${schema}.account DROP COLUMN IF EXISTS note;"),
        servesFrom: MigrationTests.next)
    private static let ofTheNext = TenantSchema.migrations + [MigrationTests.addColumn]
    private static let ofTheOneAfter = ofTheNext + [dropsColumn]

    @Test func theVersionBeforeServesUntilAContraction() async throws {
        try await withMigrationStage { stage in
            let (fixture, events) = (stage.fixture, HeardEvents())
            _ = try await fixture.administration.migrateRegistry(now: fixture.now)
            let tenant = try await fixture.tenant()
            _ = try await stage.migrator(Self.ofTheNext).migrateTenants(now: fixture.now)
            // N serves what N+1 has expanded.
            try await fixture.registry.verifyReadiness()
            try await fixture.registry.verifyVersions()
            try await fixture.addAccounts(1, to: tenant)
            let problem = Mutex("")
            let notices = Mutex<[Duration]>([])
            let contracting = stage.migrator(
                Self.ofTheOneAfter, onEvent: { events.hear($0) },
                pause: { length throws(CancellationError) in
                    notices.withLock { $0.append(length) }
                    // Before anything is taken away, whoever looks is told.
                    do throws(StorageError) {
                        try await fixture.registry.verifyVersions()
                    } catch {
                        problem.withLock { $0 = error.message }
                    }
                })
            #expect(try await contracting.migrateTenants(now: fixture.now).migrated == 1)
            #expect(events.contractions == [MigrationTests.next])
            #expect(notices.withLock { $0 } == [.seconds(10)])
            let words = problem.withLock { $0 }
            for part in [
                "tenants", "version \(MigrationTests.next + 1)", "version \(MigrationTests.next)",
                "is \(TenantSchema.version)",
                "newer carillon",
            ] {
                #expect(words.contains(part), "\(part) is not in: \(words)")
            }
            let refusal = try await storageError { () async throws(StorageError) in
                try await fixture.registry.verifyReadiness()
            }
            #expect(refusal.code == .notReady)
            // It is said once; nobody waits again for who is gone.
            _ = try await contracting.migrateTenants(now: fixture.now)
            #expect(notices.withLock { $0.count } == 1)
        }
    }

    @Test func anOlderProgramMigratesNothing() async throws {
        try await withMigrationStage { stage in
            let fixture = stage.fixture
            _ = try await fixture.administration.migrateRegistry(now: fixture.now)
            _ = try await fixture.tenant()
            _ = try await stage.migrator(Self.ofTheNext).migrateTenants(now: fixture.now)
            let before = try stage.fingerprint()
            let older = stage.migrator()
            var errors = [
                try await storageError { () async throws(StorageError) in
                    try await older.migrateRegistry(now: fixture.now)
                }
            ]
            errors.append(
                try await storageError { () async throws(StorageError) in
                    try await older.migrateTenants(now: fixture.now)
                })
            errors.append(
                try await storageError { () async throws(StorageError) in try await older.migrateStragglers() })
            errors.append(try await storageError { () async throws(StorageError) in try await older.plan() })
            for error in errors {
                #expect(error.code == .notReady)
                #expect(error.message.contains("version \(MigrationTests.next)"), "\(error)")
                #expect(error.message.contains("this program's \(TenantSchema.version)"), "\(error)")
            }
            #expect(try stage.fingerprint() == before)
        }
    }

    @Test func aNewerProgramIsToldToMigrateFirst() async throws {
        try await withMigrationStage { stage in
            try stage.version1.makeRegistry()
            let old = try await storageError { () async throws(StorageError) in
                try await stage.fixture.registry.verifyReadiness()
            }
            #expect(old.code == .notReady)
            let needed = RegistrySchema.version
            #expect(
                old.message.contains(
                    "registry is at version 1, and this program needs \(needed): run `carillon migrate`"))
            _ = try await stage.migrator().migrateRegistry(now: stage.fixture.now)
            let half = try await storageError { () async throws(StorageError) in
                try await stage.fixture.registry.verifyReadiness()
            }
            #expect(
                half.message.contains("tenants is at version 1, and this program needs \(TenantSchema.version)"),
                "\(half.message)")
            _ = try await stage.migrator().migrateTenants(now: stage.fixture.now)
            try await stage.fixture.registry.verifyReadiness()
        }
    }

    @Test func aMissingLoginIsSaid() async throws {
        try await withMigrationStage { stage in
            let grant = Migration(
                version: RegistrySchema.version + 1, "a login",
                script: SQLScript("GRANT USAGE ON SCHEMA carillon TO carillon_nobody;"))
            let migrator = stage.migrator(registry: RegistrySchema.migrations + [grant])
            let error = try await storageError { () async throws(StorageError) in
                try await migrator.migrateRegistry(now: stage.fixture.now)
            }
            #expect(error.code == .notReady)
            #expect(error.message.contains("--print-bootstrap"))
        }
    }

    /// What a program of the version before has made meanwhile is served as soon as somebody has brought it along; until
    /// then what needs more is not an error of the program.
    @Test func stragglersAreMigratedAndUntilThenUnavailable() async throws {
        try await withMigrationStage { stage in
            let fixture = stage.fixture
            _ = try await stage.migrator().migrateRegistry(now: fixture.now)
            _ = try await stage.migrator().migrateTenants(now: fixture.now)
            #expect(try await stage.migrator(parallel: 1).migrateStragglers().total == 0)
            let id = try stage.version1.makeTenant()
            let tenant = TenantStore(tenant: id, pool: fixture.serve)
            let behind = try await storageError { () async throws(StorageError) in
                try await storing { () async throws(PostgresError) in
                    try await fixture.query(as: tenant, "SELECT h.seq FROM t_\(id).audit_head h")
                }
            }
            #expect(behind.code == .notReady)
            let column = try await storageError { () async throws(StorageError) in
                try await storing { () async throws(PostgresError) in
                    try await fixture.query(as: tenant, "SELECT a.hash FROM t_\(id).audit a")
                }
            }
            #expect(column.code == .notReady)
            #expect(try await stage.migrator(parallel: 1).migrateStragglers().migrated == 1)
            try await fixture.addAccounts(1, to: tenant)
        }
    }

    @Test func aPlanSaysEverythingAndChangesNothing() async throws {
        try await withMigrationStage { stage in
            let (fixture, version1) = (stage.fixture, stage.version1)
            let fresh = try await stage.migrator().plan()
            #expect(fresh.registry == 0)
            #expect(fresh.registryVersions.map(\.number) == Array(1...RegistrySchema.version))
            #expect(!fresh.isEmpty)
            try version1.makeRegistry()
            for _ in 0..<3 { try version1.makeTenant() }
            try version1.makeTenant(state: .suspended)
            try version1.makeTenant(state: .deleting)
            let before = try stage.fingerprint()
            let plan = try await stage.migrator(Self.ofTheOneAfter).plan()
            #expect(try stage.fingerprint() == before)
            #expect(plan.registry == 1)
            #expect(plan.registryVersions.map(\.number) == Array(2...RegistrySchema.version))
            #expect(plan.tenantVersions.map(\.number) == Array(2...MigrationTests.next + 1))
            #expect(plan.tenantVersions.compactMap(\.servesFrom) == [MigrationTests.next])
            #expect(plan.behind == 4)
            let standings = Set(plan.standings.map { "\($0.version) \($0.state) \($0.count)" })
            #expect(standings == ["1 active 3", "1 suspended 1", "1 deleting 1"])
            let statements = plan.tenantVersions[0].steps.flatMap(\.statements)
            #expect(statements.contains { $0.hasPrefix("ALTER TABLE t_<id>.audit") })
            _ = try await stage.migrator().migrateRegistry(now: fixture.now)
            _ = try await stage.migrator().migrateTenants(now: fixture.now)
            #expect(try await stage.migrator().plan().isEmpty)
            #expect(try stage.fingerprint() != before)
        }
    }
}
