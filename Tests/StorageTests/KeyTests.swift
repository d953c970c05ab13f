import CarillonNet
import Domain
import Testing

@testable import Storage

@Suite struct KeyTests {
    private static func key(_ fixture: Fixture, id: String? = nil, expires: Instant? = nil) -> NewAPIKey {
        NewAPIKey(
            id: id ?? "key\(Fixture.number())", displayName: "K", secretHash: [1], lastFour: "wxyz",
            scopes: ["publish"],
            createdBy: "operator/x", expiresAt: expires)
    }

    private static func make(
        _ fixture: Fixture, _ tenant: TenantID, id: String? = nil, expires: Instant? = nil, limit: Int = 20
    ) async throws -> APIKeyRecord? {
        try await fixture.registry.createAPIKey(
            key(fixture, id: id, expires: expires), tenant: tenant, limit: limit, stamp: fixture.stamp(),
            now: fixture.now)
    }

    @Test func onlyKeysInForceCountAgainstTheLimit() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant().tenant
            let first = try #require(try await Self.make(fixture, tenant, limit: 2))
            _ = try #require(
                try await Self.make(fixture, tenant, expires: fixture.now.adding(seconds: 10), limit: 2))
            #expect(try await Self.make(fixture, tenant, limit: 2) == nil)
            // The second one has ended by then.
            fixture.now = fixture.now.adding(seconds: 10)
            #expect(try await Self.make(fixture, tenant, limit: 2) != nil)
            #expect(try await Self.make(fixture, tenant, limit: 2) == nil)
            let revoked = try await fixture.registry.revokeAPIKey(
                first.id, of: tenant, stamp: fixture.stamp(), now: fixture.now)
            #expect(revoked?.revokedAt == fixture.now)
            #expect(try await Self.make(fixture, tenant, limit: 2) != nil)
            let homeless = try await storageError { () async throws(StorageError) in
                try await fixture.registry.createAPIKey(
                    Self.key(fixture), tenant: TenantID(unchecked: "nobody"), limit: 2, stamp: fixture.stamp(),
                    now: fixture.now)
            }
            #expect(homeless.code == .referenceMissing)
        }
    }

    @Test func keysThatAreMadeAtOnceAreCountedToo() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant().tenant
            let registry = fixture.registry
            let now = fixture.now
            let made = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<12 {
                    let (key, stamp) = (Self.key(fixture), fixture.stamp())
                    group.addTask {
                        try await fixture.loop.run {
                            try await registry.createAPIKey(key, tenant: tenant, limit: 5, stamp: stamp, now: now)
                                != nil
                        }
                    }
                }
                return try await group.reduce(0) { $1 ? $0 + 1 : $0 }
            }
            #expect(made == 5)
        }
    }

    @Test func revokingIsForGoodAndForOwnKeysOnly() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant().tenant
            let other = try await fixture.tenant().tenant
            let key = try #require(try await Self.make(fixture, tenant))
            #expect(
                try await fixture.registry.revokeAPIKey(key.id, of: other, stamp: fixture.stamp(), now: fixture.now)
                    == nil)
            #expect(
                try await fixture.registry.revokeAPIKey("nothing", of: tenant, stamp: fixture.stamp(), now: fixture.now)
                    == nil)
            #expect(try await fixture.registry.credential(key.id)?.key.isValid(at: fixture.now) == true)
            let first = fixture.now
            #expect(
                try await fixture.registry.revokeAPIKey(key.id, of: tenant, stamp: fixture.stamp(), now: first)?
                    .revokedAt == first)
            let again = try await fixture.registry.revokeAPIKey(
                key.id, of: tenant, stamp: fixture.stamp(), now: first.adding(seconds: 9))
            #expect(again?.revokedAt == first)
            #expect(try await fixture.registry.credential(key.id)?.key.isValid(at: fixture.now) == false)
            // Other processes are told of the tenant whose keys have changed.
            let told = try await fixture.registry.signals(since: first).credentials
            #expect(told.contains(tenant))
        }
    }

    @Test func theLastThatEndedAreKept() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant().tenant
            var ended: [String] = []
            for _ in 0..<(TenantAdministration.endedKeys + 3) {
                fixture.now = fixture.now.adding(seconds: 1)
                let key = try #require(try await Self.make(fixture, tenant))
                _ = try await fixture.registry.revokeAPIKey(
                    key.id, of: tenant, stamp: fixture.stamp(), now: fixture.now)
                ended.append(key.id)
            }
            let last = try #require(try await Self.make(fixture, tenant))
            try await fixture.administration.dropEndedKeys(now: fixture.now)
            let kept = Set(try await fixture.registry.apiKeys(of: tenant).map(\.id))
            #expect(kept.isSuperset(of: ended.suffix(TenantAdministration.endedKeys)) && kept.contains(last.id))
            #expect(kept.isDisjoint(with: ended.prefix(3)))
        }
    }

    @Test func keysAreListedInPages() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant().tenant
            let ids = ["b", "a", "c"].map { "\($0)\(Fixture.number())" }
            for id in ids { _ = try await Self.make(fixture, tenant, id: id) }
            var found: [String] = []
            var after: String?
            repeat {
                let page = try await fixture.registry.apiKeys(of: tenant, after: after, size: 2)
                #expect(page.elements.count <= 2)
                found += page.elements.map(\.id)
                after = page.next
            } while after != nil
            #expect(found.filter(ids.contains) == ids.sorted())
        }
    }
}
