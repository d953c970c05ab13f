import Domain
import Postgres
import Support
import Testing

@testable import Storage

/// Chains are verified wherever their tenants live, and whatever becomes of those meanwhile.
@Suite struct AuditPlacesTests {
    private func reports(
        _ both: TwoDatabases, anchors: [AuditAnchor] = [], _ heard: (AuditReport) throws -> Void = { _ in }
    ) async throws -> [AuditReport] {
        var reports: [AuditReport] = []
        var trouble: (any Error)?
        try await both.administration.verifyAudits(anchors: anchors) { report in
            reports.append(report)
            do { try heard(report) } catch { trouble = error }
        }
        if let trouble { throw trouble }
        return reports
    }

    private func chain(_ report: AuditReport) -> String {
        switch report {
        case .found(let finding): finding.head.chain
        case .unread(let chain, _), .erased(let chain): chain
        }
    }

    private func erase(_ both: TwoDatabases, _ tenant: TenantID) async throws {
        let fixture = both.fixture
        let record = try #require(try await fixture.registry.tenant(tenant))
        _ = try await both.administration.turn(
            record, to: .delete(at: fixture.now), stamp: fixture.stamp(), now: fixture.now)
        try await both.administration.eraseTenant(
            tenant, stamp: fixture.stamp(), now: fixture.now.adding(seconds: 61))
    }

    @Test func chainsOfEveryDatabaseAreVerified() async throws {
        try await TwoDatabases.with { both in
            let (near, far) = (try await both.fixture.tenant(), try await both.farTenant())
            for tenant in [near, far] { try await both.fixture.addAccounts(3, to: tenant) }
            let found = try await reports(both)
            #expect(found.filter { !$0.isIntact } == [])
            let head = try #require(
                found.compactMap { if case .found(let finding) = $0 { finding.head } else { nil } }
                    .first { $0.chain == "tenant/\(far.tenant)" })
            #expect(head.seq == 3)
            let lines = try await both.administration.newestAuditLines(of: far.tenant, limit: 10)
            #expect(
                lines.map(\.action).sorted() == ["account.create", "account.create", "account.create", "tenant.create"])

            try both.far("UPDATE t_\(far.tenant).audit SET actor = 'key/other' WHERE seq = 2")
            let damaged = try await reports(both).filter { !$0.isIntact }
            #expect(damaged.map(chain) == ["tenant/\(far.tenant)"])
        }
    }

    @Test func aDatabaseThatIsAwayHidesItsOwnChainsOnly() async throws {
        try await TwoDatabases.with { both in
            let (near, far) = (try await both.fixture.tenant(), try await both.farTenant())
            let more = try await both.farTenant()
            try both.near("ALTER DATABASE \(both.away) ALLOW_CONNECTIONS false")
            try both.near("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(both.away)'")
            let found = try await reports(both)
            #expect(
                Set(found.filter { !$0.isIntact })
                    == Set(
                        [far, more].map { .unread(chain: "tenant/\($0.tenant)", why: "the database second is away") }))
            #expect(found.map(chain).contains("tenant/\(near.tenant)"))
            try both.near("ALTER DATABASE \(both.away) ALLOW_CONNECTIONS true")
        }
    }

    /// Tenants come and go while all chains are read.
    @Test func aTenantThatIsErasedMeanwhileIsNothingWrong() async throws {
        try await TwoDatabases.with { both in
            let fixture = both.fixture
            var made: [TenantStore] = []
            for _ in 0..<2 { made += [try await fixture.tenant(), try await both.farTenant()] }
            for tenant in made { try await fixture.addAccounts(2, to: tenant) }
            let anchors = try await reports(both).compactMap { report -> AuditAnchor? in
                if case .found(let finding) = report { finding.head } else { nil }
            }
            // One half goes before its chains in the registry are read, and the other behind the first tenant: those were asked
            // for with it, and their schemas are gone when they are looked for.
            let ids = made.map(\.tenant).sorted { $0.rawValue < $1.rawValue }
            let goings = ["registry/": [ids[1]], "tenant/\(ids[0])": [ids[2], ids[3]]]
            let found = try await reports(both) { report in
                for id in goings[chain(report)] ?? [] { try eraseByHand(both, id) }
            }
            #expect(found.filter { !$0.isIntact } == [])
            #expect(
                Set(found.filter { if case .erased = $0 { true } else { false } }.map(chain))
                    == ["registry/\(ids[1])", "tenant/\(ids[2])", "tenant/\(ids[3])"])

            // What was told of them before is no reproach either, as the installation's audit says that they were erased.
            let later = try await reports(both, anchors: anchors).filter { report in
                ids.dropFirst().contains { chain(report).hasSuffix("/\($0)") }
            }
            #expect(later.filter { !$0.isIntact } == [])
            let own = ids.dropFirst().flatMap { ["tenant/\($0)", "registry/\($0)"] }
            #expect(Set(later) == Set(own.map { .erased(chain: $0) }))
        }
    }

    /// What an erasure does, at once: the owner's administration would wait for the loop that a report comes on.
    private func eraseByHand(_ both: TwoDatabases, _ id: TenantID) throws {
        try both.near(
            """
            BEGIN;
            INSERT INTO carillon.audit SELECT '', h.seq + 1, gen_random_uuid(), 'maintenance', '', 'tenant.erase',
                'tenant/\(id)', NULL, NULL, h.hash FROM carillon.audit_head h WHERE h.chain = '';
            UPDATE carillon.audit_head SET seq = seq + 1 WHERE chain = '';
            DELETE FROM carillon.audit WHERE chain = '\(id)';
            DELETE FROM carillon.audit_head WHERE chain = '\(id)';
            DROP SCHEMA IF EXISTS t_\(id) CASCADE;
            DELETE FROM carillon.tenant WHERE tenant_id = '\(id)';
            COMMIT
            """)
        try both.far("DROP SCHEMA IF EXISTS t_\(id) CASCADE")
    }

    @Test func anErasureByTheProgramIsOneToo() async throws {
        try await TwoDatabases.with { both in
            let (near, far) = (try await both.fixture.tenant(), try await both.farTenant())
            let anchors = try await reports(both).compactMap { report -> AuditAnchor? in
                if case .found(let finding) = report { finding.head } else { nil }
            }
            for tenant in [near, far] { try await erase(both, tenant.tenant) }
            let later = try await reports(both, anchors: anchors)
            #expect(later.filter { !$0.isIntact } == [])
            #expect(later.contains(.erased(chain: "registry/\(far.tenant)")))
            // One that went without a word stays a reproach.
            try both.near("DELETE FROM carillon.audit WHERE chain = '' AND object = 'tenant/\(near.tenant)'")
            let damaged = try await reports(both, anchors: anchors).filter { !$0.isIntact }.map(chain)
            #expect(Set(damaged).isSuperset(of: ["registry/\(near.tenant)"]))
            #expect(!damaged.contains("registry/\(far.tenant)"))
        }
    }
}
