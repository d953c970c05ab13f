import CarillonAPI
import CarillonGRPC
import Domain
import Foundation
import Support
import SwiftProtobuf
import Testing

@testable import Services
@testable import Storage

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

    // MARK: Whoever had to be told is gone

    /// Ends the deliveries of a notification as a worker's second look does, and tells the services of each.
    private static func end(
        _ notification: String, _ tenant: TestTenant, _ ends: (Channel) -> DeliveryResult.Resolution
    ) async throws {
        let store = try await tenant.house.onLoop { state in
            try #require(try await state.scope(named: TenantID(unchecked: tenant.id))).store
        }
        let id = try #require(NotificationID(notification))
        let now = tenant.house.clock.now
        let words = [Channel.email, .inApp].map { DeliveryResult(DeliveryID(notification: id, channel: $0), ends($0)) }
        _ = try await tenant.house.onLoop { _ in
            _ = try await store.takeOverQueue(fence: 1)
            _ = try await store.claim(fence: 1, now: now, limit: 100)
            return try await store.finish(words, fence: 1, now: now)
        }
        for word in words { tenant.house.services.tell(ofUnreached: word.id, of: store.tenant) }
    }

    /// The events that tell of unreachable contacts, as stored.
    private static func raised(_ tenant: TestTenant) async throws -> [String] {
        let database = try await TestDatabase.shared()
        return try database.cluster.execute(
            """
            SELECT object || ' ' || source_event_id || ' ' || context::text FROM t_\(tenant.id).event
            WHERE type_key = 'account.default_contact_unreachable' ORDER BY event_id
            """, database: database.name
        ).map { $0[0] ?? "" }
    }

    private static func leave(_ user: String, _ tenant: TestTenant) async throws {
        var request = Carillon_V1_UpsertUserRequest()
        request.user.userID = user
        request.user.accountID = "acme"
        request.user.state = .disabled
        request.updateMask.paths = ["state"]
        _ = try await tenant.accounts.upsertUser(request)
    }

    @Test("when the one who had to be told is gone by then, and nobody else is told, the supplier's people are, once")
    func gone() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            for user in ["bob", "cid"] { _ = try await tenant.choose(.off, user, "invoice.created") }
            let later = try await tenant.deliveries.publish(Self.later(house, "k1", in: 600))
            let heard = try await tenant.deliveries.publish(Self.later(house, "k2", in: 600))
            #expect(later.recipients[0].userID == "ann")
            // Who wants to hear of it now was not among those who were to be told.
            _ = try await tenant.choose(.on, "bob", "invoice.created")
            try await Self.leave("ann", tenant)
            house.clock.advance(seconds: 600)
            let inactive = DeliveryResult.Resolution.suppressed(.recipientInactive)
            // Of one event she has found something in her inbox, before she left.
            try await Self.end(heard.recipients[0].notificationID, tenant) { $0 == .inApp ? .delivered : inactive }
            for _ in 0..<2 { try await Self.end(later.recipients[0].notificationID, tenant) { _ in inactive } }
            // The supplier's people are no customers: what they were to hear changes nothing.
            let rita = try #require(later.recipients.first { $0.userID == "rita" })
            try await Self.end(rita.notificationID, tenant) { _ in inactive }
            let told = "Default contact of Customer acme cannot be reached"
            try await Self.settled(tenant)
            let raised = try await Self.raised(tenant)
            #expect(raised.count == 1)
            #expect(raised.first?.hasPrefix("invoice/INV-1 \(later.eventID) ") == true)
            #expect(raised.first?.contains("recipient_inactive") == true)
            #expect(raised.first?.contains("ann@example.com") == true)
            #expect(try await tenant.inbox("rita").listInbox(.init()).items.count { $0.title == told } == 1)
        }
    }

    @Test("nobody is told of who need not have been told, or of what nobody must hear any more")
    func notOwed() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let first = try await tenant.deliveries.publish(Self.later(house, "k1", in: 600))
            var account = Carillon_V1_UpsertAccountRequest()
            account.account.accountID = "acme"
            account.account.notificationsSuppressed = true
            account.updateMask.paths = ["notifications_suppressed"]
            house.clock.advance(seconds: 600)
            let inactive = DeliveryResult.Resolution.suppressed(.recipientInactive)
            // Bob wanted to hear, and ann has to: she is still to be told.
            let bob = try #require(first.recipients.first { $0.userID == "bob" })
            try await Self.end(bob.notificationID, tenant) { _ in inactive }
            try await Self.settled(tenant)
            #expect(try await Self.raised(tenant).isEmpty)
            let cid = try #require(first.recipients.first { $0.userID == "cid" })
            try await Self.end(cid.notificationID, tenant) { _ in inactive }
            // The account hears of nothing, so she would not have either.
            _ = try await tenant.accounts.upsertAccount(account)
            try await Self.leave("ann", tenant)
            try await Self.end(first.recipients[0].notificationID, tenant) { _ in inactive }
            try await Self.settled(tenant, "Second")
            #expect(try await Self.raised(tenant).isEmpty)
            // It hears again. Nobody had to tell Bob, who could not be told either.
            account.account.notificationsSuppressed = false
            _ = try await tenant.accounts.upsertAccount(account)
            try await Self.end(bob.notificationID, tenant) { _ in inactive }
            try await Self.settled(tenant, "Third")
            #expect(try await Self.raised(tenant).isEmpty)
        }
    }

    /// Returns when the desk has done what it was given: it does one thing after the other, and of an address it tells last.
    private static func settled(_ tenant: TestTenant, _ name: String = "Last") async throws {
        let account = ConcernedAccount(
            address: Address(.email, "\(name)@example.com"), state: .hardBounced, since: tenant.house.clock.now,
            account: AccountID(unchecked: "other"), name: name)
        tenant.house.services.tell(of: [account], of: TenantID(unchecked: tenant.id))
        let title = "Contact email address bounced: \(name)"
        while try await !tenant.inbox("rita").listInbox(.init()).items.contains(where: { $0.title == title }) {
            await Task.yield()
        }
    }
}
