import Domain
import Storage
import Support
import Testing

@testable import Delivery

/// Events of which people are told later, from the queue to the relay and the inbox; and such as are called off meanwhile.
@Suite struct LaterEventTests {
    private struct Later {
        let email: DeliveryID
        let inbox: DeliveryID
        let event: EventID
    }

    /// Publishes an invoice that the user is told of by mail and in the inbox after a time, as Services do.
    private func publish(_ stage: Stage, in delay: Duration, number: String = "INV-1") async throws -> Later {
        let plain = stage.item(Stage.Letter(number: number))
        let time = stage.clock.now.advanced(by: delay)
        let event = NewEvent(
            id: plain.event.id, type: plain.event.type, account: plain.event.account, object: plain.event.object,
            context: plain.event.context, publishedBy: "key/test", occurredAt: stage.clock.now, notBefore: time)
        let notification = NotificationID(stage.id())
        let waiting = ChannelDecision(.defer(until: time), .notYet)
        let type = try #require(Catalog.builtIn[event.type])
        let deliveries = [Channel.email, .inApp].map { channel in
            NewDelivery(
                channel: channel, decision: waiting, messageID: channel == .email ? "\(notification).email@x" : nil,
                expiresAt: TimeToLive.expiry(of: type, on: channel, due: time))
        }
        let item = PublishItem(
            idempotencyKey: number, bodyHash: [1], keyExpiresAt: time, pins: [], event: event,
            notifications: [
                NewNotification(
                    id: notification, recipient: .user(Stage.user), audience: .customer, reason: .subscribedByDefault,
                    trace: plain.notifications[0].trace, deliveries: deliveries)
            ], response: [])
        guard case .stored? = try await stage.store.publish([item], now: stage.clock.now).outcomes.first else {
            throw StorageError(.corrupt, "not stored")
        }
        return Later(
            email: DeliveryID(notification: notification, channel: .email),
            inbox: DeliveryID(notification: notification, channel: .inApp), event: event.id)
    }

    private func states(_ later: Later, _ stage: Stage) async throws -> [String] {
        let record = try #require(try await stage.store.notification(later.email.notification))
        return record.deliveries.map { $0.state.rawValue + ($0.stateReason.map { " \($0)" } ?? "") }
    }

    /// A week later, which is longer than mail is worth sending: its life begins at the event's time.
    @Test func mailAndInboxTellOfItAtItsTime() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp()
            try await stage.putRelay(port: relay.port)
            let later = try await publish(stage, in: .seconds(7 * 86_400))
            let now = try await stage.publish(number: "INV-2")
            let worker = await stage.worker()
            try await stage.eventually("what is due is sent") { try await stage.state(now) == "delivered" }
            #expect(try await states(later, stage) == ["deferred", "deferred"])
            #expect(try await stage.store.inbox(of: Stage.user, size: 10).counters == .none)

