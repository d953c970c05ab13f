import Domain
import Postgres
import Support
import Testing

@testable import Storage

/// The chain that binds the lines of an audit, and what is found when somebody changed them.
@Suite struct AuditChainTests {
    private static let acme = AccountID(unchecked: "ACME")
    private static let ann = UserID(unchecked: "ann")

    /// The form in which a line is hashed must stay what it is: chains outlive programs.
    @Test func theFormOfALineIsPinned() throws {
        let entry = AuditEntry(
            seq: 2, id: try #require(UUIDBytes("019a8c5d-0000-7000-8000-00000000002a")), actor: "key/k1",
            origin: "192.0.2.1 tests/1", action: "account.update", object: "account/Zürich", before: nil,
            after: #"{"display_name": "Ä, 1:x"}"#, hash: nil)
        let canonical = AuditChain.canonical(entry, scope: "tenant")
        #expect(
            String(decoding: canonical, as: UTF8.self)
                == #"16:carillon-audit/1,6:tenant,1:2,36:019a8c5d-0000-7000-8000-00000000002a,6:key/k1,"#
                + #"17:192.0.2.1 tests/1,14:account.update,15:account/Zürich,-,27:{"display_name": "Ä, 1:x"},"#)
        let hash = AuditChain.hash(of: entry, after: Array(0..<32), scope: "tenant")
        #expect(
            hash.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
                == "7d1ffd7b37dffe4bddddadbfc303aa6990d3fe3f66d2f3b2d136dd2d75905a9a")
    }

