import Domain
import Postgres
import Testing

@testable import Storage

/// Items that workers put into inboxes, when the time of their event has come.
@Suite struct ArrivalTests {
    /// Publishes events that ann and bob are told of in their inboxes in an hour, and claims them.
    private func claimed(
        _ scene: PublishScene, count: Int = 1, fence: Int64 = 1
    ) async throws -> [(id: DeliveryID, user: UserID)] {
        let due = scene.fixture.now.adding(seconds: 3_600)
        var all: [(id: DeliveryID, user: UserID)] = []
        for number in 0..<count {
            let plain = scene.item(key: "k\(number)")
            let users = [PublishScene.ann, PublishScene.bob]
            let notifications = users.map { user in
                NewNotification(
                    id: NotificationID(scene.fixture.id()), recipient: .user(user), audience: .customer,
                    reason: .subscribedByDefault, trace: PublishScene.trace,
                    deliveries: [
                        NewDelivery(channel: .inApp, decision: ChannelDecision(.defer(until: due), .notYet))
                    ])
            }
            let item = PublishItem(
                idempotencyKey: "k\(number)", bodyHash: [1], keyExpiresAt: due, pins: [], event: plain.event,
                notifications: notifications, response: [])
            _ = try await scene.tenant.publish([item], now: scene.fixture.now)
            for (notification, user) in zip(notifications, users) {
                all.append((DeliveryID(notification: notification.id, channel: .inApp), user))
            }
        }
        _ = try await scene.tenant.takeOverQueue(fence: fence)
        let claim = try await scene.tenant.claim(fence: fence, now: due, limit: 100)
        #expect(Set(claim.deliveries).isSuperset(of: all.map(\.id)))
        return all
    }

    private func word(_ one: (id: DeliveryID, user: UserID), _ title: String = "New") -> DeliveryResult {
        let item = NewInboxItem(title: title, body: "text", link: "/invoices/1")
        return DeliveryResult(one.id, .delivered, arrival: NewArrival(item, of: PublishScene.type, for: one.user))
    }

    @Test func itemsComeWithTheWordOnThemAndAreCounted() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            _ = try await scene.tenant.publish([scene.item(key: "before")], now: fixture.now)
            let all = try await claimed(scene, count: 2, fence: 1)
            let due = fixture.now.adding(seconds: 3_600)
            let outcomes = try await scene.tenant.finish(
                all.enumerated().map { word($1, "title \($0)") }, fence: 1, now: due)
            #expect(outcomes.allSatisfy { $0 == .recorded })
            let ann = try await scene.tenant.inbox(of: PublishScene.ann, size: 10)
            #expect(ann.counters == InboxCounters(lastSequence: 3, total: 3, unread: 3, unseen: 3))
            #expect(ann.page.elements.map(\.sequence) == [3, 2, 1])
            #expect(ann.page.elements.map(\.title) == ["title 2", "title 0", "New invoice"])
            #expect(ann.page.elements[0].createdAt == due)
            #expect(ann.page.elements[0].notification == all[2].id.notification)
            let bob = try await scene.tenant.inbox(of: PublishScene.bob, size: 10)
            #expect(bob.page.elements.map(\.title) == ["title 3", "title 1"])
            let stored = try #require(try await scene.tenant.notification(all[0].id.notification))
            #expect(stored.state == .delivered)
        }
    }

    /// Who has lost the row puts nothing into an inbox, and whoever has it now puts it there once.
    @Test func aStaleWordBringsNothing() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let all = try await claimed(scene)
            let due = fixture.now.adding(seconds: 3_600)
            _ = try await scene.tenant.takeOverQueue(fence: 2)
            _ = try await scene.tenant.claim(fence: 2, now: due, limit: 1)
            // One is the new worker's; the other is still there for the old one to say.
            let outcomes = try await scene.tenant.finish(all.map { word($0) }, fence: 1, now: due)
            #expect(outcomes.count { $0 == .stale } == 1)
            let counts = try await scene.rows()
            #expect(counts["inbox_item"] == 1 && counts["inbox_counter"] == 1)
            for fence in [2, 2, 1] as [Int64] {
                _ = try await scene.tenant.finish(all.map { word($0) }, fence: fence, now: due)
            }
            #expect(try await scene.rows()["inbox_item"] == 2)
            #expect(try await scene.tenant.inbox(of: PublishScene.bob, size: 10).counters.total == 1)
        }
    }

    /// Two ways to the same inbox, from Publish and from a worker, leave neither gaps nor doubles.
    @Test func arrivalsFromBothSidesHaveNumbersOfTheirOwn() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let all = try await claimed(scene, count: 20)
            let due = fixture.now.adding(seconds: 3_600)
            let desk = fixture.another(scene.tenant)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for one in all {
                    group.addTask { _ = try await scene.tenant.finish([word(one)], fence: 1, now: due) }
                }
                for number in 0..<20 {
                    group.addTask { _ = try await desk.publish([scene.item(key: "p\(number)")], now: due) }
                }
                try await group.waitForAll()
            }
            let ann = try await scene.tenant.inbox(of: PublishScene.ann, size: 100)
            #expect(ann.page.elements.map(\.sequence) == (1...40).reversed())
            #expect(ann.counters.total == 40)
        }
    }
}
