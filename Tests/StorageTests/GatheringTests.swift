import Domain
import Postgres
import Testing

@testable import Storage

/// What waits for a digest, and goes out with what was claimed.
@Suite struct GatheringTests {
    private static func window(_ closes: Instant) -> Verdict {
        .digest(DigestWindow(cadence: .daily, opens: closes.adding(seconds: -86_400), closes: closes))
    }

    private func ids(_ items: [PublishItem]) -> [DeliveryID] {
        items.map { DeliveryID(notification: $0.notifications[0].id, channel: .email) }
    }

    private func claim(_ scene: PublishScene, at now: Instant, limit: Int = 1, fence: Int64 = 1) async throws -> Claim {
        try await scene.tenant.claim(fence: fence, now: now, limit: limit)
    }

    private func attempt(_ fixture: Fixture, _ outcome: AttemptOutcome) -> NewAttempt {
        NewAttempt(
            provider: ProviderID(unchecked: "main"), outcome: outcome, startedAt: fixture.now, finishedAt: fixture.now)
    }

    @Test func allThatIsDueForOnePersonIsGathered() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let (first, second) = (fixture.now.adding(seconds: 60), fixture.now.adding(seconds: 120))
            let mine =
                (0..<5).map { scene.item(key: "a\($0)", email: Self.window(first)) }
                + (0..<5).map { scene.item(key: "b\($0)", email: Self.window(second)) }
            let other = scene.item(key: "bob", users: [PublishScene.bob], email: Self.window(second))
            let later = scene.item(key: "later", email: Self.window(second.adding(seconds: 1)))
            let alone = scene.item(key: "alone", email: .defer(until: second.adding(seconds: -1)))
            _ = try await scene.tenant.publish(mine + [other, later, alone], now: fixture.now)
            _ = try await scene.tenant.takeOverQueue(fence: 1)

            let claim = try await claim(scene, at: second)
            let head = try #require(claim.deliveries.first)
            let place = try #require(claim.digests[head])
            #expect(place == DigestPlace(user: PublishScene.ann, dueAt: first, wasTried: false))
            let some = try await scene.tenant.gather(place, on: .email, fence: 1, now: second, limit: 4)
            #expect(some.deliveries == Array(ids(mine).filter { $0 != head }.prefix(4)))
            let rest = try await scene.tenant.gather(place, on: .email, fence: 1, now: second, limit: 100)
            #expect(Set([head] + some.deliveries + rest.deliveries) == Set(ids(mine)))
            #expect(rest.nextDue == second.adding(seconds: -1))
            let none = try await scene.tenant.gather(place, on: .sms, fence: 1, now: second, limit: 100)
            #expect(none.deliveries.isEmpty)
            let left = try await self.claim(scene, at: second, limit: 100)
            #expect(Set(left.deliveries) == Set(ids([other, alone])))
            #expect(left.digests.keys.map(\.self) == ids([other]))
            #expect(left.nextDue == second.adding(seconds: 1))