    /// What computes the hash may depend on nothing but the line.
    @Test func theDatabaseComputesItByImmutableFunctionsOnly() async throws {
        try await withStorage { fixture in
            let names = [
                "sha256", "decode", "replace", "octet_length", "byteacat", "textcat", "int4out", "int8out", "uuid_out",
                "jsonb_out",
            ]
            let statement = Statement(
                """
                SELECT DISTINCT p.proname::text, p.provolatile = 'i'
                FROM pg_catalog.pg_proc p
                WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname = ANY ($1::text[])
                """, prepared: false)
            let rows = try await fixture.serve.run(Unit([Query(statement, [.textArray(names)])]))[0]
            #expect(rows.count == names.count)
            for row in rows {
                let name = try row.text(0)
                #expect(try row.bool(1), "\(name)")
            }
            // The tables that the text names are ours; all else is a function, a cast or an operator of these.
            let used = AuditChain.insertion(into: "a (", scope: "''", head: "h", line: "SELECT")
                .matches(of: #/\b([a-z_0-9]+)\(/#).map { String($0.output.1) }
            #expect(Set(used) == ["sha256", "decode", "replace", "octet_length", "coalesce"])
        }
    }

    /// Five lines: an account, a user, the default user, a choice, a provider.
    private func tenant(_ fixture: Fixture) async throws -> TenantStore {
        let tenant = try await fixture.tenant()
        _ = try await tenant.upsertAccount(
            AccountWrite(id: Self.acme, displayName: "Zürich, \"1:x\"\t\u{1F514}", billingEmail: "money@acme.example"),
            stamp: fixture.stamp(), now: fixture.now)
        _ = try await tenant.upsertUser(
            UserWrite(
                id: Self.ann, account: Self.acme, displayName: "Ann Example",
                contactPoints: [
                    ContactPoint(channel: .sms, address: "+4915112345678"),
                    ContactPoint(channel: .email, address: "ann@acme.example"),
                ]), stamp: fixture.stamp(), now: fixture.now)
        _ = try await tenant.setDefaultUser(of: Self.acme, to: Self.ann, stamp: fixture.stamp(), now: fixture.now)
        _ = try await tenant.updatePreferences(
            of: Self.ann, [PreferenceChange(audience: .customer, scope: .all, isOn: true)], stamp: fixture.stamp(),
            .at(fixture.now))
        _ = try await tenant.putProvider(
            ProviderWrite(
                id: ProviderID(unchecked: "main"), channel: .email, kind: "smtp", config: #"{"n": 1.50, "a": [null]}"#,
                secret: .set([9])), stamp: fixture.stamp(), now: fixture.now)
        return tenant
    }

    private func findings(
        _ fixture: Fixture, _ tenant: TenantStore, anchors: [AuditAnchor] = []
    ) async throws -> [AuditReport] {
        var reports: [AuditReport] = []
        try await fixture.administration.verifyAudits(of: tenant.tenant, anchors: anchors) { reports.append($0) }
        return reports
    }

    private func finding(
        _ fixture: Fixture, _ tenant: TenantStore, anchors: [AuditAnchor] = []
    ) async throws -> AuditFinding {
        let reports = try await findings(fixture, tenant, anchors: anchors)
        #expect(reports.count == 2)
        guard case .found(let registry) = reports[0], case .found(let finding) = reports[1] else {
            throw StorageError(.internalError, "not read: \(reports)")
        }
        #expect(registry.firstBreak == nil && registry.lines == 1, "the line of the tenant's making")
        return finding
    }

    /// As somebody does it who may do everything with the database.
    private func tamper(_ tenant: TenantStore, _ sql: String) throws {
        try SharedDatabase.sharedCluster().execute(
            sql.replacing("%.", with: "t_\(tenant.tenant)."), database: try SharedDatabase.name())
    }

    @Test func whatNobodyTouchedIsIntact() async throws {
        try await withStorage { fixture in
            let tenant = try await tenant(fixture)
            let finding = try await finding(fixture, tenant)
            #expect(finding.firstBreak == nil)
            #expect(finding.lines == 5)
            #expect(finding.unchained == 0)
            #expect(finding.head.seq == 5)
            let entries = try await tenant.audit(size: 10).elements
            #expect(entries.map(\.seq) == [5, 4, 3, 2, 1])
            #expect(entries[0].hash == finding.head.hash)
            #expect(entries.allSatisfy { $0.origin == "192.0.2.1 tests/1" })
            let newest = try await fixture.administration.newestAuditLines(of: tenant.tenant, limit: 10)
            #expect(newest.map(\.action).last == "tenant.create")
            #expect(Array(newest.prefix(5)) == entries)
        }
    }

    struct Tampering: Sendable, CustomTestStringConvertible {
        let what: String
        let sql: String
        let brokenAt: Int64
        let why: String
        var testDescription: String { what }

        init(_ what: String, _ sql: String, at brokenAt: Int64, _ why: String) {
            self.what = what
            self.sql = sql
            self.brokenAt = brokenAt
            self.why = why
        }
    }

    static let tamperings = [
        Tampering("who", "UPDATE %.audit SET actor = 'key/other' WHERE seq = 3", at: 3, "the hash"),
        Tampering("from where", "UPDATE %.audit SET origin = '192.0.2.9' WHERE seq = 3", at: 3, "the hash"),
        Tampering("from where left out", "UPDATE %.audit SET origin = NULL WHERE seq = 3", at: 3, "the hash"),
        Tampering("what", "UPDATE %.audit SET action = action || 'x' WHERE seq = 2", at: 2, "the hash"),
        Tampering("to what", "UPDATE %.audit SET object = 'account/other' WHERE seq = 1", at: 1, "the hash"),
        Tampering(
            "a word moved into the next part",
            "UPDATE %.audit SET action = action || 'a', object = substr(object, 2) "
                + "WHERE seq = 2", at: 2, "the hash"),
        Tampering("before", "UPDATE %.audit SET before = '{}' WHERE seq = 3", at: 3, "the hash"),
        Tampering("before left out", "UPDATE %.audit SET before = NULL WHERE seq = 3", at: 3, "the hash"),
        Tampering(
            "after", "UPDATE %.audit SET after = after || '{\"locale\": \"fr\"}' WHERE seq = 1", at: 1, "the hash"),
        Tampering("the time", "UPDATE %.audit SET audit_id = gen_random_uuid() WHERE seq = 4", at: 4, "the hash"),
        Tampering("the last place", "UPDATE %.audit SET seq = 9 WHERE seq = 5", at: 5, "the line is missing"),
        Tampering("a line in the middle deleted", "DELETE FROM %.audit WHERE seq = 3", at: 3, "the line is missing"),
        Tampering("the first line deleted", "DELETE FROM %.audit WHERE seq = 1", at: 1, "the line is missing"),
        Tampering("the last line deleted", "DELETE FROM %.audit WHERE seq = 5", at: 5, "the line is missing"),
        Tampering("all lines deleted", "DELETE FROM %.audit", at: 1, "the line is missing"),
        Tampering(
            "a line taken out of the chain", "UPDATE %.audit SET seq = NULL, hash = NULL WHERE seq = 2", at: 2,
            "the line is missing"),
        Tampering(
            "a forged line behind the last",
            "INSERT INTO %.audit SELECT gen_random_uuid(), 6, actor, origin, action, object, before, after, hash "
                + "FROM %.audit WHERE seq = 5", at: 6, "the hash"),
        Tampering(
            "a line before the first",
            "INSERT INTO %.audit SELECT gen_random_uuid(), 0, actor, origin, action, object, before, after, hash "
                + "FROM %.audit WHERE seq = 1", at: 0, "before the first"),
        Tampering(
            "two lines swapped",
            "UPDATE %.audit SET seq = -1 WHERE seq = 2; UPDATE %.audit SET seq = 2 WHERE seq = 3; "
                + "UPDATE %.audit SET seq = 3 WHERE seq = -1", at: 2, "the hash"),
        Tampering("a hash", "UPDATE %.audit SET hash = sha256('x') WHERE seq = 2", at: 2, "the hash"),
        Tampering("a hash left out", "UPDATE %.audit SET hash = NULL WHERE seq = 2", at: 2, "the hash"),
        Tampering("the head's hash", "UPDATE %.audit_head SET hash = sha256('x')", at: 5, "the head is another"),
        Tampering("the head set back", "UPDATE %.audit_head SET seq = 4", at: 5, "behind the head"),
        Tampering("the head deleted", "DELETE FROM %.audit_head", at: 5, "the head is missing"),
    ]

    @Test(arguments: tamperings)
    func tamperingIsFound(_ tampering: Tampering) async throws {
        try await withStorage { fixture in
            let tenant = try await tenant(fixture)
            try tamper(tenant, tampering.sql)
            let found = try #require(try await finding(fixture, tenant).firstBreak)
            #expect(found.seq == tampering.brokenAt)
            #expect(found.why.contains(tampering.why), "\(found.why)")
        }
    }

    /// Whoever may write everything can make a chain that is right in itself. What was told before tells it.
    @Test func whatWasRewrittenAsAWholeIsFoundByAnchors() async throws {
        try await withStorage { fixture in
            let tenant = try await tenant(fixture)
            let before = try await finding(fixture, tenant)
            #expect(try await finding(fixture, tenant, anchors: [before.head]).firstBreak == nil)
            _ = try await tenant.setDefaultUser(of: Self.acme, to: nil, stamp: fixture.stamp(), now: fixture.now)
            let grown = try await finding(fixture, tenant, anchors: [before.head])
            #expect(grown.firstBreak == nil && grown.lines == 6, "a chain that grew has the anchor within")

            // The end cut off, with the head set back to what is left.
            try tamper(
                tenant,
                "DELETE FROM %.audit WHERE seq > 3; UPDATE %.audit_head SET seq = 3, "
                    + "hash = (SELECT hash FROM %.audit WHERE seq = 3)")
            #expect(try await finding(fixture, tenant).firstBreak == nil)
            let cut = try #require(try await finding(fixture, tenant, anchors: [before.head]).firstBreak)
            #expect(cut.seq == 4 && cut.why.contains("an anchor is 5"), "\(cut)")

            // Written anew from there on: as long as before, and right in itself.
            for user in [Self.ann, nil] as [UserID?] {
                _ = try await tenant.setDefaultUser(of: Self.acme, to: user, stamp: fixture.stamp(), now: fixture.now)
            }
            #expect(try await finding(fixture, tenant).firstBreak == nil)
            let anew = try #require(
                try await finding(fixture, tenant, anchors: [grown.head, before.head]).firstBreak)
            #expect(anew.seq == 5 && anew.why.contains("not the one of the anchor"), "\(anew)")

            let gone = AuditAnchor(chain: "tenant/gone", seq: 1, hash: [1], life: nil)
            #expect(try await findings(fixture, tenant, anchors: [gone]).count == 2, "of other tenants")
            var reports: [AuditReport] = []
            try await fixture.administration.verifyAudits(anchors: [gone]) { reports.append($0) }
            #expect(reports.contains(.unread(chain: "tenant/gone", why: "an anchor names it, and it is gone")))
        }
    }

