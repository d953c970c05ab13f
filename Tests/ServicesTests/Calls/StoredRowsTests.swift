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

    @Test("who has stored all that it may obeys what is said of addresses that its people have, and of no others")
    func reports() async throws {
        try await LimitsScene.open(
            limits: {
                $0.credentialAge = .zero
                $0.storedRows = 100
            }
        ) { tenant, _ in
            func report(_ events: Carillon_V1_ProviderEvent...) async throws -> [String] {
                var request = Carillon_V1_ReportProviderEventsRequest()
                request.events = events
                return try await tenant.deliveries.reportProviderEvents(request).results.map {
                    $0.hasError ? $0.error.reason : "\($0.outcome)"
                }
            }
            func event(
                _ kind: Carillon_V1_ProviderEventKind, _ channel: Carillon_V1_Channel, _ address: String
            ) -> Carillon_V1_ProviderEvent {
                .with {
                    $0.kind = kind
                    $0.address.channel = channel
                    $0.address.address = address
                }
            }
            var user = Carillon_V1_UpsertUserRequest()
            user.user.userID = "ann"
            user.user.accountID = "acme"
            user.user.phone = "+4930123456"
            user.updateMask.paths = ["phone"]
            _ = try await tenant.accounts.upsertUser(user)
            var account = Carillon_V1_UpsertAccountRequest()
            account.account.accountID = "acme"
            account.account.billingEmail = "billing@example.com"
            account.updateMask.paths = ["billing_email"]
            _ = try await tenant.accounts.upsertAccount(account)
            let stop = event(.stopped, .sms, "+4930999999")
            #expect(try await report(stop) == ["applied"], "there is room")

            try await Self.count(100, at: 1, tenant)
            try await failure(.resourceExhausted, "STORAGE_FULL") { try await tenant.account("more") }
            let results = try await report(
                event(.stopped, .sms, "+4930888888"), event(.stopped, .sms, "+4930123456"), stop,
                event(.bouncedPermanently, .email, "ann@example.com"),
                event(.complained, .email, "billing@example.com"), event(.complained, .email, "nobody@example.com"),
                event(.started, .sms, "+4930777777"), event(.tokenGone, .push, "token"),
                event(.delivered, .email, "nobody@example.com"))
            let full = "STORAGE_FULL"
            #expect(
                results == [full, "applied", "unchanged", "applied", "applied", full, full, full, "ignored"])
            let listed = try await tenant.accounts.listSuppressions(.init()).suppressions.map(\.address)
            #expect(Set(listed) == ["+4930999999", "+4930123456", "ann@example.com", "billing@example.com"])
        }
    }
}
