import Domain
import Postgres
import Support
import Testing

@testable import Storage

/// Tenants in another database than the registry's are looked after as those in it are.
@Suite struct FarTenantTests {
    private func partitions(_ both: TwoDatabases, _ tenant: TenantID) throws -> [String] {
        try both.far(
            """
            SELECT DISTINCT right(c.relname, 6)
            FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 't_\(tenant)' AND c.relispartition AND c.relkind = 'r' ORDER BY 1
            """
        ).map { $0[0] ?? "" }
    }

    @Test func monthsAreMadeAheadAndDropped() async throws {
        try await TwoDatabases.with { both in
            let fixture = both.fixture
            let (quiet, active) = (try await both.farTenant(), try await both.farTenant())
            for tenant in [quiet, active] {
                try await both.administration.ensureMonths(tenant: tenant.tenant, now: fixture.now)
            }
            #expect(try partitions(both, active.tenant) == ["202611", "202612"])
            let later = fixture.now.adding(seconds: 30 * 86_400)
            let event = UUIDv7(milliseconds: UInt64(later.microseconds / 1_000), randomness: (0, Fixture.number()))
            try both.far(
                """
                INSERT INTO t_\(active.tenant).event
                VALUES ('\(event)', 'invoice.created', 'a', NULL, '{}', NULL, false, NULL, '{}', NULL, 'key/k', now());
                SELECT pg_stat_force_next_flush()
                """)
            let made = try await both.administration.makeMonthsAhead(
                now: later, failed: { tenant, error in Issue.record("\(tenant): \(error)") })
            #expect(made == [active.tenant])
            #expect(try partitions(both, active.tenant) == ["202611", "202612", "202701"])
            #expect(try partitions(both, quiet.tenant) == ["202611", "202612"])
            #expect(try await both.administration.makeMonthsAhead(now: later).isEmpty, "the registry knows of it")

            // 2027-04: four months are kept, November goes.
            let april = fixture.now.adding(seconds: 120 * 86_400)
            try await both.administration.ensureMonths(tenant: active.tenant, now: april)
            #expect(try await both.administration.dropExpiredMonths(at: .main, now: april) == 0)
            #expect(try await both.administration.dropExpiredMonths(at: both.place, now: april) == 2)
            #expect(try partitions(both, active.tenant) == ["202612", "202701", "202703", "202704"])
            #expect(try partitions(both, quiet.tenant) == ["202612"])
        }
    }

    @Test func whatIsStoredIsCountedThere() async throws {
        try await TwoDatabases.with { both in
            let fixture = both.fixture
            let (near, far) = (try await fixture.tenant(), try await both.farTenant())
            try await fixture.addAccounts(30, to: far)
            try await fixture.addAccounts(3, to: near)
            try both.far("ANALYZE t_\(far.tenant).account")
            try both.near("ANALYZE t_\(near.tenant).account")
            // Whatever a schema of another tenant's name holds here, the tenant is counted where it lives.
            try both.near(
                """
                CREATE SCHEMA t_\(far.tenant); CREATE TABLE t_\(far.tenant).stray AS SELECT generate_series(1, 9000) AS x;
                ANALYZE t_\(far.tenant).stray
                """)
            for place in [both.place, .main] {
                #expect(try await both.administration.countUsage(at: place, now: fixture.now) == 1)
            }
            let rows = try both.near("SELECT tenant_id, stored_rows FROM carillon.tenant_usage")
            let counted = Dictionary(uniqueKeysWithValues: rows.map { ($0[0] ?? "", Int($0[1] ?? "") ?? 0) })
            #expect(counted.count == 2)
            #expect((30...60).contains(try #require(counted[far.tenant.rawValue])), "\(counted)")
            #expect((3...29).contains(try #require(counted[near.tenant.rawValue])), "\(counted)")
        }
    }

    private func deleted(_ both: TwoDatabases, _ tenant: TenantID, at time: Instant) async throws {
        let record = try #require(try await both.fixture.registry.tenant(tenant))
        _ = try await both.administration.turn(
            record, to: .delete(at: time), stamp: both.fixture.stamp(), now: both.fixture.now)
    }

    @Test func aTenantIsErasedInBothDatabases() async throws {
        try await TwoDatabases.with { both in
            let fixture = both.fixture
            let (gone, other) = (try await both.farTenant(), try await both.farTenant())
            try await fixture.addAccounts(1, to: gone)
            try await deleted(both, gone.tenant, at: fixture.now)
            // Whoever resumes it now, by a clock that is behind, still does; so it is not to be erased yet.
            let early = fixture.now.adding(seconds: 59)
            #expect(try await both.administration.tenantsToErase(now: early, limit: 10).isEmpty)
            let refused = try await storageError { () async throws(StorageError) in
                try await both.administration.eraseTenant(gone.tenant, stamp: fixture.stamp(), now: early)
            }
            #expect(refused.code == .revisionMismatch)
            #expect(try both.far("SELECT 1 FROM pg_namespace WHERE nspname = 't_\(gone.tenant)'").count == 1)

            let due = fixture.now.adding(seconds: 61)
            #expect(try await both.administration.tenantsToErase(now: due, limit: 10).map(\.id) == [gone.tenant])
            try await both.administration.eraseTenant(gone.tenant, stamp: fixture.stamp(), now: due)
            #expect(try both.far("SELECT nspname FROM pg_namespace WHERE nspname ~ '^t_'") == [["t_\(other.tenant)"]])
            #expect(try both.far("SELECT 1 FROM pg_roles WHERE rolname = 't_\(gone.tenant)'").isEmpty)
            #expect(try both.near("SELECT tenant_id FROM carillon.tenant") == [[other.tenant.rawValue]])
            #expect(try both.near("SELECT 1 FROM carillon.audit WHERE chain = '\(gone.tenant)'").isEmpty)
        }
    }

