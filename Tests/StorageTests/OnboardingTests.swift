import Domain
import Postgres
import Support
import Testing

@testable import Storage

@Suite struct OnboardingTests {
    @Test func theSameRequestIsAnsweredAndAnotherOneRefused() async throws {
        try await withStorage { fixture in
            var creation = Fixture.creation(Fixture.tenantID())
            let keyID = "first\(Fixture.number())"
            creation.firstKey = NewAPIKey(
                id: keyID, displayName: "First", secretHash: [7], lastFour: "abcd",
                scopes: ["publish"], createdBy: "operator/x")
            creation.portalKeys = [PortalKey(kid: "k1", jwk: #"{"kty": "OKP"}"#)]
            let first = try await fixture.administration.createTenant(
                creation, stamp: fixture.stamp(), now: fixture.now)
            guard case .created(let record) = first else {
                Issue.record("not created: \(first)")
                return
            }
            #expect(record.id == creation.id)
            #expect(record.state == .active)
            #expect(record.wrappedDataKey == [1, 2, 3])
            #expect(
                try await fixture.administration.createTenant(creation, stamp: fixture.stamp(), now: fixture.now)
                    == .replayed(record))
            let other = Fixture.creation(creation.id, hash: 2)
            #expect(
                try await fixture.administration.createTenant(other, stamp: fixture.stamp(), now: fixture.now)
                    == .conflict)

            #expect(try await fixture.registry.tenant(creation.id) == record)
            #expect(try await fixture.registry.portalKeys(of: creation.id) == creation.portalKeys)
            let credential = try #require(try await fixture.registry.credential(keyID))
            #expect(credential.tenant == record)
            #expect(credential.key.secretHash == [7])
            #expect(credential.key.isValid(at: fixture.now))
            #expect(try await fixture.registry.credential("nobody") == nil)
        }
    }

    @Test func ofManyAtOnceExactlyOneMakesTheTenant() async throws {
        try await withStorage { fixture in
            let creation = Fixture.creation(Fixture.tenantID())
            let now = fixture.now
            let administrations = (0..<6).map { _ in fixture.anotherAdministration() }
            let outcomes = try await withThrowingTaskGroup(of: TenantCreationOutcome.self) { group in
                for administration in administrations {
                    group.addTask { try await administration.createTenant(creation, stamp: fixture.stamp(), now: now) }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let made = outcomes.count { if case .created = $0 { true } else { false } }
            let replayed = outcomes.count { if case .replayed = $0 { true } else { false } }
            #expect(made == 1)
            #expect(replayed == 5)
        }
    }

    /// The budget of the design: an empty table costs disk, and cache in every backend that touches it.
    @Test func aTenantHasAtMostFortyRelations() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant()
            let count = try await fixture.integer(
                as: tenant,
                """
                SELECT count(*) FROM pg_catalog.pg_class c
                JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 't_\(tenant.tenant)' AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
                """)
            #expect(count <= 40)
            #expect(count > 20)
        }
    }

    @Test func tenantsAreListedInPages() async throws {
        try await withStorage { fixture in
            let tenants = [try await fixture.tenant().tenant, try await fixture.tenant().tenant]
            var found: [TenantID] = []
            var after: TenantID?
            repeat {
                let page = try await fixture.registry.tenants(after: after, size: 3)
                #expect(page.elements.count <= 3)
                found += page.elements.map(\.id)
                after = page.next
            } while after != nil
            #expect(found == found.sorted())
            #expect(tenants.allSatisfy(found.contains))
            #expect(Set(found).count == found.count)
        }
    }

    @Test func keysBelongToATenantThatExists() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant().tenant
            let key = NewAPIKey(
                id: "key\(Fixture.number())", displayName: "Second", secretHash: [1], lastFour: "wxyz",
                scopes: ["read", "publish"], createdBy: "operator/x", expiresAt: fixture.now.adding(seconds: 60))
            let stored = try #require(try await fixture.addKey(key, to: tenant))
            #expect(stored.isValid(at: fixture.now))
            #expect(!stored.isValid(at: fixture.now.adding(seconds: 60)))
            try await fixture.registry.recordUse(of: [key.id: fixture.now.adding(seconds: 5)])
            try await fixture.registry.recordUse(of: [key.id: fixture.now.adding(seconds: 4)])
            #expect(
                try await fixture.registry.apiKeys(of: tenant).map(\.lastUsedAt) == [fixture.now.adding(seconds: 5)])
            let twice = try await storageError { () async throws(StorageError) in
                try await fixture.addKey(key, to: tenant)
            }
            #expect(twice.code == .alreadyExists)
            let homeless = try await storageError { () async throws(StorageError) in
                try await fixture.registry.setPortalKeys(
                    of: TenantID(unchecked: "nobody"), [PortalKey(kid: "k", jwk: "{}")], stamp: fixture.stamp(),
                    now: fixture.now)
            }
            #expect(homeless.code == .referenceMissing)
        }
    }
}
