import CarillonAPI
import CarillonGRPC
import Domain
import Foundation
import SwiftProtobuf
import Testing

@testable import Services

/// Publish for later, and CancelEvent.
@Suite("Events for later")
struct LaterEventServiceTests {
    /// An invoice of which people are told so many seconds from now.
    private static func later(_ house: House, _ key: String, in seconds: Int64) -> Carillon_V1_PublishRequest {
        var request = invoice(key)
        request.deliverTime = Google_Protobuf_Timestamp(house.clock.now.advanced(by: .seconds(seconds)))
        return request
    }

    private static func cancel(key: String) -> Carillon_V1_CancelEventRequest {
        var request = Carillon_V1_CancelEventRequest()
        request.idempotencyKey = key
        return request
    }

    private static func cancel(id: String) -> Carillon_V1_CancelEventRequest {
        var request = Carillon_V1_CancelEventRequest()
        request.eventID = id
        return request
    }

    /// The deliveries of a notification: channel, state and reason of each.
    private static func ways(_ id: String, _ tenant: TestTenant) async throws -> [String] {
        var get = Carillon_V1_GetNotificationRequest()
        get.notificationID = id
        return try await tenant.deliveries.getNotification(get).notification.deliveries.map {
            "\($0.channel) \($0.state) \($0.stateReason)".trimmingCharacters(in: .whitespaces)
        }
    }

    @Test("nobody hears of it before its time, and everybody's answer says when")
    func decisions() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            _ = try await tenant.choose(.off, "bob", "invoice.created")
            let request = Self.later(house, "k1", in: 7_200)
            let response = try await tenant.deliveries.publish(request)
            for recipient in response.recipients.prefix(3) where recipient.userID != "bob" {
                for channel in recipient.channels {
                    #expect(channel.verdict == .defer && channel.reason == "not_yet")
                    #expect(channel.deliverTime == request.deliverTime)
                }
            }
            #expect(response.recipients[1].channels.allSatisfy { $0.reason == "opted_out" })
            #expect(house.signal.count(of: tenant.id) == 1, "the workers look at it")
            #expect(try await tenant.inbox("ann").getCounts(.init()).counts.total == 0)
            let ann = response.recipients[0].notificationID
            #expect(try await Self.ways(ann, tenant) == ["email deferred", "inApp deferred"])
            var get = Carillon_V1_GetNotificationRequest()
            get.notificationID = ann
            let stored = try await tenant.deliveries.getNotification(get).notification
            #expect(stored.deliveries[0].trace.last?.rule == "deliver_time")
            #expect(stored.deliveries[1].messageID.isEmpty && stored.deliveries[1].maskedAddress.isEmpty)
            var explain = Carillon_V1_ExplainDecisionRequest()
            explain.notificationID = ann
            let words = try await tenant.preferences.explainDecision(explain).explanation
            #expect(words.contains { $0.contains("held back by the supplier until") })
            // A check says what holds now for an event of now.
            var check = Carillon_V1_CheckPreferenceRequest()
            check.userID = "ann"
            check.notificationType = "invoice.created"
            #expect(try await tenant.preferences.checkPreference(check).channels.allSatisfy { $0.verdict == .deliver })
        }
    }

    @Test("a time that is past is at once, one too far ahead is refused, and the time belongs to the request")
    func times() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let past = try await tenant.deliveries.publish(Self.later(house, "past", in: -60))
            #expect(past.recipients[0].channels.allSatisfy { $0.verdict == .deliver })
            #expect(try await tenant.inbox("ann").getCounts(.init()).counts.total == 1)
            let year: Int64 = 366 * 86_400
            let far = try await tenant.deliveries.publish(Self.later(house, "far", in: year))
            #expect(far.recipients[0].channels[0].verdict == .defer)
            try await failure(.invalidArgument, "FIELD_INVALID", fields: ["deliver_time"]) {
                try await tenant.deliveries.publish(Self.later(house, "k", in: year + 1))
            }
            var wrong = invoice("k")
            wrong.deliverTime.nanos = -1
            try await failure(.invalidArgument, "FIELD_INVALID", fields: ["deliver_time"]) {
                try await tenant.deliveries.publish(wrong)
            }
            let request = Self.later(house, "k", in: 60)
            _ = try await tenant.deliveries.publish(request)
            #expect(try await tenant.deliveries.publish(request).replayed)
            for other in [Self.later(house, "k", in: 61), invoice("k")] {
                try await failure(.alreadyExists, "IDEMPOTENCY_KEY_REUSED") {
                    try await tenant.deliveries.publish(other)
                }
            }
        }
    }

    @Test("what could not be told later is refused now")
    func rendering() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            var request = Self.later(house, "k", in: 60)
            request.context.removeAll { $0.name == "invoice_number" }
            try await failure(.invalidArgument, "CONTEXT_INVALID", fields: ["context[invoice_number]"]) {
                try await tenant.deliveries.publish(request)
            }
        }
    }

    @Test("trap 13: a cancel right after the event wins, by key and by id, and again")
    func cancelling() async throws {
        try await House.open(loops: 2) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let request = Self.later(house, "k1", in: 5 * 86_400)
            let event = try await tenant.deliveries.publish(request)
            // The key of a later event is known for longer than others.
            house.clock.advance(seconds: 3 * 86_400)
            for cancel in [Self.cancel(key: "k1"), Self.cancel(id: event.eventID), Self.cancel(key: "k1")] {
                let answer = try await tenant.deliveries.cancelEvent(cancel)
                #expect(answer.eventID == event.eventID)
                #expect(answer.cancelledCount == 6 && answer.finishedCount == 0 && answer.underWayCount == 0)
            }
            let ends = ["email cancelled event_cancelled", "inApp cancelled event_cancelled"]
            #expect(try await Self.ways(event.recipients[0].notificationID, tenant) == ends)
            let again = try await tenant.deliveries.publish(request)
            #expect(again.replayed && again.recipients == event.recipients)
            #expect(try await tenant.inbox("ann").getCounts(.init()).counts.total == 0)
        }
    }

    @Test("what was told stays told")
    func toldAlready() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            _ = try await tenant.deliveries.publish(invoice("k1"))
            let answer = try await tenant.deliveries.cancelEvent(Self.cancel(key: "k1"))
            #expect(answer.cancelledCount == 3 && answer.finishedCount == 3 && answer.underWayCount == 0)
            #expect(try await tenant.inbox("ann").getCounts(.init()).counts.total == 1)
        }
    }

    @Test("only events that there are, and only the tenant's own")
    func refusals() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            let stranger = try await house.tenant()
            try await tenant.people()
            let event = try await tenant.deliveries.publish(Self.later(house, "k1", in: 60))
            for cancel in [Self.cancel(key: "k1"), Self.cancel(id: event.eventID)] {
                try await failure(.notFound, "EVENT_NOT_FOUND") { try await stranger.deliveries.cancelEvent(cancel) }
            }
            try await failure(.notFound, "EVENT_NOT_FOUND") {
                try await tenant.deliveries.cancelEvent(Self.cancel(key: "k2"))
            }
            for (cancel, field) in [
                (Carillon_V1_CancelEventRequest(), "event"), (Self.cancel(id: "x"), "event_id"),
                (Self.cancel(key: ""), "idempotency_key"), (Self.cancel(key: "a b"), "idempotency_key"),
            ] {
                try await failure(.invalidArgument, "FIELD_INVALID", fields: [field]) {
                    try await tenant.deliveries.cancelEvent(cancel)
                }
            }
            #expect(try await tenant.deliveries.cancelEvent(Self.cancel(key: "k1")).cancelledCount == 6)
        }
    }
}