            // Only the owner of the fence gathers.
            _ = try await scene.tenant.takeOverQueue(fence: 2)
            let stale = try await scene.tenant.gather(
                place, on: .email, fence: 1, now: second.adding(seconds: 9), limit: 9)
            #expect(stale.deliveries.isEmpty)
        }
    }

    /// One Message-ID stands for one message, so what may have arrived is not mixed with what is new.
    @Test func whatWasTriedGoesOutWithWhatItWentOutWith() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let (first, second) = (fixture.now.adding(seconds: 60), fixture.now.adding(seconds: 120))
            let old = (0..<3).map { scene.item(key: "a\($0)", email: Self.window(first)) }
            let new = (0..<3).map { scene.item(key: "b\($0)", email: Self.window(second)) }
            _ = try await scene.tenant.publish(old + new, now: fixture.now)
            _ = try await scene.tenant.takeOverQueue(fence: 1)
            // A worker claims one of the old ones and is lost before it has gathered the others.
            let lost = try await claim(scene, at: first).deliveries
            _ = try await scene.tenant.takeOverQueue(fence: 2)
            let fresh = DigestPlace(user: PublishScene.ann, dueAt: second, wasTried: false)
            let stayed = try await scene.tenant.gather(fresh, on: .email, fence: 2, now: second, limit: 100)
            #expect(Set(stayed.deliveries) == Set(ids(old + new)).subtracting(lost))

            // Stored a moment late, for the time at which the lost one was due.
            let late = (0..<2).map { scene.item(key: "c\($0)", email: Self.window(first)) }
            _ = try await scene.tenant.publish(late, now: fixture.now)
            let again = try await claim(scene, at: first, limit: 100, fence: 2)
            #expect(Set(again.deliveries) == Set(lost + ids(late)))
            let tried = try #require(again.deliveries.first { $0 == lost[0] })
            let place = try #require(again.digests[tried])
            #expect(place.wasTried && place.dueAt == first)
            for id in again.deliveries where id != tried {
                #expect(again.digests[id]?.isTogether(with: place) == true, "what is due at the same time")
            }
            let more = try await scene.tenant.gather(place, on: .email, fence: 2, now: second, limit: 100)
            #expect(more.deliveries.isEmpty, "they were all claimed, and the new ones are another message")

            // Those of one message that failed come back as one, whatever has become due meanwhile.
            let retry = second.adding(seconds: 30)
            let words = again.deliveries.map {
                DeliveryResult($0, .retry(at: retry), attempt: attempt(fixture, .temporaryFailure), digest: "d@x")
            }
            #expect(try await scene.tenant.finish(words, fence: 2, now: second).allSatisfy { $0 == .recorded })
            _ = try await scene.tenant.finish(
                stayed.deliveries.map { DeliveryResult($0, .released) }, fence: 2, now: second)
            let failed = DigestPlace(user: PublishScene.ann, dueAt: retry, wasTried: true)
            let message = try await scene.tenant.gather(failed, on: .email, fence: 2, now: retry, limit: 100)
            #expect(Set(message.deliveries) == Set(again.deliveries))
            let works = try await scene.tenant.outlines(message.deliveries)
            #expect(works.map(\.messageID) == ["d@x", "d@x", "d@x"])
            #expect(works.map(\.attempts) == [1, 1, 1])
        }
    }

    @Test func outlinesLeaveOutWhatEventsSay() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let item = scene.item(key: "k")
            _ = try await scene.tenant.publish([item], now: fixture.now)
            let whole = try #require(try await scene.tenant.work(ids([item])).first)
            let outline = try #require(try await scene.tenant.outlines(ids([item])).first)
            #expect(!whole.event.context.isEmpty && outline.event.context.isEmpty)
            #expect(outline.event.sealedContext == nil)
            #expect(outline.id == whole.id && outline.recipient == whole.recipient && outline.reason == whole.reason)
            #expect(outline.event.addressedUsers == whole.event.addressedUsers)
            #expect(outline.event.account == whole.event.account && outline.event.actor == whole.event.actor)
            #expect(outline.expiresAt == whole.expiresAt && outline.messageID == whole.messageID)
        }
    }

    @Test func whatIsPostponedToADigestIsGatheredThere() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let item = scene.item(key: "k")
            _ = try await scene.tenant.publish([item], now: fixture.now)
            _ = try await scene.tenant.takeOverQueue(fence: 1)
            let id = try #require(try await claim(scene, at: fixture.now).deliveries.first)
            let closes = fixture.now.adding(seconds: 600)
            let word = DeliveryResult(id, .postponed(until: closes, digestOf: PublishScene.ann))
            _ = try await scene.tenant.finish([word], fence: 1, now: fixture.now)
            let waiting = try #require(try await scene.tenant.notification(id.notification)).deliveries[0]
            #expect(waiting.state == .digesting && waiting.deliverAt == closes)
            let claim = try await claim(scene, at: closes)
            let place = try #require(claim.digests[id])
            #expect(place == DigestPlace(user: PublishScene.ann, dueAt: closes, wasTried: false))
            // Postponed once more for other reasons, it still waits for that digest.
            let evening = closes.adding(seconds: 60)
            _ = try await scene.tenant.finish(
                [DeliveryResult(id, .postponed(until: evening))], fence: 1, now: closes)
            #expect(try await self.claim(scene, at: evening).digests[id]?.user == PublishScene.ann)
        }
    }

    @Test func historyTellsOfTheDigest() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let items = (0..<3).map { scene.item(key: "k\($0)") }
            _ = try await scene.tenant.publish(items, now: fixture.now)
            _ = try await scene.tenant.takeOverQueue(fence: 1)
            _ = try await claim(scene, at: fixture.now, limit: 10)
            let ends: [DeliveryResult.Resolution] = [.delivered, .outcomeUnknown, .failed("address_rejected")]
            let words = zip(ids(items), ends).map {
                DeliveryResult($0, $1, attempt: attempt(fixture, .accepted), digest: "d@x")
            }
            _ = try await scene.tenant.finish(words, fence: 1, now: fixture.now)
            let stored = try await items.asyncMap { item in
                try #require(try await scene.tenant.notification(item.notifications[0].id)).deliveries[0]
            }
            #expect(stored.map(\.state) == [.delivered, .outcomeUnknown, .failed])
            #expect(stored.map(\.stateReason) == ["digested", "digested", "address_rejected"])
            #expect(stored.map(\.messageID) == ["d@x", "d@x", "d@x"])
            #expect(stored.map(\.attempts.count) == [1, 1, 1])
        }
    }

    @Test func aDigestCountsOnceForCaps() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let items = (0..<4).map { scene.item(key: "k\($0)") }
            _ = try await scene.tenant.publish(items, now: fixture.now)
            _ = try await scene.tenant.takeOverQueue(fence: 1)
            _ = try await claim(scene, at: fixture.now, limit: 10)
            let ids = ids(items)
            let digest = "\(ids[1].notification).email@x"
            let words = ids.enumerated().map { place, id in
                DeliveryResult(
                    id, place == 3 ? .outcomeUnknown : .delivered, attempt: attempt(fixture, .accepted),
                    digest: place == 0 ? nil : digest)
            }
            _ = try await scene.tenant.finish(words, fence: 1, now: fixture.now)
            _ = try await scene.tenant.putCaps(
                [try #require(FrequencyCap(2, within: 3_600))], stamp: fixture.stamp(), now: fixture.now)
            let facts = try await scene.tenant.facts(of: [PublishScene.acme, nil], .at(fixture.now))
            #expect(facts[nil]?.sent == Set(ids[...1]))
            #expect(facts[PublishScene.acme]?.directory[PublishScene.ann]?.recentSends.count == 2)
        }
    }

    /// The first delivery lends the digest its Message-ID, and may be called off before the rest go out.
    @Test func aDigestCountsOnceForCapsWithoutItsFirstDelivery() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let items = (0..<4).map { scene.item(key: "k\($0)") }
            _ = try await scene.tenant.publish(items, now: fixture.now)
            _ = try await scene.tenant.takeOverQueue(fence: 1)
            _ = try await claim(scene, at: fixture.now, limit: 10)
            let ids = ids(items)
            let digest = "\(ids[0].notification).email@x"
            let words = ids.enumerated().map { place, id in
                DeliveryResult(
                    id, place == 0 ? .cancelled(CalledOff.reason) : .delivered, attempt: attempt(fixture, .accepted),
                    digest: digest)
            }
            _ = try await scene.tenant.finish(words, fence: 1, now: fixture.now)
            _ = try await scene.tenant.putCaps(
                [try #require(FrequencyCap(2, within: 3_600))], stamp: fixture.stamp(), now: fixture.now)
            let facts = try await scene.tenant.facts(of: [PublishScene.acme, nil], .at(fixture.now))
            #expect(facts[nil]?.sent == [ids[1]])
            #expect(facts[PublishScene.acme]?.directory[PublishScene.ann]?.recentSends.count == 1)
            let people = try await scene.tenant.people([PublishScene.ann], includingSupplier: true, .at(fixture.now))
            #expect(people.users[PublishScene.ann]?.facts.recentSends.count == 1)
        }
    }

    /// What became due at different times and goes out together comes back together from whoever is lost with it.
    @Test func whatIsGatheredIsDueAtOneTime() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let times = [60, 120, 180].map { fixture.now.adding(seconds: $0) }
            let items = times.enumerated().flatMap { day, time in
                (0..<3).map { scene.item(key: "\(day)-\($0)", email: Self.window(time)) }
            }
            _ = try await scene.tenant.publish(items, now: fixture.now)
            _ = try await scene.tenant.takeOverQueue(fence: 1)
            // A claim brings the longest due, of two times.
            let claim = try await claim(scene, at: times[2], limit: 4)
            let place = try #require(claim.digests[claim.deliveries[0]])
            let late = claim.deliveries.filter { claim.digests[$0]?.dueAt != place.dueAt }
            #expect(place.dueAt == times[0] && late.count == 1)
            let some = try await scene.tenant.gather(
                place, on: .email, besides: late, fence: 1, now: times[2], limit: 2)
            let rest = try await scene.tenant.gather(place, on: .email, fence: 1, now: times[2], limit: 100)
            #expect(Set(claim.deliveries + some.deliveries + rest.deliveries) == Set(ids(items)))
            let works = try await scene.tenant.outlines(ids(items))
            #expect(works.map(\.dueAt) == Array(repeating: times[0], count: items.count))
            #expect(works.map(\.claims) == Array(repeating: 1, count: items.count))

            // The worker is lost. What becomes due meanwhile is another message.
            let new = scene.item(key: "new", email: Self.window(times[2]))
            _ = try await scene.tenant.publish([new], now: fixture.now)
            _ = try await scene.tenant.takeOverQueue(fence: 2)
            let again = try await self.claim(scene, at: times[2], fence: 2)
            let tried = try #require(again.digests[again.deliveries[0]])
            #expect(tried == DigestPlace(user: PublishScene.ann, dueAt: times[0], wasTried: true))
            let found = try await scene.tenant.gather(tried, on: .email, fence: 2, now: times[2], limit: 100)
            #expect(Set(again.deliveries + found.deliveries) == Set(ids(items)))
            // A worker that holds none of it moves nothing.
            _ = try await scene.tenant.gather(
                DigestPlace(user: PublishScene.ann, dueAt: times[1], wasTried: true), on: .email,
                besides: ids(items), fence: 1, now: times[2], limit: 100)
            #expect(Set(try await scene.tenant.outlines(ids(items)).map(\.dueAt)) == [times[0]])
        }
    }

    /// Put off without a try, it goes on to wait for its digest; the time that was decided stays what it was.
    @Test func whatIsPutOffStaysInItsDigest() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let closes = fixture.now.adding(seconds: 60)
            let item = scene.item(key: "k", email: Self.window(closes))
            _ = try await scene.tenant.publish([item], now: fixture.now)
            _ = try await scene.tenant.takeOverQueue(fence: 1)
            let id = ids([item])[0]
            func stored() async throws -> DeliveryRecord {
                try #require(try await scene.tenant.notification(id.notification)).deliveries[0]
            }
            let later = closes.adding(seconds: 30)
            #expect(try await claim(scene, at: closes).deliveries == [id])
            _ = try await scene.tenant.finish([DeliveryResult(id, .retry(at: later))], fence: 1, now: closes)
            var waiting = try await stored()
            #expect(waiting.state == .digesting && waiting.deliverAt == closes && waiting.updatedAt == fixture.now)
            #expect(waiting.progress == DeliveryRecord.Progress(dueAt: later, isClaimed: false, attempts: 0))

            // Its reader snoozes: it waits for the digest behind that.
            let next = closes.adding(seconds: 86_400)
            #expect(try await claim(scene, at: later).deliveries == [id])
            let word = DeliveryResult(id, .postponed(until: next, digestOf: PublishScene.ann))
            _ = try await scene.tenant.finish([word], fence: 1, now: later)
            waiting = try await stored()
            #expect(waiting.state == .digesting && waiting.deliverAt == closes && waiting.progress?.dueAt == next)

            // A try that failed for the moment is another thing.
            #expect(try await claim(scene, at: next).deliveries == [id])
            let again = next.adding(seconds: 60)
            let retry = DeliveryResult(id, .retry(at: again), attempt: attempt(fixture, .temporaryFailure))
            _ = try await scene.tenant.finish([retry], fence: 1, now: next)
            waiting = try await stored()
            #expect(waiting.state == .pending && waiting.deliverAt == closes && waiting.progress?.attempts == 1)
            #expect(waiting.progress?.dueAt == again)
        }
    }
}
