import Domain
import Postgres
import Support
import Testing

@testable import Storage

/// Wrapped data keys concern every tenant of a registry, so these tests have databases of their own.
@Suite struct DataKeyTests {
    private func withTenants(
        _ count: Int, _ body: @escaping @Sendable (Fixture, [TenantID]) async throws -> Void
    ) async throws {
        let cluster = try SharedDatabase.sharedCluster()
        let name = try SharedDatabase.bootstrappedDatabase()
        try await withStorage(
            serve: cluster.connectionInfo(database: name, user: "carillon_serve"),
            owner: cluster.connectionInfo(database: name, user: "carillon_owner")
        ) { fixture in
            _ = try await fixture.administration.migrateRegistry(now: fixture.now)
            var tenants: [TenantID] = []
            for number in 0..<count {
                var creation = Fixture.creation(Fixture.tenantID())
                // Two wrappers, by turns.
                creation.wrappedDataKey = [UInt8](repeating: UInt8(1 + number % 2), count: 8) + [UInt8(number)]
                _ = try await fixture.administration.createTenant(
                    creation, stamp: fixture.stamp(), now: fixture.now)
                tenants.append(creation.id)
            }
            try await body(fixture, tenants.sorted { $0.rawValue < $1.rawValue })
        }
    }

    @Test func keysAreReadInPagesAndCountedByTheirWrappers() async throws {
        try await withTenants(5) { fixture, tenants in
            var found: [TenantID] = []
            var after: TenantID?
            while true {
                let page = try await fixture.administration.dataKeys(after: after, size: 2)
                #expect(page.count <= 2)
                guard let last = page.last else { break }
                found += page.map(\.tenant)
                after = last.tenant
            }
            #expect(found == tenants)
            let counts = try await fixture.administration.dataKeysByWrapper()
            #expect(counts == [[UInt8](repeating: 1, count: 8): 3, [UInt8](repeating: 2, count: 8): 2])
        }
    }

    @Test func whoComesSecondChangesNothing() async throws {
        try await withTenants(3) { fixture, tenants in
            let read = try await fixture.administration.dataKeys(after: nil, size: 10)
            let before = try await fixture.registry.tenant(tenants[0])
            let first = read.map { (read: $0, wrapped: [UInt8](repeating: 3, count: 9)) }
            let second = read.map { (read: $0, wrapped: [UInt8](repeating: 4, count: 9)) }
            #expect(try await fixture.administration.replaceDataKeys([first[0]]) == 1)
            #expect(try await fixture.administration.replaceDataKeys(second) == 2)
            let now = try await fixture.administration.dataKeys(after: nil, size: 10)
            #expect(now.map { $0.octets[0] } == [3, 4, 4])
            // It is no change that a reader of the tenant would see.
            let after = try await fixture.registry.tenant(tenants[0])
            #expect(before?.revision == after?.revision && before?.updatedAt == after?.updatedAt)
            #expect(after?.wrappedDataKey == [UInt8](repeating: 3, count: 9))
        }
    }

    @Test func severalAtOnceDoNotLockEachOtherOut() async throws {
        try await withTenants(8) { fixture, tenants in
            let read = try await fixture.administration.dataKeys(after: nil, size: 10)
            let others = (0..<4).map { _ in fixture.anotherAdministration() }
            let changed = try await withThrowingTaskGroup(of: Int.self) { group in
                for (number, other) in others.enumerated() {
                    group.addTask {
                        try await other.replaceDataKeys(
                            read.map { ($0, [UInt8](repeating: UInt8(10 + number), count: 9)) })
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(changed == tenants.count)
        }
    }

    @Test func usageIsReadWithTheCredential() async throws {
        try await withTenants(1) { fixture, tenants in
            let key = NewAPIKey(
                id: "k", displayName: "", secretHash: [1], lastFour: "abcd", scopes: [], createdBy: "operator/x")
            _ = try await fixture.addKey(key, to: tenants[0])
            let uncounted = try #require(try await fixture.registry.tenantWithUsage(tenants[0]))
            #expect(uncounted.usage == nil)
            #expect(try await fixture.registry.credential("k")?.usage == nil)
            _ = try await fixture.owner.run(
                Unit([
                    Query(
                        Statement(
                            """
                            INSERT INTO carillon.tenant_usage (tenant_id, stored_rows, stored_octets, counted_at)
                            VALUES ($1::text, 5000000000, 7000000000, $2::timestamptz)
                            """, prepared: false), [.text(tenants[0]), .timestamp(fixture.now)])
                ]))
            let usage = TenantUsage(rows: 5_000_000_000, octets: 7_000_000_000, countedAt: fixture.now)
            #expect(try await fixture.registry.tenantWithUsage(tenants[0])?.usage == usage)
            #expect(try await fixture.registry.credential("k")?.usage == usage)
        }
    }
}
