import Domain
import Postgres
import Testing

@testable import Storage

@Suite struct PublishTests {
    @Test func aRaisedEventIsStoredWithTheOneThatRaisesItOrNotAtAll() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            func raising(_ key: String, body: UInt8 = 1, pins: [FactsPin]? = nil) -> PublishItem {
                let item = scene.item(key: key, body: body, pins: pins)
                let other = scene.item(
                    key: "", users: [PublishScene.bob], title: "Unreachable",
                    type: TypeKey(unchecked: "account.default_contact_unreachable"))
                return PublishItem(
                    idempotencyKey: item.idempotencyKey, bodyHash: item.bodyHash, keyExpiresAt: item.keyExpiresAt,
                    pins: item.pins, event: item.event, notifications: item.notifications,
                    raised: [RaisedEvent(event: other.event, notifications: other.notifications)],
                    response: item.response)
            }
            let stale = FactsPin(account: PublishScene.acme, version: scene.pin.version + 1)
            let item = raising("k2")
            let result = try await scene.tenant.publish(
                [scene.item(key: "k1"), item, raising("k3", pins: [stale])], now: fixture.now)
            #expect(result.outcomes.map(\.word) == ["stored", "stored", "stale"])
            let rows: [String: Int64] = [
                "idempotency": 2, "event": 3, "notification": 3, "delivery": 9, "queue": 3, "inbox_item": 3,
                "inbox_counter": 2,
            ]
            #expect(try await scene.rows() == rows)
            #expect(result.arrivals.map(\.user) == [PublishScene.ann, PublishScene.ann, PublishScene.bob])
            let raised = try #require(item.raised.first)
            let stored = try #require(try await scene.tenant.notification(raised.notifications[0].id))
            #expect(stored.event == raised.event.id)
            #expect(stored.type == raised.event.type)
            let first = try #require(try await scene.tenant.notification(item.notifications[0].id))
            #expect(first.event == item.event.id && first.type == PublishScene.type)

