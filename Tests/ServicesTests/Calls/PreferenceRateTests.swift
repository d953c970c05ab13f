import CarillonAPI
import Domain
import Testing

@testable import CarillonGRPC
@testable import Services

/// How often the choices of one user may be changed: each change leaves a line in an audit that is kept.
@Suite("Changes of one user's choices", .timeLimit(.minutes(5)))
struct PreferenceRateTests {
    @Test("they have a rate, whoever makes them and whatever is chosen", arguments: [1, 2])
    func rate(loops: Int) async throws {
        try await House.open(loops: loops, limits: { $0.preferenceUpdates = 3 }) { house in
            let (tenant, other) = (try await house.tenant(), try await house.tenant())
            for tenant in [tenant, other] { try await tenant.people() }
            // On other connections, and so on another loop where there are two.
            var second = tenant
            second.client = try house.client(tenant.key)
            let portal = PreferenceServiceClient(try tenant.portalClient("bob"))
            var wish = Carillon_V1_UpdatePreferencesRequest()
            wish.userID = "bob"
            var sent = Carillon_V1_PreferenceChoice()
            sent.notificationType = "invoice.created"
            sent.choice = .off
            wish.choices = [sent]

            _ = try await tenant.preferences.updatePreferences(wish)
            _ = try await second.preferences.updatePreferences(wish)
            _ = try await portal.updatePreferences(wish)
            for caller in [tenant.preferences, second.preferences, portal] {
                let status = try await failure(.resourceExhausted, "PREFERENCE_RATE") {
                    try await caller.updatePreferences(wish)
                }
                #expect(status.retryDelay == .seconds(30))
                #expect(status.metadata == ["limit": "3"])
            }
            // Whoever reads is not concerned, nor is anybody else.
            var page = Carillon_V1_GetPreferencesRequest()
            page.userID = "bob"
            #expect(try await portal.getPreferences(page).choices.map(\.choice) == [.off])
            _ = try await tenant.choose(.off, "ann", "invoice.created")
            _ = try await other.preferences.updatePreferences(wish)
        }
    }

    @Test("each user's meter is one, and those of the longest ago are forgotten")
    func meters() {
        let meters = UserMeters()
        let (first, second) = (UserID(unchecked: "bob"), UserID(unchecked: "ann"))
        let bob = meters[first]
        #expect(meters[first] === bob && meters[second] !== bob)
        for number in 0..<UserMeters.limit { _ = meters[UserID(unchecked: "user\(number)")] }
        #expect(meters[first] !== bob)
    }
}