            stage.clock.advance(by: .seconds(7 * 86_400))
            try await stage.eventually("its time has come") {
                try await states(later, stage) == ["delivered", "delivered"]
            }
            let inbox = try await stage.store.inbox(of: Stage.user, size: 10)
            #expect(inbox.counters == InboxCounters(lastSequence: 1, total: 1, unread: 1, unseen: 1))
            let item = try #require(inbox.page.elements.first)
            #expect(item.notification == later.inbox.notification && item.createdAt == stage.clock.now)
            #expect(item.title.contains("INV-1") && item.body.contains("1,234.56"))
            #expect(item.link == "https://portal.northwind.example/app/invoices/i-1")
            #expect(await relay.events("message", count: 2).count == 2)
            // Whoever watches the inbox is told by this.
            let heard = stage.log.all.compactMap { event -> UserID? in
                guard case .recorded(_, let result) = event else { return nil }
                return result.arrival?.user
            }
            #expect(heard == [Stage.user])
            await worker.drain(grace: .seconds(5))
        }
    }

    @Test func theFactsOfThenCount() async throws {
        try await onStage { stage in
            try await stage.putRelay(port: 25)
            let later = try await publish(stage, in: .seconds(3_600))
            _ = try await stage.store.upsertUser(
                UserWrite(id: Stage.user, account: Stage.account, status: .disabled), stamp: stage.stamp(),
                now: stage.clock.now)
            let worker = await stage.worker()
            stage.clock.advance(by: .seconds(3_600))
            try await stage.eventually("both are decided again") {
                try await states(later, stage) == ["suppressed recipient_inactive", "suppressed recipient_inactive"]
            }
            #expect(try await stage.store.inbox(of: Stage.user, size: 10).counters == .none)
            await worker.drain(grace: .seconds(5))
        }
    }

    private func look(_ stage: Stage, _ id: DeliveryID, at now: Instant) async throws -> SecondLook.Answer {
        let work = try #require(try await stage.store.work([id]).first)
        let tenant = try #require(try await stage.registry.tenant(stage.store.tenant))
        let facts = try await stage.store.facts(of: [Stage.account, nil], .utc)
        return SecondLook(catalog: .builtIn, tenant: tenant, facts: facts, now: now).look(at: work)
    }

    /// Who wants a digest by then gets it in the one whose window holds the event's time, not at once because the event is old.
    @Test func aDigestCountsFromTheEventsTime() async throws {
        try await onStage { stage in
            try await stage.putRelay(port: 25)
            let later = try await publish(stage, in: .seconds(3 * 86_400))
            var personal = PersonalChange()
            personal.cadences = [.init(audience: .customer, scope: .all, cadence: .daily)]
            _ = try await stage.store.updatePreferences(
                of: Stage.user, [], personal, stamp: stage.stamp(), .at(stage.clock.now))
            let time = stage.clock.now.advanced(by: .seconds(3 * 86_400))
            let closes = Schedule.standard.digestWindow(.daily, at: time).closes
            let gathered = SecondLook.Answer.settle(.postponed(until: closes, digestOf: Stage.user))
            #expect(try await look(stage, later.email, at: time) == gathered)
            let reader = SecondLook.Reader(id: Stage.user, name: "Ann Example")
            #expect(try await look(stage, later.inbox, at: time) == .place(reader))
            // Before its time it waits, on whichever way it came to be looked at.
            let early = time.advanced(by: .seconds(-1))
            #expect(try await look(stage, later.inbox, at: early) == .settle(.postponed(until: time)))
        }
    }

    @Test func whatWasCalledOffIsNotSentAndItsRecordIsTrue() async throws {
        try await onStage { stage in
            try await stage.putRelay(port: 25)
            let later = try await publish(stage, in: .seconds(3_600))
            let due = stage.clock.now.advanced(by: .seconds(3_600))
            #expect(try await stage.store.takeOverQueue(fence: 1))
            #expect(try await stage.store.claim(fence: 1, now: due, limit: 9).deliveries.count == 2)
            #expect(try await stage.store.callOff(.id(later.event), now: due)?.underWay == 2)
            // Neither expiry nor any rule comes before it.
            for moment in [due, due.advanced(by: .seconds(30 * 86_400))] {
                for id in [later.email, later.inbox] {
                    #expect(try await look(stage, id, at: moment) == .settle(.cancelled("event_cancelled")))
                }
            }
            // The worker that had them is lost; its mail may have gone out.
            #expect(try await stage.store.takeOverQueue(fence: 2))
            _ = try await stage.store.claim(fence: 2, now: due, limit: 9)
            #expect(try await look(stage, later.email, at: due) == .settle(.outcomeUnknown))
            #expect(try await look(stage, later.inbox, at: due) == .settle(.cancelled("event_cancelled")))
        }
    }

    /// A mail that failed for the moment is not tried again after the cancel, and ends soon.
    @Test func whatWaitsToBeTriedAgainIsCalledOff() async throws {
        try await onStage { stage in
            let relay = try await TestServer.smtp(rules: #"[{"at": "rcpt", "do": ["451 4.3.0 Not now"]}]"#)
            try await stage.putRelay(port: relay.port)
            let later = try await publish(stage, in: .seconds(60))
            let worker = await stage.worker(randomness: 0.9)
            stage.clock.advance(by: .seconds(60))
            try await stage.eventually("an attempt has failed") { try await !stage.attempts(later.email).isEmpty }
            try await stage.eventually("the inbox has it") { try await states(later, stage)[1] == "delivered" }
            let off = try #require(try await stage.store.callOff(.id(later.event), now: stage.clock.now))
            #expect(off == CalledOff(event: later.event, cancelled: 1, finished: 1, underWay: 0))
            #expect(try await states(later, stage) == ["cancelled event_cancelled", "delivered"])
            stage.clock.advance(by: .seconds(86_400))
            let other = try await publish(stage, in: .seconds(0), number: "INV-2")
            try await stage.eventually("the worker goes on") { try await states(other, stage)[1] == "delivered" }
            #expect(try await stage.attempts(later.email).count == 1)
            await worker.drain(grace: .seconds(5))
        }
    }
}
