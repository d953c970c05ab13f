import Domain
import Postgres
import Testing

@testable import Storage

/// Events that are called off. Trap 13: a cancel wins by key over what was published before it, in one transaction, and never half.
@Suite struct CallOffTests {
    private static let users = [PublishScene.ann, PublishScene.bob]

    /// An event that both users are told of in an hour, in their inboxes too.
    private func later(_ scene: PublishScene, _ key: String, users: [UserID] = users) -> PublishItem {
        let time = scene.fixture.now.adding(seconds: 3_600)
        let plain = scene.item(key: key)
        let event = NewEvent(
            id: plain.event.id, type: plain.event.type, account: plain.event.account, publishedBy: "key/k",
            occurredAt: scene.fixture.now, notBefore: time)
        let notifications = users.map { user in
            NewNotification(
                id: NotificationID(scene.fixture.id()), recipient: .user(user), audience: .customer,
                reason: .subscribedByDefault, trace: PublishScene.trace,
                deliveries: [
                    NewDelivery(
                        channel: .email, decision: ChannelDecision(.defer(until: time), .notYet), messageID: "<m@x>"),
                    NewDelivery(channel: .inApp, decision: ChannelDecision(.defer(until: time), .notYet)),
                    NewDelivery(channel: .sms, decision: .suppressed(.noAddress)),
                ])
        }
        return PublishItem(
            idempotencyKey: key, bodyHash: [1], keyExpiresAt: time.adding(seconds: 86_400), pins: [scene.pin],
            event: event,
            notifications: notifications, response: Array(key.utf8))
    }

    private func email(_ item: PublishItem, of place: Int = 0) -> DeliveryID {
        DeliveryID(notification: item.notifications[place].id, channel: .email)
    }

