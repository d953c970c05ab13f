import CarillonAPI
import CarillonGRPC
import Domain
import Security
import Storage
import SwiftProtobuf
import Testing

@testable import Services

/// Addresses that people add: what is asked, for how long, and where the answer is taken.
@Suite("Contact points of people's own", .timeLimit(.minutes(5)))
struct ContactPointServiceTests {
    private static let own = "own@home.example"

    @discardableResult
    private static func add(
        _ tenant: TestTenant, _ user: String = "bob", _ addresses: String...
    ) async throws -> Carillon_V1_UpdatePreferencesResponse {
        var request = Carillon_V1_UpdatePreferencesRequest()
        request.userID = user
        request.settings.contactPoints = addresses.map { address in
            .with { ($0.channel, $0.address) = (.email, address) }
        }
        return try await tenant.preferences.updatePreferences(request)
    }

    /// Questions that were published for a user.
    private static func questions(_ tenant: TestTenant, _ user: String = "bob") async throws -> [String] {
        var request = Carillon_V1_ListNotificationsRequest()
        request.userID = user
        return try await tenant.deliveries.listNotifications(request).notifications
            .filter { $0.notificationType == ConfirmationQuestion.key.rawValue }
            .map { $0.deliveries.map { "\($0.maskedAddress) \($0.decision.verdict)" }.joined() }
    }

    private static func state(_ tenant: TestTenant, _ user: String = "bob") async throws -> Carillon_V1_AddressState? {
        var request = Carillon_V1_GetPreferencesRequest()
        request.userID = user
        return try await tenant.preferences.getPreferences(request).contactPoints.first { $0.address == own }?.state
    }

    /// What stands in the link of a question that was asked at a time.
    private static func token(_ house: House, _ tenant: TestTenant, at time: Instant) async throws -> String {
        try await house.onLoop { state in
            let scope = try #require(try await state.scope(named: TenantID(unchecked: tenant.id)))
            let expiry = time.advanced(by: ConfirmationQuestion.lifetime)
            return try ConfirmationToken(
                user: UserID(unchecked: "bob"), address: Address(.email, own), expiry: expiry
            ).text(try scope.dataKey(state.dependencies.keyring))
        }
    }

    @Test("are asked about once, and again when somebody wishes it")
    func questions() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            for _ in 0..<3 { try await Self.add(tenant, "bob", Self.own) }
            #expect(try await Self.questions(tenant) == ["o…@home.example deliver"])
            house.clock.advance(seconds: 1)
            let request = Carillon_V1_SendConfirmationRequest.with { ($0.userID, $0.address) = ("bob", Self.own) }
            let answer = try await tenant.preferences.sendConfirmation(request)
            #expect(answer.expireTime.seconds == house.clock.now.seconds + 86_400)
            house.clock.advance(seconds: 86_399)
            // A link that has ended is not sent again by a page that stores what it read.
            try await Self.add(tenant, "bob", Self.own)
            #expect(try await Self.questions(tenant).count == 2)
        }
    }

    @Test("are confirmed for a day")
    func expiry() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            try await Self.add(tenant, "bob", Self.own)
            let text = try await Self.token(house, tenant, at: house.clock.now)
            house.clock.advance(seconds: 86_400)
            let request = Carillon_V1_ConfirmContactPointRequest.with { $0.token = text }
            try await failure(.failedPrecondition, "CONFIRMATION_EXPIRED") {
                try await tenant.preferences.confirmContactPoint(request)
            }
            #expect(try await Self.state(tenant) == .unverified)
            house.clock.advance(seconds: -1)
            let answer = try await tenant.preferences.confirmContactPoint(request)
            #expect(answer.contactPoint.state == .usable && answer.userID == "bob")
            #expect(try await Self.state(tenant) == .usable)
        }
    }

    /// Where browsers do not reach the service, the portal has the page.
    @Test("are led to the page of the portal where there is no other")
    func pages() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            func link(_ publicURL: String?) async throws -> String {
                try await house.onLoop { state in
                    let scope = try #require(try await state.scope(named: TenantID(unchecked: tenant.id)))
                    let bob = try #require(try await scope.facts.users.read(UserID(unchecked: "bob"))?.record)
                    let draft = try #require(ConfirmationQuestion(bob, Self.own, at: house.clock.now)).draft(
                        try scope.dataKey(state.dependencies.keyring), scope.record, publicURL: publicURL,
                        now: house.clock.now)
                    #expect(draft.destination == Self.own)
                    guard case .url(let link)? = draft.entries.first(where: { $0.name == "verification_url" })?.value
                    else { return "" }
                    return String(link.prefix { $0 != "?" }).replacing(scope.record.portalURL, with: "PORTAL")
                }
            }
            #expect(try await link(nil) == "PORTAL/verify")
            #expect(try await link("https://notify.example") == "https://notify.example/confirm")
        }
    }
}
