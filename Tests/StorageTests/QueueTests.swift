import Domain
import Postgres
import Testing

@testable import Storage

@Suite struct QueueTests {
    private func attempt(_ fixture: Fixture, _ outcome: AttemptOutcome = .accepted) -> NewAttempt {
        NewAttempt(
            provider: ProviderID(unchecked: "main"), outcome: outcome, code: "250", detail: "fine",
            providerMessageID: "p1", startedAt: fixture.now, finishedAt: fixture.now.adding(seconds: 1))
    }

    @Test func whatTheOwnerPublishesIsBornLeased() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            #expect(try await scene.tenant.takeOverQueue(fence: 7))
            let later = fixture.now.adding(seconds: 60)
            let item = scene.item(key: "now")
            let result = try await scene.tenant.publish(
                [item, scene.item(key: "later", email: .defer(until: later))], fence: 7, now: fixture.now)
            let id = DeliveryID(notification: item.notifications[0].id, channel: .email)
            #expect(result.leased == [id])
            let claim = try await scene.tenant.claim(fence: 7, now: fixture.now, limit: 10)
            #expect(claim.isOwner)
            #expect(claim.deliveries.isEmpty)
            #expect(claim.nextDue == later)
            let seen = try await scene.tenant.look(fence: 7)
            #expect(seen.isOwner && seen.nextDue == later && seen.deliveries.isEmpty)
            let work = try #require(try await scene.tenant.work([id]).first)
            #expect(work.id == id)
            #expect(work.claims == 1)
            #expect(work.attempts == 0)
            #expect(work.recipient == .user(PublishScene.ann))
            #expect(work.messageID == "<m@x>")
            #expect(work.verdict == .deliver)
            #expect(work.expiresAt == fixture.now.adding(seconds: 3_600))
            #expect(work.event.id == item.event.id)
            #expect(work.event.type == PublishScene.type)
            #expect(work.event.account == PublishScene.acme)
            #expect(work.event.actor == PublishScene.bob)
            #expect(work.event.addressedUsers == [PublishScene.ann, PublishScene.bob])
            #expect(work.event.context == item.event.context)
            #expect(work.event.sealedContext == [5])
            #expect(work.event.sourceEvent == "src-1")

