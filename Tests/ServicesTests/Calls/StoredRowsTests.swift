import CarillonAPI
import Support
import SwiftProtobuf
import Testing

@testable import CarillonGRPC
@testable import Services

@Suite("Limits of what is stored", .timeLimit(.minutes(5)))
struct StoredRowsTests {
    private static func count(_ rows: Int, at second: Int, _ tenant: TestTenant) async throws {
        try await LimitsScene.registry(
            """
            INSERT INTO carillon.tenant_usage (tenant_id, stored_rows, stored_octets, counted_at)
            VALUES ($tenant, \(rows), 1, 'epoch'::timestamptz + interval '\(second) seconds')
            ON CONFLICT (tenant_id) DO UPDATE SET stored_rows = excluded.stored_rows, counted_at = excluded.counted_at
            """, of: tenant)
    }

    @Test("who has stored all that it may stores no more, and may do everything else", arguments: [true, false])
    func rows(isOwn: Bool) async throws {
        try await LimitsScene.open(
            limits: {
                $0.credentialAge = .zero
                if !isOwn { $0.storedRows = 100 }
            }
        ) { tenant, other in
            if isOwn {
                try await LimitsScene.registry(
                    "UPDATE carillon.tenant SET stored_rows = 100 WHERE tenant_id = $tenant", of: tenant)
            }
            // Nobody has counted yet.
            try await LimitsScene.publish(tenant)
            try await Self.count(99, at: 1, tenant)
            _ = try await tenant.deliveries.publish(invoice("below"))
            try await Self.count(100, at: 2, tenant)
            try await LimitsScene.refused(
                "STORAGE_FULL", limit: "100", after: .seconds(300),
                [
                    { _ = try await tenant.deliveries.publish(invoice("above")) },
                    { try await tenant.account("acme") },
                    { try await tenant.user("new", of: "acme") },
                    { _ = try await tenant.choose(.on, "bob", "invoice.created", .email) },
                    { try await tenant.relay("second") },
                ])
            // What a portal's user chooses is the tenant's too.
            let portal = PreferenceServiceClient(try tenant.portalClient("ann"))
            var wish = Carillon_V1_UpdatePreferencesRequest()
            wish.userID = "ann"
            var choice = Carillon_V1_PreferenceChoice()
            (choice.notificationType, choice.channel, choice.choice) = ("invoice.created", .email, .on)
            wish.choices = [choice]
            try await failure(.resourceExhausted, "STORAGE_FULL") { try await portal.updatePreferences(wish) }
            wish.choices[0].choice = .off
            _ = try await portal.updatePreferences(wish)
            // What there is can be changed.
            try await tenant.relay()
            var get = Carillon_V1_GetTenantRequest()
            get.tenantID = tenant.id
            let usage = try await tenant.house.operatorClient().getTenant(get).usage
            #expect(usage.storedRows == 100 && usage.storedOctets == 1 && usage.countTime.seconds == 2)
            try await LimitsScene.check(tenant)
            try await tenant.setDefault("bob", of: "acme")
            _ = try await tenant.choose(.off, "bob", "invoice.created", .email)
            _ = try await tenant.inbox("ann").listInbox(.init())
            try await LimitsScene.watch(tenant)
            try await LimitsScene.publish(other)
            try await Self.count(10, at: 3, tenant)
            _ = try await tenant.deliveries.publish(invoice("above"))
        }
    }
}
