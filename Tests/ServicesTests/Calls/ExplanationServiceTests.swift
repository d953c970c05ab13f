import CarillonAPI
import CarillonGRPC
import Domain
import SwiftProtobuf
import Testing

@testable import Services

/// Why somebody was told or not, and what would be.
@Suite("Explanations", .timeLimit(.minutes(5)))
struct ExplanationServiceTests {
    private static func past(
        _ id: String, _ client: PreferenceServiceClient
    ) async throws
        -> Carillon_V1_ExplainDecisionResponse
    {
        var request = Carillon_V1_ExplainDecisionRequest()
        request.notificationID = id
        return try await client.explainDecision(request)
    }

    private static func suppose(
        _ user: String, _ client: PreferenceServiceClient, _ change: (inout Carillon_V1_Hypothesis) -> Void = { _ in }
    ) async throws -> Carillon_V1_ExplainDecisionResponse {
        var request = Carillon_V1_ExplainDecisionRequest()
        request.hypothesis.userID = user
        request.hypothesis.notificationType = "invoice.created"
        change(&request.hypothesis)
        return try await client.explainDecision(request)
    }

    private static func off(_ channel: Carillon_V1_Channel = .unspecified) -> Carillon_V1_PreferenceChoice {
        var choice = Carillon_V1_PreferenceChoice()
        (choice.notificationType, choice.channel, choice.choice) = ("invoice.created", channel, .off)
        return choice
    }

    @Test("a decision of the past is told as it was made, whatever has been chosen since")
    func past() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            _ = try await tenant.choose(.off, "bob", "invoice.created", .email)
            let published = try await tenant.deliveries.publish(invoice("k1"))
            let bobs = try #require(published.recipients.first { $0.userID == "bob" })
            _ = try await tenant.choose(.clear, "bob", "invoice.created", .email)
            let told = try await Self.past(bobs.notificationID, tenant.preferences)
            #expect(told.decision == bobs)
            #expect(told.traces.map(\.channel) == [.email, .inApp])
            #expect(told.traces[0].steps.last?.rule == "channel_choice")
            #expect(told.explanation.contains { $0.hasPrefix("E-mail: not sent") })
            // It is the same as with the notification itself.
            var request = Carillon_V1_GetNotificationRequest()
            request.notificationID = bobs.notificationID
            let stored = try await tenant.deliveries.getNotification(request).notification
            #expect(told.traces.map(\.steps) == stored.deliveries.map(\.trace))
        }
    }

    @Test("portal users have their own explained, and do not learn of others")
    func portal() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let recipients = try await tenant.deliveries.publish(invoice("k1")).recipients
            let bobs = try #require(recipients.first { $0.userID == "bob" }).notificationID
            let anns = try #require(recipients.first { $0.userID == "ann" }).notificationID
            let bob = PreferenceServiceClient(try tenant.portalClient("bob"))
            #expect(try await Self.past(bobs, bob).decision.userID == "bob")
            let unknown = String(anns.dropLast(4)) + "0000"
            for id in [anns, unknown] {
                try await failure(.notFound, "NOTIFICATION_NOT_FOUND") { try await Self.past(id, bob) }
            }
            try await failure(.permissionDenied) { try await Self.suppose("ann", bob) }
            let other = try await house.tenant()
            try await failure(.notFound, "NOTIFICATION_NOT_FOUND") { try await Self.past(bobs, other.preferences) }
            try await failure(.invalidArgument, fields: ["notification_id"]) { try await Self.past("x", bob) }
            try await failure(.invalidArgument, fields: ["subject"]) { try await bob.explainDecision(.init()) }
        }
    }

    @Test("what would be if somebody chose otherwise, and nothing of it stays")
    func supposed() async throws {
        try await House.open(limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let client = tenant.preferences
            func reasons(_ response: Carillon_V1_ExplainDecisionResponse) -> [String] {
                response.decision.channels.map(\.reason)
            }
            #expect(
                reasons(try await Self.suppose("bob", client)) == ["subscribed_by_default", "subscribed_by_default"])
            let out = try await Self.suppose("bob", client) { $0.choices = [Self.off()] }
            #expect(reasons(out) == ["opted_out", "opted_out"])
            let mail = try await Self.suppose("bob", client) { $0.choices = [Self.off(.email)] }
            #expect(reasons(mail) == ["channel_opted_out", "subscribed_by_default"])
            // Ann must be told, and reads that her choice would be kept.
            let ann = try await Self.suppose("ann", client) { $0.choices = [Self.off()] }
            #expect(reasons(ann) == ["mandatory_default_user", "mandatory_default_user"])
            #expect(ann.explanation.contains { $0.contains("your opt-out is kept and ignored") })
            #expect(
                reasons(try await Self.suppose("bob", client)) == ["subscribed_by_default", "subscribed_by_default"])
            // What was chosen can be supposed away.
            _ = try await tenant.choose(.off, "bob", "invoice.created")
            #expect(reasons(try await Self.suppose("bob", client)) == ["opted_out", "opted_out"])
            let back = try await Self.suppose("bob", client) {
                var choice = Self.off()
                choice.choice = .clear
                $0.choices = [choice]
            }
            #expect(reasons(back) == ["subscribed_by_default", "subscribed_by_default"])
            try await failure(.invalidArgument, fields: ["hypothesis.choices[0].notification_type"]) {
                try await Self.suppose("bob", client) {
                    var choice = Self.off()
                    choice.notificationType = "no.such"
                    $0.choices = [choice]
                }
            }
        }
    }

    @Test("what would be at another time")
    func times() async throws {
        try await House.open(limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            var night = Carillon_V1_TimeWindow()
            (night.startMinute, night.endMinute) = (60, 120)
            var request = Carillon_V1_UpdatePreferencesRequest()
            request.userID = "bob"
            request.settings.quietHours = [night]
            _ = try await tenant.preferences.updatePreferences(request)
            let day = house.clock.now.seconds / 86_400 * 86_400
            for (minute, verdict) in [(59, .deliver), (60, .defer), (119, .defer), (120, .deliver)]
                as [(Int64, Carillon_V1_Verdict)]
            {
                let told = try await Self.suppose("bob", tenant.preferences) {
                    $0.decisionTime.seconds = day + minute * 60
                }
                #expect(told.decision.channels.first?.verdict == verdict, "\(minute)")
                if verdict == .defer { #expect(told.decision.channels[0].deliverTime.seconds == day + 120 * 60) }
            }
        }
    }
}
