import Domain
import Postgres
import Testing

@testable import Storage

/// One event is stored by other statements than a batch, and as the same rows.
@Suite struct SinglePublishTests {
    /// Everything that publishing writes, as text, without the values that name one event.
    private func stored(_ scene: PublishScene, _ items: [PublishItem]) async throws -> [String] {
        let tables = [
            "idempotency": "x.expires_at, x.response, x.body_sha256",
            "event": """
            x.type_key, x.account_id, x.actor_user_id, x.addressed_user_ids, x.object, x.object_suppressed,
            x.source_event_id, x.context, x.sealed_context, x.published_by, x.occurred_at
            """,
            "notification": """
            x.type_key, x.audience, x.account_id, x.recipient, x.user_id, x.object, x.reason, x.trace
            """,
            "delivery": """
            x.channel, x.rank, x.verdict, x.reason, x.state, x.state_reason, x.masked_address, x.message_id,
            x.deliver_at, x.updated_at
            """,
            "queue": "x.channel, x.due_at, x.expires_at, x.lease, x.attempts, x.claims, x.digest_of",
            "inbox_counter": "x.user_id, x.last_seq, x.total, x.unread, x.unseen",
            "inbox_item": "x.user_id, x.seq, x.type_key, x.title, x.body, x.link, x.created_at, x.read_at",
        ]
        var lines: [String] = []
        for (table, columns) in tables.sorted(by: { $0.key < $1.key }) {
            let rows = try await scene.fixture.query(
                as: scene.tenant, "SELECT row(\(columns))::text FROM t_\(scene.tenant.tenant).\(table) x ORDER BY 1")
            lines += try rows.map { row throws(PostgresError) in "\(table) \(try row.text(0))" }
        }
        return lines
    }

    /// Characters that JSON escapes, and those that arrays and rows quote.
    private static let odd = "a \"quoted\" \\x41 {b,c} NULL (d) é 😀 \u{1} \t\n\u{2028} 'e' %s"

    private func items(_ scene: PublishScene, _ batch: String) -> [PublishItem] {
        let later = scene.fixture.now.advanced(by: .microseconds(1_234_567_891))
        let plain = scene.item(key: "\(batch)1", users: [PublishScene.ann, PublishScene.bob], object: "invoice/1")
        let strange = scene.item(key: "\(batch)2", title: Self.odd, email: .defer(until: later), object: Self.odd)
        let raised = RaisedEvent(
            event: NewEvent(
                id: EventID(scene.fixture.id()), type: PublishScene.type, isObjectSuppressed: true,
                context: [ContextEntry("odd", .text(Self.odd)), ContextEntry("no", .boolean(false))],
                publishedBy: Self.odd, occurredAt: Instant(microseconds: -1)),
            notifications: plain.notifications.map { told in
                NewNotification(
                    id: NotificationID(scene.fixture.id()), recipient: told.recipient, audience: told.audience,
                    reason: told.reason, trace: told.trace, deliveries: told.deliveries, inboxItem: told.inboxItem)
            })
        let raising = scene.item(key: "\(batch)3")
        return [
            plain, strange,
            PublishItem(
                idempotencyKey: raising.idempotencyKey, bodyHash: raising.bodyHash, keyExpiresAt: raising.keyExpiresAt,
                pins: raising.pins, event: raising.event, notifications: raising.notifications, raised: [raised],
                response: raising.response),
            scene.item(
                key: "\(batch)5",
                email: .digest(DigestWindow(cadence: .daily, opens: scene.fixture.now, closes: later))),
            // Nobody is told.
            scene.item(key: "\(batch)4", users: []),
        ]
    }

    @Test func theRowsAreThoseOfABatch() async throws {
        try await withStorage { fixture in
            let (one, many) = (try await PublishScene(fixture), try await PublishScene(fixture))
            for scene in [one, many] { #expect(try await scene.tenant.takeOverQueue(fence: 3)) }
            let singly = items(one, "k")
            for item in singly {
                let result = try await one.tenant.publish([item], fence: 3, now: fixture.now)
                #expect(result.outcomes.map(\.word) == ["stored"])
            }
            _ = try await many.tenant.publish(items(many, "k"), fence: 3, now: fixture.now)
            let (left, right) = (try await stored(one, singly), try await stored(many, singly))
            #expect(left.count == 55)
            #expect(left.count { $0.hasPrefix("queue ") && $0.contains(",ann)") } == 1)
            #expect(Set(left).symmetricDifference(right).sorted() == [])
            #expect(left == right)
        }
    }

    @Test func manyRecipientsAreABatch() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            for count in [16, 17] {
                let users = (0..<count).map { UserID(unchecked: "u\($0)") }
                let item = scene.item(key: "\(count)", users: users)
                #expect((SinglePublish(item, now: fixture.now) == nil) == (count > 16))
                let result = try await scene.tenant.publish([item], now: fixture.now)
                #expect(result.arrivals.count == count)
            }
        }
    }

    @Test func placesInAnInboxFollowEachOther() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            // The same user twice, with another one between.
            let item = scene.item(key: "k", users: [PublishScene.ann, PublishScene.bob, PublishScene.ann])
            let result = try await scene.tenant.publish([item], now: fixture.now)
            let expected: [(UserID, Int64, Int)] = [
                (PublishScene.ann, 1, 0), (PublishScene.ann, 2, 2), (PublishScene.bob, 1, 1),
            ]
            #expect(result.arrivals.map(\.user) == expected.map(\.0))
            #expect(result.arrivals.map(\.sequence) == expected.map(\.1))
            #expect(result.arrivals.map(\.notification) == expected.map { item.notifications[$0.2].id })
            #expect(result.counters[PublishScene.ann]?.lastSequence == 2)
        }
    }

    @Test func nothingIsWrittenForAKeyThatIsTaken() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            _ = try await scene.tenant.publish([scene.item(key: "k")], now: fixture.now)
            let before = try await scene.rows()
            for (body, word) in [(UInt8(1), "replay"), (2, "conflict")] {
                let item = scene.item(key: "k", body: body)
                let result = try await scene.tenant.publish([item], now: fixture.now)
                #expect(result.outcomes.map(\.word) == [word])
                #expect(result.arrivals.isEmpty && result.leased.isEmpty && result.counters.isEmpty)
            }
            let stale = FactsPin(account: PublishScene.acme, version: scene.pin.version - 1)
            let result = try await scene.tenant.publish([scene.item(key: "n", pins: [stale])], now: fixture.now)
            #expect(result.outcomes.map(\.word) == ["stale"])
            #expect(try await scene.rows() == before)
        }
    }
}
