import Domain
import Postgres
import Testing

@testable import Storage

/// What changes of the registry leave in its audit.
@Suite struct RegistryAuditTests {
    private func lines(_ fixture: Fixture, _ chain: TenantID) async throws -> [[String?]] {
        let results = try await fixture.serve.run(
            Unit([
                Query(
                    Statement(
                        """
                        SELECT a.seq::text, a.actor, a.origin, a.action, a.object, a.before::text, a.after::text,
                            a.hash = h.hash
                        FROM carillon.audit a JOIN carillon.audit_head h ON h.chain = a.chain
                        WHERE a.chain = $1::text
                        ORDER BY a.seq
                        """, prepared: false), [.text(chain)])
            ]))
        return try results[0].read { row throws(PostgresError) in
            try (0..<7).map { column throws(PostgresError) in try row.optionalText(column) }
                + [try row.bool(7) ? "head" : ""]
        }
    }

    @Test func whatOperatorsDoToATenantIsInItsChain() async throws {
        try await withStorage { fixture in
            let id = Fixture.tenantID()
            var creation = Fixture.creation(id)
            creation.firstKey = Self.key("first\(id)")
            creation.portalKeys = [PortalKey(kid: "one", jwk: #"{"x": "AAAA"}"#)]
            _ = try await fixture.administration.createTenant(creation, stamp: fixture.stamp(), now: fixture.now)
            // The same request again, and another one for the same id, change nothing.
            _ = try await fixture.administration.createTenant(creation, stamp: fixture.stamp(), now: fixture.now)
            creation.requestHash = [2]
            _ = try await fixture.administration.createTenant(creation, stamp: fixture.stamp(), now: fixture.now)
            _ = try await fixture.addKey(Self.key("second\(id)"), to: id)
            let twice = try await storageError { () async throws(StorageError) in
                try await fixture.addKey(Self.key("second\(id)"), to: id)
            }
            #expect(twice.code == .alreadyExists)
            for keys in [[("one", "AAAA")], [("one", "BBBB"), ("two", "CCCC")], []] {
                try await fixture.registry.setPortalKeys(
                    of: id, keys.map { PortalKey(kid: $0.0, jwk: #"{"x":"\#($0.1)"}"#) }, stamp: fixture.stamp(),
                    now: fixture.now)
            }

            let lines = try await lines(fixture, id)
            #expect(lines.map { $0[0] } == ["1", "2", "3", "4"])
            #expect(lines.map { $0[3] } == ["tenant.create", "key.create", "portal_keys.set", "portal_keys.set"])
            #expect(lines.map { $0[4] } == ["tenant/\(id)", "key/second\(id)", "portal_keys", "portal_keys"])
            #expect(lines.allSatisfy { $0[1] == "key/test" && $0[2] == "192.0.2.1 tests/1" })
            #expect(lines.map { $0[7] } == ["", "", "", "head"])
            #expect(lines[0][6]?.contains(#""portal_keys": ["one"]"#) == true)
            #expect(lines[2][5]?.contains(#"{"one": ""#) == true, "the key of the same name is another one")
            #expect(lines[3][6] == nil)
            // 0x53 is what the secret's hash is made of.
            #expect(lines.allSatisfy { !($0[6] ?? "").contains("5353") && !($0[6] ?? "").contains("wxyz") })
        }
    }

    private static func key(_ id: String) -> NewAPIKey {
        NewAPIKey(
            id: id, displayName: "Second", secretHash: Array(repeating: 0x53, count: 32), lastFour: "wxyz",
            scopes: ["tenant"], createdBy: "operator/x")
    }
}
