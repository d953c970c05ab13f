import Domain
import Postgres
import Testing

@testable import Storage

@Suite struct HistoryTests {
    @Test func notificationsAreFoundByEachFilterNewestFirst() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let other = TypeKey(unchecked: "payment.failed")
            var items: [PublishItem] = []
            for (key, users, object, type) in [
                ("1", [PublishScene.ann], "invoice/1", PublishScene.type),
                ("2", [PublishScene.bob], "invoice/1", other),
                ("3", [PublishScene.ann, PublishScene.bob], nil, PublishScene.type),
            ] as [(String, [UserID], String?, TypeKey)] {
                fixture.now = fixture.now.adding(seconds: 1)
                items.append(scene.item(key: key, users: users, object: object, type: type))
            }
            _ = try await scene.tenant.publish(items, now: fixture.now)
            let all = items.flatMap(\.notifications).map(\.id).sorted().reversed()

            func ids(_ filter: NotificationFilter) async throws -> [NotificationID] {
                let page = try await scene.tenant.notifications(filter, size: 50)
                #expect(page.next == nil)
                return page.elements.map(\.id)
            }
            #expect(try await ids(NotificationFilter()) == Array(all))
            #expect(try await ids(NotificationFilter(account: PublishScene.acme)) == Array(all))
            #expect(try await ids(NotificationFilter(account: AccountID(unchecked: "X"))).isEmpty)
            #expect(try await ids(NotificationFilter(user: PublishScene.bob)).count == 2)
            #expect(
                try await ids(NotificationFilter(event: items[2].event.id))
                    == items[2].notifications.map(\.id).sorted().reversed())
            #expect(try await ids(NotificationFilter(object: "invoice/1")).count == 2)
            #expect(try await ids(NotificationFilter(type: other)) == [items[1].notifications[0].id])
            #expect(
                try await ids(NotificationFilter(user: PublishScene.ann, object: "invoice/1"))
                    == [items[0].notifications[0].id])
            #expect(
                try await ids(NotificationFilter(account: PublishScene.acme, type: other, state: .pending)).count == 1)
            #expect(try await ids(NotificationFilter(state: .delivered)).isEmpty)
            _ = try await scene.tenant.takeOverQueue(fence: 1)
            let claimed = try await scene.tenant.claim(fence: 1, now: fixture.now, limit: 1).deliveries
            _ = try await scene.tenant.finish([DeliveryResult(claimed[0], .failed("x"))], fence: 1, now: fixture.now)
            // The inbox has it: one failed channel does not make the whole fail.
            #expect(try await ids(NotificationFilter(state: .delivered)) == claimed.map(\.notification))
        }
    }

    @Test func pagesGoOnWhereTheLastEnded() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            var items: [PublishItem] = []
            for key in 0..<7 {
                fixture.now = fixture.now.adding(seconds: 1)
                items.append(scene.item(key: "\(key)"))
            }
            _ = try await scene.tenant.publish(items, now: fixture.now)
            for filter in [NotificationFilter(), NotificationFilter(type: PublishScene.type, state: .pending)] {
                var found: [NotificationID] = []
                var after: NotificationID?
                var pages = 0
                repeat {
                    let page = try await scene.tenant.notifications(filter, after: after, size: 3)
                    #expect(page.elements.allSatisfy { $0.deliveries.map(\.channel) == [.email, .inApp, .sms] })
                    found += page.elements.map(\.id)
                    after = page.next
                    pages += 1
                } while after != nil
                #expect(found == items.map { $0.notifications[0].id }.reversed())
                #expect(pages == 3)
            }
        }
    }

    /// A page looks at 1,000 notifications; what is rarer than that comes on later pages.
    @Test func aSearchForWhatIsRareIsCutIntoPieces() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let rare = scene.item(key: "rare", type: TypeKey(unchecked: "payment.failed"))
            _ = try await scene.tenant.publish([rare], now: fixture.now)
            fixture.now = fixture.now.adding(seconds: 1)
            for batch in 0..<5 {
                _ = try await scene.tenant.publish(
                    (0..<210).map { scene.item(key: "\(batch)-\($0)") }, now: fixture.now)
            }
            let filter = NotificationFilter(type: rare.event.type)
            let first = try await scene.tenant.notifications(filter, size: 5)
            #expect(first.elements.isEmpty)
            #expect(first.next != nil)
            let second = try await scene.tenant.notifications(filter, after: first.next, size: 5)
            #expect(second.elements.map(\.id) == [rare.notifications[0].id])
            #expect(second.next == nil)
        }
    }

    @Test func whoCouldNotBeReachedIsStoredToo() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let model = scene.item(key: "k")
            let recipients: [Recipient] = [
                .mailbox(PublishScene.acme), .nobody(PublishScene.acme), .user(PublishScene.ann),
            ]
            let trace = Trace(audience: .customer, setting: nil, settingSource: .catalog, duty: nil, choice: nil)
            let notifications = recipients.map {
                NewNotification(
                    id: NotificationID(fixture.id()), recipient: $0, audience: .customer, reason: .noEligibleRecipient,
                    trace: trace, deliveries: [])
            }
            let item = PublishItem(
                idempotencyKey: "k", bodyHash: [1], keyExpiresAt: model.keyExpiresAt, pins: [], event: model.event,
                notifications: notifications, response: [])
            #expect(try await scene.tenant.publish([item], now: fixture.now).outcomes[0].word == "stored")
            for (notification, recipient) in zip(notifications, recipients) {
                let stored = try #require(try await scene.tenant.notification(notification.id))
                #expect(stored.recipient == recipient)
                #expect(stored.trace == trace)
                #expect(stored.state == .suppressed)
            }
            #expect(
                try await scene.tenant.notifications(NotificationFilter(state: .suppressed), size: 9).elements.count
                    == 3)
            #expect(try await scene.tenant.notification(NotificationID(fixture.id())) == nil)
        }
    }
}

