import Domain
import Postgres
import Support
import Testing

@testable import Storage

/// Anchors outlive the chains that they name: an id may be given again.
@Suite struct AuditLifeTests {
    private func findings(
        _ fixture: Fixture, of tenant: TenantID, anchors: [AuditAnchor] = []
    ) async throws -> [AuditFinding] {
        var findings: [AuditFinding] = []
        try await fixture.administration.verifyAudits(of: tenant, anchors: anchors) { report in
            if case .found(let finding) = report { findings.append(finding) }
        }
        #expect(findings.map(\.head.chain) == ["registry/\(tenant)", "tenant/\(tenant)"])
        return findings
    }

    /// A life with some lines, and the anchors of both chains.
    private func live(_ fixture: Fixture, _ id: TenantID, accounts: Int) async throws -> [AuditAnchor] {
        _ = try await fixture.administration.createTenant(
            Fixture.creation(id), stamp: fixture.stamp(), now: fixture.now)
        try await fixture.addAccounts(accounts, to: TenantStore(tenant: id, pool: fixture.serve))
        return try await findings(fixture, of: id).map(\.head)
    }

    private func erase(_ fixture: Fixture, _ id: TenantID) async throws {
        let record = try #require(try await fixture.registry.tenant(id))
        _ = try await fixture.administration.turn(
            record, to: .delete(at: fixture.now), stamp: fixture.stamp(), now: fixture.now)
        try await fixture.administration.eraseTenant(id, stamp: fixture.stamp(), now: fixture.now)
        fixture.now = fixture.now.adding(seconds: 200)
    }

    @Test func theAnchorsOfAFormerLifeAreNoReproach() async throws {
        try await withOwnRegistry { fixture, _ in
            let id = Fixture.tenantID()
            let first = try await live(fixture, id, accounts: 3)
            try await erase(fixture, id)
            let second = try await live(fixture, id, accounts: 2)
            #expect(zip(first, second).allSatisfy { $0.life != nil && $0.life != $1.life })
            let found = try await findings(fixture, of: id, anchors: first + second)
            #expect(found.map(\.firstBreak) == [nil, nil])
            #expect(found.map(\.erasedLives) == [1, 1])
        }
    }

    /// Also before the next tenant of the id has done anything.
    @Test func aLifeThatHasNotBegunIsIntact() async throws {
        try await withOwnRegistry { fixture, _ in
            let id = Fixture.tenantID()
            let first = try await live(fixture, id, accounts: 3)
            try await erase(fixture, id)
            _ = try await live(fixture, id, accounts: 0)
            let found = try await findings(fixture, of: id, anchors: first)
            #expect(found.map(\.firstBreak) == [nil, nil])
        }
    }

    /// An erasure excuses what went with it, and nothing that came behind it.
    @Test func aChainThatWasWrittenAnewIsBroken() async throws {
        let cluster = try SharedDatabase.sharedCluster()
        try await withOwnRegistry { fixture, database in
            let id = Fixture.tenantID()
            _ = try await live(fixture, id, accounts: 3)
            try await erase(fixture, id)
            let second = try await live(fixture, id, accounts: 2)
            try cluster.execute(
                "TRUNCATE t_\(id).audit; UPDATE t_\(id).audit_head SET seq = 0, hash = ''", database: database)
            let empty = try #require(try await findings(fixture, of: id, anchors: second)[1].firstBreak)
            #expect(empty.seq == 1 && empty.why.contains("does not begin with"), "\(empty)")
            let store = TenantStore(tenant: id, pool: fixture.serve)
            for name in ["other", "another", "third"] {
                _ = try await store.upsertAccount(
                    AccountWrite(id: AccountID(unchecked: name)), stamp: fixture.stamp(), now: fixture.now)
            }
            #expect(try await findings(fixture, of: id)[1].firstBreak == nil, "right in itself")
            let anew = try #require(try await findings(fixture, of: id, anchors: second)[1].firstBreak)
            #expect(anew.seq == 1 && anew.why.contains("does not begin with"), "\(anew)")
        }
    }
}
