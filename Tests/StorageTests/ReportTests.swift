import Domain
import Postgres
import Testing

@testable import Storage

/// Messages that providers report something of.
@Suite struct ReportTests {
    /// Events whose mails were handed over, each with an end of its own.
    private func sent(
        _ scene: PublishScene, _ ends: [DeliveryResult.Resolution]
    ) async throws -> [DeliveryID] {
        let items = ends.indices.map { scene.item(key: "k\($0)") }
        _ = try await scene.tenant.takeOverQueue(fence: 1)
        _ = try await scene.tenant.publish(items, fence: 1, now: scene.fixture.now)
        let ids = items.map { DeliveryID(notification: $0.notifications[0].id, channel: .email) }
        _ = try await scene.tenant.finish(
            zip(ids, ends).map { DeliveryResult($0, $1) }, fence: 1, now: scene.fixture.now)
        return ids
    }

    private func state(_ id: DeliveryID, in tenant: TenantStore) async throws -> String {
        let delivery = try await tenant.notification(id.notification)?.deliveries.first { $0.channel == id.channel }
        return "\(delivery?.state.rawValue ?? "") \(delivery?.stateReason ?? "")"
    }

    @Test func aMessageIsFoundWithAllAddressesThatItMayHaveGoneTo() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let id = try await sent(scene, [.delivered])[0]
            for addresses in [["old@acme.example"], ["a@acme.example", "b@acme.example"]] {
                let points = addresses.map { ContactPoint(channel: .email, address: $0) }
                _ = try await scene.tenant.upsertUser(
                    UserWrite(
                        id: PublishScene.ann, account: PublishScene.acme,
                        contactPoints: points + [ContactPoint(channel: .sms, address: "+4930123456")]),
                    stamp: fixture.stamp(), now: fixture.now)
            }
            let unknown = DeliveryID(notification: NotificationID(fixture.id()), channel: .email)
            let inbox = DeliveryID(notification: id.notification, channel: .inApp)
            let found = try await scene.tenant.reportedMessages([id, unknown, inbox])
            #expect(Array(found.keys) == [id], "what lies in an inbox was handed to nobody")
            let message = try #require(found[id])
            #expect(message.messageID == "<m@x>" && message.maskedAddress == "a…@acme.example")
            #expect(message.state == .delivered)
            #expect(
                message.addresses == ["a@acme.example", "b@acme.example"],
                "what was given up without a blemish is forgotten")
            let another = try await fixture.tenant()
            #expect(try await another.reportedMessages([id]).isEmpty)
        }
    }

    @Test func onlyAnUnknownOutcomeIsSettled() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let ends: [DeliveryResult.Resolution] = [
                .outcomeUnknown, .outcomeUnknown, .delivered, .failed("address_rejected"),
            ]
            let ids = try await sent(scene, ends)
            let outcomes: [DeliveryID: String?] = [
                ids[0]: nil, ids[1]: "hard_bounce", ids[2]: "hard_bounce", ids[3]: nil,
            ]
            let later = fixture.now.adding(seconds: 9)
            #expect(try await scene.tenant.settleUnknown(outcomes, now: later) == [ids[0], ids[1]])
            var states: [String] = []
            for id in ids { states.append(try await state(id, in: scene.tenant)) }
            #expect(states == ["delivered ", "failed hard_bounce", "delivered ", "failed address_rejected"])
            #expect(try await scene.tenant.settleUnknown(outcomes, now: later).isEmpty, "once")
            #expect(try await scene.tenant.settleUnknown([:], now: later).isEmpty)
        }
    }

    /// A digest that was handed over and may have arrived: its first delivery, and what else was in it.
    ///
    /// - Parameter first: how the first delivery ended.
    private func digest(
        _ scene: PublishScene, _ first: DeliveryResult.Resolution
    ) async throws -> (ids: [DeliveryID], name: String) {
        let (fixture, tenant) = (scene.fixture, scene.tenant)
        try await fixture.administration.ensureMonths(tenant: tenant.tenant, now: fixture.now)
        let published = [fixture.now, fixture.now.adding(seconds: 20 * 86_400)]
        _ = try await tenant.takeOverQueue(fence: 1)
        var ids: [DeliveryID] = []
        for (month, now) in published.enumerated() {
            // The last ones are published in another month than the first.
            fixture.now = now
            let items = (0..<3).map { scene.item(key: "\(month)-\($0)") }
            _ = try await tenant.publish(items, now: now)
            ids += items.map { DeliveryID(notification: $0.notifications[0].id, channel: .email) }
        }
        _ = try await tenant.claim(fence: 1, now: fixture.now, limit: 100)
        let name = "\(ids[0].notification).email@portal.example"
        func attempt(_ outcome: AttemptOutcome) -> NewAttempt {
            NewAttempt(provider: nil, outcome: outcome, startedAt: fixture.now, finishedAt: fixture.now)
        }
        let words =
            [DeliveryResult(ids[0], first, attempt: attempt(.unknown), digest: name)]
            + ids[1...].map { DeliveryResult($0, .outcomeUnknown, attempt: attempt(.unknown), digest: name) }
        // One of them came to another end, one went out by itself, and of one the event was called off before a last try.
        var last = words
        last[2] = DeliveryResult(ids[2], .delivered, attempt: attempt(.accepted), digest: name)
        last[3] = DeliveryResult(ids[3], .outcomeUnknown, attempt: attempt(.unknown))
        last[4] = DeliveryResult(ids[4], .retry(at: fixture.now), attempt: attempt(.unknown), digest: name)
        _ = try await tenant.finish(last, fence: 1, now: fixture.now)
        _ = try await tenant.claim(fence: 1, now: fixture.now, limit: 100)
        _ = try await tenant.finish([DeliveryResult(ids[4], .outcomeUnknown)], fence: 1, now: fixture.now)
        return (ids, name)
    }

    private func states(_ ids: [DeliveryID], _ scene: PublishScene) async throws -> [String] {
        var states: [String] = []
        for id in ids { states.append(try await state(id, in: scene.tenant)) }
        return states
    }

    @Test func whatBecameOfADigestBecameOfAllThatWasInIt() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let (ids, name) = try await digest(scene, .outcomeUnknown)
            let later = fixture.now.adding(seconds: 9)
            #expect(try await scene.tenant.settleUnknown([ids[0]: nil], now: later) == [ids[0]])
            let whole = "delivered digested"
            #expect(try await states(ids, scene) == [whole, whole, whole, "outcome_unknown ", "delivered ", whole])
            let stored = try #require(try await scene.tenant.notification(ids[5].notification)).deliveries[0]
            #expect(stored.messageID == name && stored.updatedAt == later)
            #expect(try await scene.tenant.settleUnknown([ids[0]: nil], now: later).isEmpty, "once")
        }
    }

    /// The first one lends its name, and may have come to another end before the rest went out.
    @Test func aDigestIsSettledByTheNameOfOneThatDroppedOut() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let (ids, name) = try await digest(scene, .cancelled(CalledOff.reason))
            let later = fixture.now.adding(seconds: 9)
            #expect(try await scene.tenant.settleUnknown([ids[0]: "hard_bounce"], now: later) == [ids[0]])
            let bounced = "failed hard_bounce"
            #expect(
                try await states(ids, scene) == [
                    "cancelled event_cancelled", bounced, "delivered digested", "outcome_unknown ", bounced, bounced,
                ])
            let stored = try #require(try await scene.tenant.notification(ids[5].notification)).deliveries[0]
            #expect(stored.messageID == name, "it says which digest it was in")
            #expect(try await scene.tenant.settleUnknown([ids[0]: "hard_bounce"], now: later).isEmpty)
        }
    }
}