    /// The states of an event's deliveries, each with its reason, in the order of users and channels.
    private func states(_ item: PublishItem, _ scene: PublishScene) async throws -> [String] {
        try await item.notifications.asyncMap { notification in
            try #require(try await scene.tenant.notification(notification.id)).deliveries.map { delivery in
                delivery.state.rawValue + (delivery.stateReason.map { " \($0)" } ?? "")
            }
        }.flatMap(\.self)
    }

    @Test func trap13WhatWasPublishedBeforeIsCalledOffAsAWhole() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let (item, other) = (later(scene, "k"), later(scene, "other"))
            _ = try await scene.tenant.publish([item, other], now: fixture.now)
            #expect(try await scene.rows()["inbox_item"] == 0)
            let expected = CalledOff(event: item.event.id, cancelled: 4, finished: 0, underWay: 0)
            #expect(try await scene.tenant.callOff(.key("k"), now: fixture.now) == expected)
            let ends =
                ["cancelled event_cancelled", "cancelled event_cancelled"]
                + ["suppressed address_suppressed:no_address"]
            #expect(try await states(item, scene) == ends + ends)
            #expect(try await states(other, scene).allSatisfy { !$0.hasPrefix("cancelled") })
            #expect(try await scene.rows()["queue"] == 4)
            // By another name and once more it is the same, and a repeat of the event has its old answer.
            for _ in 0..<2 {
                #expect(try await scene.tenant.callOff(.id(item.event.id), now: fixture.now) == expected)
            }
            let again = try await scene.tenant.publish([later(scene, "k")], now: fixture.now)
            guard case .replay(item.event.id, _)? = again.outcomes.first else {
                Issue.record("\(again.outcomes)")
                return
            }
            #expect(try await scene.rows()["queue"] == 4)
        }
    }

    @Test func onlyWhatThereIsCanBeCalledOff() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let stranger = try await PublishScene(fixture)
            let item = later(scene, "k")
            #expect(try await scene.tenant.callOff(.key("k"), now: fixture.now) == nil)
            _ = try await scene.tenant.publish([item], now: fixture.now)
            #expect(try await stranger.tenant.callOff(.key("k"), now: fixture.now) == nil)
            #expect(try await stranger.tenant.callOff(.id(item.event.id), now: fixture.now) == nil)
            // A key that is forgotten names nothing, whether or not its row is still there.
            #expect(try await scene.tenant.callOff(.key("k"), now: item.keyExpiresAt) == nil)
            #expect(try await states(item, scene).filter { $0 == "deferred" }.count == 4)
        }
    }

    /// What is being sent is not called off, and not said to be; what came of it is recorded, and it is not tried again.
    @Test func whatAWorkerHasIsUnderWay() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let item = later(scene, "k")
            _ = try await scene.tenant.publish([item], now: fixture.now)
            _ = try await scene.tenant.takeOverQueue(fence: 1)
            let due = fixture.now.adding(seconds: 3_600)
            let claim = try await scene.tenant.claim(fence: 1, now: due, limit: 3)
            #expect(claim.deliveries.count == 3)
            #expect(try await scene.tenant.work(claim.deliveries).allSatisfy { $0.calledOff == nil })
            let off = CalledOff(event: item.event.id, cancelled: 1, finished: 0, underWay: 3)
            #expect(try await scene.tenant.callOff(.key("k"), now: due) == off)
            #expect(try await scene.tenant.work(claim.deliveries).map(\.calledOff) == [.unsent, .unsent, .unsent])

            // One is sent, one fails for the moment, one is given back.
            let words: [DeliveryResult.Resolution] = [.delivered, .retry(at: due.adding(seconds: 600)), .released]
            let outcomes = try await scene.tenant.finish(
                zip(claim.deliveries, words).map { DeliveryResult($0, $1) }, fence: 1, now: due)
            #expect(outcomes == [.recorded, .recorded, .recorded])
            // What would be tried again is taken up at once, to be ended.
            let rest = try await scene.tenant.claim(fence: 1, now: due, limit: 10)
            #expect(Set(rest.deliveries) == Set(claim.deliveries.dropFirst()))
            #expect(try await scene.tenant.work(rest.deliveries).map(\.calledOff) == [.unsent, .unsent])
            _ = try await scene.tenant.finish(
                rest.deliveries.map { DeliveryResult($0, .cancelled(CalledOff.reason)) }, fence: 1, now: due)
            let end = CalledOff(event: item.event.id, cancelled: 3, finished: 1, underWay: 0)
            #expect(try await scene.tenant.callOff(.key("k"), now: due) == end)
            #expect(try await scene.rows()["queue"] == 0)
        }
    }

    /// Whether a lost worker sent it nobody knows, nor what became of an attempt without an answer.
    @Test func whatMayHaveBeenSentIsNotSaidToBeCancelled() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let items = ["answered", "unanswered", "lost"].map { later(scene, $0, users: [PublishScene.ann]) }
            _ = try await scene.tenant.publish(items, now: fixture.now)
            _ = try await scene.tenant.takeOverQueue(fence: 1)
            let due = fixture.now.adding(seconds: 3_600)
            _ = try await scene.tenant.claim(fence: 1, now: due, limit: 10)
            func word(_ item: PublishItem, _ outcome: AttemptOutcome) -> DeliveryResult {
                DeliveryResult(
                    email(item), .retry(at: due),
                    attempt: NewAttempt(provider: nil, outcome: outcome, startedAt: due, finishedAt: due))
            }
            _ = try await scene.tenant.finish(
                [word(items[0], .temporaryFailure), word(items[1], .unknown)], fence: 1, now: due)
            for (item, state) in zip(items, ["cancelled event_cancelled", "outcome_unknown"]) {
                _ = try await scene.tenant.callOff(.id(item.event.id), now: due)
                #expect(try await states(item, scene)[0] == state)
            }
            // The worker of the third is lost; another one comes, and learns that.
            _ = try await scene.tenant.callOff(.key("lost"), now: due)
            _ = try await scene.tenant.takeOverQueue(fence: 2)
            let found = try await scene.tenant.claim(fence: 2, now: due, limit: 10).deliveries
            #expect(found.contains(email(items[2])))
            let inbox = DeliveryID(notification: items[2].notifications[0].id, channel: .inApp)
            let work = try await scene.tenant.work([email(items[2]), inbox])
            #expect(work.map(\.calledOff) == [.perhapsSent, .unsent], "an inbox knows what came into it")
        }
    }

    /// Whoever calls off while the event is being published finds nothing or all of it.
    @Test func aCancelThatComesWithItsEventIsNeverHalf() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let people = Array(repeating: PublishScene.ann, count: 20)
            let desk = fixture.another(scene.tenant)
            var both: [Bool] = []
            for number in 0..<60 {
                let item = later(scene, "k\(number)", users: people)
                async let published = scene.tenant.publish([item], now: fixture.now)
                async let calledOff = desk.callOff(.key("k\(number)"), now: fixture.now)
                let (result, answer) = try await (published, calledOff)
                #expect(result.outcomes.map(\.word) == ["stored"])
                let cancelled = try await states(item, scene).filter { $0.hasPrefix("cancelled") }.count
                #expect(cancelled == (answer == nil ? 0 : 40))
                #expect(answer.map { $0.cancelled == 40 && $0.underWay == 0 } ?? true)
                both.append(answer != nil)
            }
            print("cancels that came second: \(both.count { $0 }) of \(both.count)")
        }
    }

    /// A claim and a cancel that meet share the rows among themselves: each is either claimed and under way, or called off.
    @Test func aCancelThatMeetsAClaimSharesTheRowsWithIt() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let desk = fixture.another(scene.tenant)
            _ = try await scene.tenant.takeOverQueue(fence: 1)
            let due = fixture.now.adding(seconds: 3_600)
            for number in 0..<40 {
                let item = later(scene, "k\(number)", users: Array(repeating: PublishScene.ann, count: 8))
                _ = try await scene.tenant.publish([item], now: fixture.now)
                async let claimed = scene.tenant.claim(fence: 1, now: due, limit: 6)
                async let calledOff = desk.callOff(.key("k\(number)"), now: due)
                let (claim, answer) = try await (claimed, try #require(try await calledOff))
                #expect(answer.cancelled + answer.underWay == 16)
                #expect(answer.underWay <= claim.deliveries.count)
                let work = try await scene.tenant.work(claim.deliveries)
                #expect(work.count == claim.deliveries.count)
                // A claim behind the cancel finds nothing that was called off.
                let marked = work.count { $0.calledOff == .unsent }
                #expect(marked == answer.underWay)
                #expect(claim.deliveries.count == answer.underWay)
                _ = try await scene.tenant.finish(
                    claim.deliveries.map { DeliveryResult($0, .delivered) }, fence: 1, now: due)
            }
        }
    }
}