    /// What was broken off between the two databases is finished by the next round.
    @Test func anErasureThatWasBrokenOffIsFinished() async throws {
        try await TwoDatabases.with { both in
            let fixture = both.fixture
            let gone = try await both.farTenant()
            try await deleted(both, gone.tenant, at: fixture.now)
            try both.far("DROP SCHEMA t_\(gone.tenant) CASCADE")
            try both.far("DROP ROLE t_\(gone.tenant)")
            let due = fixture.now.adding(seconds: 61)
            try await both.administration.eraseTenant(gone.tenant, stamp: fixture.stamp(), now: due)
            #expect(try await fixture.registry.tenant(gone.tenant) == nil)
        }
    }

    @Test func dataKeysAreRewrappedWhereverTheirTenantsLive() async throws {
        try await TwoDatabases.with { both in
            let (near, far) = (try await both.fixture.tenant(), try await both.farTenant())
            let keys = try await both.administration.dataKeys(after: nil, size: 10)
            #expect(Set(keys.map(\.tenant)) == [near.tenant, far.tenant])
            let wrapped = keys.map { (read: $0, wrapped: [UInt8](repeating: 7, count: 9)) }
            #expect(try await both.administration.replaceDataKeys(wrapped) == 2)
            #expect(
                try await both.fixture.registry.tenant(far.tenant)?.wrappedDataKey == [UInt8](repeating: 7, count: 9))
        }
    }

    /// A tenant of version 1, as it was moved there, or found by a program of that version.
    @Test func aTenantOfVersion1IsMigratedWhereItLives() async throws {
        try await TwoDatabases.with { both in
            let fixture = both.fixture
            let old = Fixture.tenantID()
            let there = Version1(cluster: both.cluster, database: both.away)
            try there.makeRegistry()
            try there.makeTenant(old)
            try both.far("DROP SCHEMA carillon CASCADE")
            let reference = try await both.farTenant()
            // Programs of version 1 made tenants with two months.
            try await both.administration.ensureMonths(tenant: reference.tenant, now: fixture.now)
            try both.near(
                """
                INSERT INTO carillon.tenant SELECT (x).* FROM (
                    SELECT jsonb_populate_record(t, '{"tenant_id": "\(old)", "schema_version": 1}') AS x
                    FROM carillon.tenant t WHERE t.tenant_id = '\(reference.tenant)'
                ) y
                """)
            let stage = MigrationStage(fixture: fixture, cluster: both.cluster, database: both.home)
            let unknown = try await stage.migrator().migrateTenants(now: fixture.now)
            #expect([unknown.migrated, unknown.failed] == [0, 1], "a database that it has no way to")
            #expect(try stage.version(old) == 1)

            let farOwner = fixture.ownerPool(
                connections: 2, of: both.cluster.connectionInfo(database: both.away, user: "carillon_owner"))
            let migrator = stage.migrator(place: { $0 == both.place.database ? farOwner : nil })
            let report = try await migrator.migrateTenants(now: fixture.now)
            #expect([report.migrated, report.failed] == [1, 0])
            #expect(try stage.version(old) == Int(TenantSchema.version))
            #expect(
                try shape(of: "t_\(old)", in: both.cluster, both.away)
                    == shape(of: "t_\(reference.tenant)", in: both.cluster, both.away))
        }
    }

    private func exported(_ both: TwoDatabases, _ record: TenantRecord) async throws -> [ArchivePart] {
        let sessions = try await both.sessions(farToo: true)
        defer { sessions.close() }
        let export = TenantExport(
            record, wrappedDataKey: [9], sessions: sessions, program: "test", now: both.fixture.now)
        var parts: [ArchivePart] = []
        while let part = try await export.next() { parts.append(part) }
        return parts
    }

    private func take(
        _ parts: [ArchivePart], of record: TenantRecord, _ both: TwoDatabases, into place: TenantPlace
    ) async throws {
        let sessions = try await both.sessions(farToo: place != .main)
        defer { sessions.close() }
        let fixture = both.fixture
        let work = TenantImport(into: place.database, sessions: sessions, stamp: fixture.stamp(), now: fixture.now)
        for part in parts {
            if case .header(let header) = part {
                try await work.begin(header, wrappedDataKey: [7])
            } else {
                try await work.take(part)
            }
        }
        #expect(try await work.tenant().id == record.id)
        try await work.commit()
        #expect(work.isOver)
    }

    @Test func aTenantGoesOutOfOneDatabaseAndIntoAnother() async throws {
        try await TwoDatabases.with { both in
            let fixture = both.fixture
            let far = try await both.farTenant()
            try await fixture.addAccounts(20, to: far)
            let record = try #require(try await fixture.registry.tenant(far.tenant))
            let parts = try await exported(both, record)
            try await deleted(both, far.tenant, at: fixture.now)
            try await both.administration.eraseTenant(
                far.tenant, stamp: fixture.stamp(), now: fixture.now.adding(seconds: 61))
            for place in [TenantPlace.main, both.place] {
                // As some minutes later: the id is not given again at once.
                try both.near("UPDATE carillon.erased_tenant SET erased_at = 'epoch'")
                try await take(parts, of: record, both, into: place)
                #expect(try await fixture.registry.tenant(far.tenant)?.place == place)
                let accounts = "SELECT count(*) FROM t_\(far.tenant).account"
                let count = place == .main ? try both.near(accounts) : try both.far(accounts)
                #expect(count == [["21"]])
                try await deleted(both, far.tenant, at: fixture.now)
                try await both.administration.eraseTenant(
                    far.tenant, stamp: fixture.stamp(), now: fixture.now.adding(seconds: 61))
            }
        }
    }
}