@Suite struct ContextJSONTests {
    @Test func everyKindOfValueComesBack() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let context: [ContextEntry] = [
                ContextEntry("b_text", .text("quote \" backslash \\ tab \t é 🎺 \u{1}")),
                ContextEntry("a_integer", .integer(.min)),
                ContextEntry("decimal", .decimal(try #require(Decimal("-12.50")))),
                ContextEntry("money", .money(Money(minorUnits: -1, currency: "JPY"))),
                ContextEntry("date", .date(try #require(CivilDate(year: 2026, month: 2, day: 28)))),
                ContextEntry("moment", .dateTime(Instant(microseconds: 1_794_744_000_123_456))),
                ContextEntry("url", .url("https://x.example/?a=1&b=%20")),
                ContextEntry("yes", .boolean(true)),
                ContextEntry("no", .boolean(false)),
                ContextEntry("list", .textList(["", "a", "\n"])),
                ContextEntry("none", .textList([])),
                ContextEntry(
                    "objects",
                    .objectList([[ContextEntry("x", .integer(1)), ContextEntry("y", .textList(["z"]))], []])),
            ]
            let model = scene.item(key: "k")
            let event = NewEvent(
                id: EventID(fixture.id()), type: PublishScene.type, context: context, publishedBy: "key/k",
                occurredAt: fixture.now)
            let item = PublishItem(
                idempotencyKey: "k", bodyHash: [1], keyExpiresAt: model.keyExpiresAt, pins: [], event: event,
                notifications: model.notifications, response: [])
            _ = try await scene.tenant.publish([item], now: fixture.now)
            let id = DeliveryID(notification: model.notifications[0].id, channel: .email)
            let work = try #require(try await scene.tenant.work([id]).first)
            #expect(work.event.context == context)
            #expect(work.event.account == nil)
            #expect(work.event.addressedUsers.isEmpty)
            #expect(work.event.sealedContext == nil)
        }
    }
}