            let again = try await scene.tenant.publish([raising("k2"), raising("k1", body: 2)], now: fixture.now)
            #expect(again.outcomes.map(\.word) == ["replay", "conflict"])
            #expect(try await scene.rows() == rows)
        }
    }

    @Test func anEventIsStoredWithAllThatFollows() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let item = scene.item(key: "k1", users: [PublishScene.ann, PublishScene.bob], object: "invoice/INV-1")
            let result = try await scene.tenant.publish([item], now: fixture.now)
            #expect(result.outcomes.map(\.word) == ["stored"])
            #expect(result.leased.isEmpty)
            #expect(result.arrivals.map(\.user) == [PublishScene.ann, PublishScene.bob])
            #expect(result.arrivals.map(\.sequence) == [1, 1])
            let one = InboxCounters(lastSequence: 1, total: 1, unread: 1, unseen: 1)
            #expect(result.counters == [PublishScene.ann: one, PublishScene.bob: one])
            #expect(
                try await scene.rows() == [
                    "idempotency": 1, "event": 1, "notification": 2, "delivery": 6, "queue": 2, "inbox_item": 2,
                    "inbox_counter": 2,
                ])
            let stored = try #require(try await scene.tenant.notification(item.notifications[0].id))
            #expect(stored.event == item.event.id)
            #expect(stored.recipient == .user(PublishScene.ann))
            #expect(stored.object == "invoice/INV-1")
            #expect(stored.trace == PublishScene.trace)
            #expect(stored.reason == .subscribedByDefault)
            #expect(stored.deliveries.map(\.channel) == [.email, .inApp, .sms])
            #expect(stored.deliveries.map(\.state) == [.pending, .delivered, .suppressed])
            #expect(stored.deliveries.map(\.verdict) == [.deliver, .deliver, .suppress])
            #expect(stored.deliveries[2].reason == .noAddress)
            #expect(stored.deliveries[0].messageID == "<m@x>")
            #expect(stored.deliveries[0].progress?.dueAt == fixture.now)
            #expect(stored.deliveries[1].progress == nil)
            #expect(stored.state == .pending)
        }
    }

    @Test func aRepeatGetsTheStoredAnswerAndAnotherBodyAConflict() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let first = scene.item(key: "k1")
            _ = try await scene.tenant.publish([first], now: fixture.now)
            let rows = try await scene.rows()

            // The facts have changed meanwhile: a repeat is a repeat all the same.
            _ = try await scene.tenant.setDefaultUser(
                of: PublishScene.acme, to: PublishScene.ann, stamp: fixture.stamp(), now: fixture.now)
            let again = try await scene.tenant.publish([scene.item(key: "k1")], now: fixture.now)
            guard case .replay(let event, let response) = again.outcomes[0] else {
                Issue.record("\(again.outcomes)")
                return
            }
            #expect(event == first.event.id)
            #expect(response == Array("k1".utf8))
            #expect(again.arrivals.isEmpty)
            let other = try await scene.tenant.publish([scene.item(key: "k1", body: 2)], now: fixture.now)
            guard case .conflict(let holder) = other.outcomes[0] else {
                Issue.record("\(other.outcomes)")
                return
            }
            #expect(holder == first.event.id)
            #expect(try await scene.rows() == rows)
        }
    }

    @Test func anExpiredKeyIsFreeAgain() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            _ = try await scene.tenant.publish([scene.item(key: "k1")], now: fixture.now)
            let justBefore = fixture.now.adding(seconds: 86_399)
            #expect(
                try await scene.tenant.publish([scene.item(key: "k1")], now: justBefore).outcomes[0].word == "replay")
            let after = fixture.now.adding(seconds: 86_400)
            fixture.now = after
            #expect(
                try await scene.tenant.publish([scene.item(key: "k1", body: 2)], now: after).outcomes[0].word
                    == "stored")
            #expect(try await scene.rows()["event"] == 2)
            #expect(try await scene.rows()["idempotency"] == 1)
            #expect(try await scene.tenant.forgetExpiredKeys(now: after) == 0)
            #expect(try await scene.tenant.forgetExpiredKeys(now: after.adding(seconds: 86_400)) == 1)
        }
    }

    @Test func nothingOfAStaleDecisionIsWritten() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            _ = try await scene.tenant.updatePreferences(
                of: PublishScene.ann, [PreferenceChange(audience: .customer, scope: .all, isOn: false)],
                stamp: fixture.stamp(), .at(fixture.now))
            let unknown = FactsPin(account: AccountID(unchecked: "gone"), version: 1)
            let result = try await scene.tenant.publish(
                [scene.item(key: "k1"), scene.item(key: "k2", pins: [unknown])], now: fixture.now)
            #expect(result.outcomes.map(\.word) == ["stale", "stale"])
            #expect(try await scene.rows().values.allSatisfy { $0 == 0 })
            let version = try #require(
                try await scene.tenant.factsVersions(of: [PublishScene.acme]).versions[PublishScene.acme])
            let fresh = scene.item(key: "k1", pins: [FactsPin(account: PublishScene.acme, version: version)])
            #expect(try await scene.tenant.publish([fresh], now: fixture.now).outcomes[0].word == "stored")
        }
    }

    @Test func eachItemOfABatchHasItsOwnOutcome() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            _ = try await scene.tenant.publish(
                [scene.item(key: "old"), scene.item(key: "taken")], now: fixture.now)
            let stale = [FactsPin(account: PublishScene.acme, version: scene.pin.version - 1)]
            let batch = [
                scene.item(key: "new2"), scene.item(key: "taken", body: 2), scene.item(key: "stale", pins: stale),
                scene.item(key: "old"), scene.item(key: "new1"), scene.item(key: "new1"),
                scene.item(key: "new1", body: 3),
            ]
            let result = try await scene.tenant.publish(batch, now: fixture.now)
            #expect(
                result.outcomes.map(\.word) == [
                    "stored", "conflict", "stale", "replay", "stored", "replay", "conflict",
                ])
            guard case .replay(let event, _) = result.outcomes[5] else { return }
            #expect(event == batch[4].event.id)
            #expect(result.arrivals.map(\.sequence) == [3, 4])
            #expect(
                try await scene.rows() == [
                    "idempotency": 4, "event": 4, "notification": 4, "delivery": 12, "queue": 4, "inbox_item": 4,
                    "inbox_counter": 1,
                ])
        }
    }

    @Test func aBadValueFailsAlone() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            var batch = (1...7).map { scene.item(key: "k\($0)") }
            batch[4] = scene.item(key: "bad", title: "a\0b")
            let result = try await scene.tenant.publish(batch, now: fixture.now)
            #expect(
                result.outcomes.map(\.word) == ["stored", "stored", "stored", "stored", "rejected", "stored", "stored"])
            guard case .rejected(let error) = result.outcomes[4] else { return }
            #expect(error.code == .invalidValue)
            #expect(try await scene.rows()["event"] == 6)
            #expect(result.arrivals.map(\.sequence) == [1, 2, 3, 4, 5, 6])
        }
    }

    @Test func concurrentRepeatsStoreOnce() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let now = fixture.now
            let batches = (0..<6).map { _ in ["a", "b", "c"].shuffled().map { scene.item(key: $0) } }
            let stores = batches.map { _ in fixture.another(scene.tenant) }
            let words = try await withThrowingTaskGroup(of: [String].self) { group in
                for (store, batch) in zip(stores, batches) {
                    group.addTask { try await store.publish(batch, now: now).outcomes.map(\.word) }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(words.count { $0 == "stored" } == 3)
            #expect(words.count { $0 == "replay" } == 15)
            #expect(try await scene.rows()["inbox_item"] == 3)
        }
    }
}