    @Test func linesOfVersion1StandBesideTheChain() async throws {
        try await withStorage { fixture in
            let tenant = try await tenant(fixture)
            for _ in 0..<2 {
                try await fixture.query(
                    as: tenant,
                    """
                    INSERT INTO t_\(tenant.tenant).audit (audit_id, actor, action, object, before, after)
                    VALUES ($1::uuid, 'key/old', 'setting.put', 'settings', NULL, '[]')
                    """, .uuid(UUIDBytes(fixture.id())))
            }
            _ = try await tenant.setDefaultUser(of: Self.acme, to: nil, stamp: fixture.stamp(), now: fixture.now)
            let finding = try await finding(fixture, tenant)
            #expect(finding.firstBreak == nil)
            #expect(finding.lines == 6)
            #expect(finding.unchained == 2)
            #expect(try await tenant.audit(size: 10).elements.count == 8)
        }
    }

    /// Changes of all kinds at once, over several connections: nobody fails, no line is missing, the chain holds.
    @Test func manyAtOnceMakeOneChain() async throws {
        try await withStorage { fixture in
            let tenant = try await tenant(fixture)
            let stores = (0..<8).map { _ in fixture.another(tenant) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<200 {
                    let store = stores[number % stores.count]
                    group.addTask {
                        // In Sendable closures the ids of the fixture are what makes each change another one.
                        let name = "\(number)"
                        let user = UserID(unchecked: "user\(number % 7)")
                        switch number % 5 {
                        case 0:
                            _ = try await store.upsertAccount(
                                AccountWrite(id: AccountID(unchecked: "A\(number % 3)"), displayName: name),
                                stamp: fixture.stamp(), now: fixture.now)
                        case 1:
                            _ = try await store.upsertUser(
                                UserWrite(id: user, account: Self.acme, displayName: name), keepsAccount: true,
                                stamp: fixture.stamp(), now: fixture.now)
                        case 2:
                            _ = try await store.updatePreferences(
                                of: Self.ann,
                                [
                                    PreferenceChange(
                                        audience: .customer, scope: .type(TypeKey(unchecked: "type.n\(number)")),
                                        isOn: true)
                                ], stamp: fixture.stamp(), .at(fixture.now))
                        case 3:
                            _ = try await store.putProvider(
                                ProviderWrite(
                                    id: ProviderID(unchecked: "p\(number % 3)"), channel: .email, kind: "maildir",
                                    displayName: name), stamp: fixture.stamp(), now: fixture.now)
                        default:
                            try await store.putSettings(
                                [
                                    StoredSetting(
                                        account: Self.acme, type: TypeKey(unchecked: "type.n\(number)"),
                                        audience: .customer, setting: Setting(.disabled))
                                ], stamp: fixture.stamp(), now: fixture.now)
                        }
                    }
                }
                try await group.waitForAll()
            }
            let finding = try await finding(fixture, tenant)
            #expect(finding.firstBreak == nil)
            #expect(finding.lines == 205)
        }
    }
}