            // A worker that has lost the tenant bears nothing leased, and claims nothing.
            #expect(try await scene.tenant.takeOverQueue(fence: 8))
            #expect(try await !scene.tenant.takeOverQueue(fence: 7))
            let lost = try await scene.tenant.publish([scene.item(key: "lost")], fence: 7, now: fixture.now)
            #expect(lost.outcomes.map(\.word) == ["stored"])
            #expect(lost.leased.isEmpty)
            let stale = try await scene.tenant.claim(fence: 7, now: fixture.now, limit: 10)
            #expect(!stale.isOwner)
            #expect(stale.deliveries.isEmpty)
            #expect(try await !scene.tenant.look(fence: 7).isOwner)
            // What the worker before it left is due for the new one, and a look claims nothing.
            for _ in 0..<2 {
                let found = try await scene.tenant.look(fence: 8)
                #expect(found.isOwner && found.nextDue == fixture.now)
            }
        }
    }

    @Test func aStaleWordIsDiscardedAndSaid() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let items = (1...3).map { scene.item(key: "k\($0)") }
            _ = try await scene.tenant.publish(items, now: fixture.now)
            _ = try await scene.tenant.takeOverQueue(fence: 1)
            let old = try await scene.tenant.claim(fence: 1, now: fixture.now, limit: 10)
            #expect(old.deliveries.count == 3)
            #expect(old.nextDue == nil)

            // Before anybody took over, one is finished; then a new worker claims the other two and finishes one.
            let ids = items.map { DeliveryID(notification: $0.notifications[0].id, channel: .email) }
            #expect(
                try await scene.tenant.finish(
                    [DeliveryResult(ids[0], .delivered, attempt: attempt(fixture))], fence: 1, now: fixture.now)
                    == [.recorded])
            _ = try await scene.tenant.takeOverQueue(fence: 2)
            let new = try await scene.tenant.claim(fence: 2, now: fixture.now, limit: 10)
            #expect(Set(new.deliveries) == Set(ids[1...]))
            #expect(
                try await scene.tenant.finish(
                    [DeliveryResult(ids[1], .failed("rejected"), attempt: attempt(fixture, .permanentFailure))],
                    fence: 2, now: fixture.now) == [.recorded])

            // The old worker's word on all three, in an order of its own, changes nothing.
            let words = try await scene.tenant.finish(
                [ids[2], ids[1], ids[0]].map { DeliveryResult($0, .delivered, attempt: attempt(fixture)) }, fence: 1,
                now: fixture.now.adding(seconds: 9))
            #expect(words == [.stale, .stale, .stale])
            let states = try await items.asyncMap { item in
                try await scene.tenant.notification(item.notifications[0].id)?.deliveries[0]
            }
            #expect(states.map { $0?.state } == [.delivered, .failed, .pending])
            #expect(states.map { $0?.attempts.count } == [1, 1, 0])
            #expect(states[1]?.stateReason == "rejected")
            #expect(states[2]?.progress?.isClaimed == true)
            #expect(try await scene.tenant.work(ids).map(\.claims) == [2])

            // A batch of good and stale words: each for itself.
            let mixed = try await scene.tenant.finish(
                [DeliveryResult(ids[0], .delivered), DeliveryResult(ids[2], .delivered, attempt: attempt(fixture))],
                fence: 2, now: fixture.now)
            #expect(mixed == [.stale, .recorded])
            #expect(try await scene.rows()["queue"] == 0)
        }
    }

    @Test func whatFailsForTheMomentComesAgain() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let item = scene.item(key: "k")
            _ = try await scene.tenant.publish([item], now: fixture.now)
            let id = DeliveryID(notification: item.notifications[0].id, channel: .email)
            _ = try await scene.tenant.takeOverQueue(fence: 1)
            #expect(try await scene.tenant.claim(fence: 1, now: fixture.now, limit: 10).deliveries == [id])
            #expect(try await scene.tenant.claim(fence: 1, now: fixture.now, limit: 10).deliveries.isEmpty)

            let again = fixture.now.adding(seconds: 60)
            let retry = DeliveryResult(id, .retry(at: again), attempt: attempt(fixture, .temporaryFailure))
            #expect(try await scene.tenant.finish([retry], fence: 1, now: fixture.now) == [.recorded])
            #expect(try await scene.tenant.finish([retry], fence: 1, now: fixture.now) == [.stale])
            #expect(try await scene.tenant.claim(fence: 1, now: fixture.now, limit: 10).nextDue == again)
            #expect(try await scene.tenant.claim(fence: 1, now: again, limit: 10).deliveries == [id])
            let work = try #require(try await scene.tenant.work([id]).first)
            #expect(work.attempts == 1)
            #expect(work.claims == 1)
            #expect(work.dueAt == again)

            // Waiting is no attempt, and neither is giving back.
            let evening = fixture.now.adding(seconds: 7_200)
            _ = try await scene.tenant.finish([DeliveryResult(id, .postponed(until: evening))], fence: 1, now: again)
            let waiting = try #require(try await scene.tenant.notification(id.notification)).deliveries[0]
            #expect(waiting.state == .deferred)
            #expect(waiting.deliverAt == evening)
            #expect(waiting.progress == DeliveryRecord.Progress(dueAt: evening, isClaimed: false, attempts: 1))
            // Who wants it in two hours has it two hours longer.
            let postponed = try #require(try await scene.tenant.work([id]).first)
            #expect(
                postponed.expiresAt
                    == work.expiresAt?.advanced(by: again.duration(to: evening)))
            _ = try await scene.tenant.claim(fence: 1, now: evening, limit: 10)
            _ = try await scene.tenant.finish([DeliveryResult(id, .released)], fence: 1, now: evening)
            #expect(try await scene.tenant.claim(fence: 1, now: evening, limit: 10).deliveries == [id])
            let last = DeliveryResult(id, .outcomeUnknown, attempt: attempt(fixture, .unknown))
            #expect(try await scene.tenant.finish([last], fence: 1, now: evening) == [.recorded])

            let stored = try #require(try await scene.tenant.notification(id.notification))
            #expect(stored.state == .delivered)
            let delivery = stored.deliveries[0]
            #expect(delivery.state == .outcomeUnknown)
            #expect(delivery.progress == nil)
            #expect(delivery.updatedAt == evening)
            #expect(delivery.attempts.map(\.number) == [1, 2])
            #expect(
                delivery.attempts.map(\.attempt) == [attempt(fixture, .temporaryFailure), attempt(fixture, .unknown)])
        }
    }

    @Test func theLongestDueComesFirstAndTheLowWaterCursorIsKept() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let times = [30, 10, 20].map { fixture.now.adding(seconds: $0) }
            let items = times.enumerated().map { scene.item(key: "k\($0)", email: .defer(until: $1)) }
            _ = try await scene.tenant.publish(items, now: fixture.now)
            _ = try await scene.tenant.takeOverQueue(fence: 1)
            let now = fixture.now.adding(seconds: 25)
            let after = try await scene.tenant.claim(
                fence: 1, now: now, dueFrom: fixture.now.adding(seconds: 15), limit: 10)
            #expect(after.deliveries.map(\.notification) == [items[2].notifications[0].id])
            #expect(after.nextDue == times[1])
            let rest = try await scene.tenant.claim(fence: 1, now: times[0], limit: 10)
            #expect(rest.deliveries.map(\.notification) == [items[1], items[0]].map { $0.notifications[0].id })
            #expect(try await scene.tenant.claim(fence: 1, now: now, limit: 0).deliveries.isEmpty)
        }
    }

    @Test func eachResolutionEndsInItsState() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let ends: [(DeliveryResult.Resolution, DeliveryState, String?)] = [
                (.delivered, .delivered, nil), (.failed("x"), .failed, "x"), (.expired, .expired, nil),
                (.suppressed(.optedOut), .suppressed, "opted_out"), (.cancelled("paid"), .cancelled, "paid"),
                (.outcomeUnknown, .outcomeUnknown, nil),
            ]
            let items = ends.indices.map { scene.item(key: "k\($0)") }
            _ = try await scene.tenant.takeOverQueue(fence: 3)
            let published = try await scene.tenant.publish(items, fence: 3, now: fixture.now)
            #expect(published.leased.count == ends.count)
            let results = zip(items, ends).map { item, end in
                DeliveryResult(DeliveryID(notification: item.notifications[0].id, channel: .email), end.0)
            }
            let words = try await scene.tenant.finish(results, fence: 3, now: fixture.now)
            #expect(words.allSatisfy { $0 == .recorded })
            for (item, end) in zip(items, ends) {
                let delivery = try await scene.tenant.notification(item.notifications[0].id)?.deliveries[0]
                #expect(delivery?.state == end.1)
                #expect(delivery?.stateReason == end.2)
            }
            #expect(try await scene.rows()["queue"] == 0)
        }
    }

    /// Two workers of one fence do not exist, but a claim that is repeated while the first is under way does.
    @Test func concurrentClaimsNeverShareWork() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            _ = try await scene.tenant.publish((1...30).map { scene.item(key: "k\($0)") }, now: fixture.now)
            _ = try await scene.tenant.takeOverQueue(fence: 1)
            let now = fixture.now
            let stores = (0..<4).map { _ in fixture.another(scene.tenant) }
            let claimed = try await withThrowingTaskGroup(of: [DeliveryID].self) { group in
                for store in stores {
                    group.addTask {
                        var all: [DeliveryID] = []
                        while true {
                            let claim = try await store.claim(fence: 1, now: now, limit: 4)
                            all += claim.deliveries
                            if claim.nextDue == nil { return all }
                        }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(claimed.count == 30)
            #expect(Set(claimed).count == 30)
        }
    }
}

extension Sequence {
    /// Maps one after the other.
    func asyncMap<Value>(_ transform: (Element) async throws -> Value) async rethrows -> [Value] {
        var values: [Value] = []
        for element in self { values.append(try await transform(element)) }
        return values
    }
}
