import Domain
import Testing

@testable import Storage

@Suite struct ServiceIdentityTests {
    private static func id() -> String { "spiffe://example.org/sa/s\(Fixture.number())" }

    private static func write(_ id: String, all: Bool = false, _ tenants: TenantID...) -> ServiceIdentityWrite {
        ServiceIdentityWrite(
            id: id, displayName: "Billing", scopes: ["publish"], allTenants: all, tenants: tenants)
    }

    @Test func aServiceIsRegisteredChangedAndTakenOff() async throws {
        try await withStorage { fixture in
            let registry = fixture.registry
            let tenant = try await fixture.tenant().tenant
            let id = Self.id()
            let made = try await registry.putService(
                Self.write(id, tenant), expectedRevision: nil, stamp: fixture.stamp(), now: fixture.now)
            #expect(made.created && made.record.tenants == [tenant])
            let revision = made.record.revision
            let same = try await registry.putService(
                Self.write(id, tenant), expectedRevision: revision, stamp: fixture.stamp(),
                now: fixture.now.adding(seconds: 2))
            #expect(!same.created && same.record == made.record)
            let stale = try await storageError { () async throws(StorageError) in
                try await registry.putService(
                    Self.write(id, tenant), expectedRevision: 7, stamp: fixture.stamp(), now: fixture.now)
            }
            #expect(stale.code == .revisionMismatch)
            let later = fixture.now.adding(seconds: 5)
            let changed = try await registry.putService(
                Self.write(id, all: true), expectedRevision: revision, stamp: fixture.stamp(), now: later)
            #expect(!changed.created && changed.record.allTenants && changed.record.tenants.isEmpty)
            #expect(changed.record.createdBy == "key/test" && changed.record.createdAt == fixture.now)
            #expect(changed.record.updatedAt == later)
            #expect(try await registry.services(size: 1000).elements.contains(changed.record))

            let wrong = try await storageError { () async throws(StorageError) in
                try await registry.deleteService(id, expectedRevision: revision, stamp: fixture.stamp())
            }
            #expect(wrong.code == .revisionMismatch)
            #expect(
                try await registry.deleteService(id, expectedRevision: revision + 1, stamp: fixture.stamp()) == .done)
            #expect(
                try await registry.deleteService(id, expectedRevision: nil, stamp: fixture.stamp()) == .noSuchService)
            #expect(try await registry.service(id, actingFor: nil) == nil)
            // Registered again, it has no revision that it had before.
            let again = try await registry.putService(
                Self.write(id, tenant), expectedRevision: nil, stamp: fixture.stamp(), now: later.adding(seconds: 1))
            #expect(again.created && again.record.revision > revision + 1)
        }
    }

    @Test func aServiceActsForItsTenantsOnly() async throws {
        try await withStorage { fixture in
            let registry = fixture.registry
            let (one, two) = (try await fixture.tenant().tenant, try await fixture.tenant().tenant)
            let nobody = TenantID(unchecked: "nobody")
            let (single, several, every) = (Self.id(), Self.id(), Self.id())
            for write in [Self.write(single, one), Self.write(several, one, two), Self.write(every, all: true)] {
                _ = try await registry.putService(
                    write, expectedRevision: nil, stamp: fixture.stamp(), now: fixture.now)
            }
            let cases: [(String, TenantID?, TenantID?)] = [
                (single, nil, one), (single, one, one), (single, two, nil), (single, nobody, nil),
                (several, nil, nil), (several, two, two), (several, nobody, nil),
                (every, nil, nil), (every, two, two), (every, nobody, nil),
            ]
            for (service, named, acting) in cases {
                let found = try await registry.service(service, actingFor: named)
                #expect(found?.service.id == service)
                #expect(found?.tenant?.id == acting, "\(service) that names \(String(describing: named))")
            }
            #expect(try await registry.service(Self.id(), actingFor: one) == nil)
            #expect(try await registry.present([one, two]) == [one, two])
            #expect(try await registry.present([one, nobody]) == [one])
            #expect(try await registry.present([]).isEmpty)
        }
    }
}
