import CarillonNet
import Domain
import Postgres
import Testing

@testable import Storage

/// Holds the plans of the statements that run often: by an index, in one month.
///
/// The tenant has a few thousand rows in two months, and statistics. Autovacuum cannot be waited for, so the owner
/// analyzes.
@Suite struct PlanTests {
    private static let loaded = LoadedTenant()

    private func plan(_ fixture: Fixture, _ tenant: TenantStore, _ query: Query) async throws -> String {
        let explain = Query(Statement("EXPLAIN " + query.statement.text, prepared: false), query.parameters)
        let rows = try await fixture.serve.run(Unit(role: "t_\(tenant.tenant)", [explain]))[0]
        return try rows.map { row throws(PostgresError) in try row.text(0) }.joined(separator: "\n")
    }

    private func expect(
        _ plan: String, uses indexes: String..., scansNot tables: String..., months: Int = 1,
        of history: String? = nil, at location: SourceLocation = #_sourceLocation
    ) throws {
        for index in indexes { #expect(plan.contains(index), "\(index) in\n\(plan)", sourceLocation: location) }
        for table in tables {
            #expect(
                plan.firstMatch(of: try Regex("Seq Scan on \(table)\\b")) == nil, "\(table) in\n\(plan)",
                sourceLocation: location)
        }
        if let history {
            let touched = Set(
                plan.matches(of: try Regex(" on (\(history)_[0-9]{6})", as: (Substring, Substring).self)).map(
                    \.output.1))
            #expect(touched.count == months, "\(touched) in\n\(plan)", sourceLocation: location)
        }
    }

    @Test func hotStatementsGoByIndexesAndStayInOneMonth() async throws {
        try await withStorage { fixture in
            let (tenant, delivery) = try await Self.loaded.get(fixture)
            let one: [Parameter] = [.uuidArray([UUIDBytes(delivery.notification)]), .textArray(["email"])]
            let now = Parameter.timestamp(fixture.now.adding(seconds: 10))

            try expect(
                await plan(
                    fixture, tenant, Query(tenant.queue.claim, [.int8(2), now, .int8(50), .timestamp(Fixture.epoch)])),
                uses: "queue_due", "queue_pkey", scansNot: "queue", "queue q")
            try expect(
                await plan(fixture, tenant, Query(tenant.queue.nextDue, [.int8(2)])), uses: "queue_due",
                scansNot: "queue")
            let work = try await plan(fixture, tenant, Query(tenant.queue.work, one))
            try expect(work, uses: "queue_pkey", scansNot: "queue", "event_[0-9]+", of: "notification")
            try expect(work, of: "delivery")
            try expect(
                await plan(fixture, tenant, Query(tenant.queue.hold, one + [.int8(1)])), uses: "queue_pkey",
                scansNot: "queue")
            let states = try await plan(
                fixture, tenant,
                Query(
                    tenant.queue.states,
                    one + [
                        .int8(1), .optionalTextArray(["delivered"]), .optionalTextArray([nil]),
                        .optionalTimestampArray([nil]), now, .optionalTextArray([nil]),
                    ]))
            try expect(states, uses: "queue_pkey", scansNot: "queue", of: "delivery")
            // Of an event by its id: its own row in one month, the rest by the event's index, whichever month that is in.
            for off in [
                Query(tenant.callingOff.byEvent, [.uuid(delivery.notification), now]),
                Query(tenant.callingOff.byKey, [.text("k"), now]),
            ] {
                try expect(
                    await plan(fixture, tenant, off), uses: "queue_pkey", "event_id_notification_id_idx",
                    scansNot: "queue", "event_[0-9]+", "notification_[0-9]+", "delivery_[0-9]+", "attempt_[0-9]+",
                    "idempotency")
            }
            try expect(
                await plan(fixture, tenant, Query(tenant.queue.remove, one + [.int8(1)])), uses: "queue_pkey",
                scansNot: "queue")
            let gather = Query(
                tenant.gathering.gather,
                [.int8(2), .text("ann"), .text("email"), now, now, .bool(false), .int8(1_000)])
            try expect(
                await plan(fixture, tenant, gather), uses: "queue_digest", "queue_pkey", scansNot: "queue", "queue q")
            try expect(
                await plan(fixture, tenant, Query(tenant.gathering.unite, one + [.int8(2), now])), uses: "queue_pkey",
                scansNot: "queue", "queue q")
            let outlines = try await plan(fixture, tenant, Query(tenant.gathering.outlines, one))
            try expect(outlines, uses: "queue_pkey", scansNot: "queue", "event_[0-9]+", of: "notification")
            try expect(outlines, of: "delivery")

            let id = Parameter.uuid(delivery.notification)
            try expect(
                await plan(fixture, tenant, Query(tenant.history.notification, [id])),
                scansNot: "notification_[0-9]+",
                of: "notification")
            try expect(
                await plan(fixture, tenant, Query(tenant.history.deliveries, [id])), scansNot: "delivery_[0-9]+",
                of: "delivery")
            try expect(
                await plan(fixture, tenant, Query(tenant.history.attempts, [id])), scansNot: "attempt_[0-9]+",
                of: "attempt")

            let user = Parameter.text(PublishScene.ann)
            try expect(
                await plan(fixture, tenant, Query(tenant.inbox.page, [user, .int8(900), .bool(false), .int8(21)])),
                uses: "inbox_item_pkey", scansNot: "inbox_item")
            try expect(
                await plan(fixture, tenant, Query(tenant.inbox.markRead, [user, .int8Array([7]), now])),
                uses: "inbox_item_pkey", scansNot: "inbox_item", "inbox_counter")
            try expect(
                await plan(fixture, tenant, Query(tenant.publishing.forgetKeys, [now, .int8(10)])),
                uses: "idempotency_expiry")
        }
    }

    @Test func factsOfUsersAndAccountsAreReadByIndexes() async throws {
        try await withStorage { fixture in
            let (tenant, _) = try await Self.loaded.get(fixture)
            let queries =
                tenant.people.queries(["many17", "many18"], includingSupplier: true, now: fixture.now)
                + tenant.facts.queries(of: ["many17", ""], now: fixture.now) + [
                    Query(tenant.facts.versions, [.textArray(["many17"])])
                ]
            #expect(queries.count == 16)
            for query in queries {
                let plan = try await plan(fixture, tenant, query)
                try expect(plan, scansNot: "app_user", "contact_point", "preference", "setting", "account")
                try expect(plan, scansNot: "notification_[0-9]+", "delivery_[0-9]+")
            }
        }
    }

    @Test func addressesAreFoundByIndexes() async throws {
        try await withStorage { fixture in
            let (tenant, delivery) = try await Self.loaded.get(fixture)
            let addresses: [Parameter] = [.textArray(["email", "sms"]), .textArray(["17@x.example", "+4930123456"])]
            let times = Parameter.timestampArray([Timestamp(fixture.now), Timestamp(fixture.now)])
            let found = addresses + [.textArray(["hard_bounced", "stopped"]), times]
            let lifted = addresses + [times, .textArray(["stopped"]), .bool(false), .textArray(["unverified"])]
            for query in [
                Query(tenant.suppressions.touch, found), Query(tenant.suppressions.project, addresses),
                Query(tenant.suppressions.touchLifted, lifted), Query(tenant.suppressions.liftable, lifted),
                Query(tenant.suppressions.restore, lifted),
            ] {
                let plan = try await plan(fixture, tenant, query)
                try expect(plan, uses: "contact_point_address", scansNot: "contact_point", "app_user", "suppression")
            }
            let known = try await plan(fixture, tenant, Query(tenant.suppressions.known, addresses))
            try expect(known, uses: "contact_point_address", scansNot: "contact_point", "suppression")
            let page = Query(
                tenant.suppressions.page,
                [.text("email"), .text("a"), .textArray(["email", "sms"]), .null, .int8(51)])
            try expect(await plan(fixture, tenant, page), uses: "suppression_pkey", scansNot: "suppression")
            let one: [Parameter] = [.uuidArray([UUIDBytes(delivery.notification)]), .textArray(["email"])]
            let messages = try await plan(fixture, tenant, Query(tenant.reports.messages, one))
            try expect(messages, scansNot: "notification_[0-9]+", "delivery_[0-9]+", of: "notification")
            try expect(messages, of: "delivery")
            // What went in the digest of that name is found among its user's notifications of the time.
            let settle = Query(
                tenant.reports.settle,
                one + [.textArray(["delivered"]), .optionalTextArray([nil]), .timestamp(fixture.now)]
                    + ReportStatements.span([delivery], until: fixture.now))
            let settling = try await plan(fixture, tenant, settle)
            try expect(
                settling, uses: "user_id_notification_id", scansNot: "delivery_[0-9]+", "notification_[0-9]+",
                of: "delivery")
            try expect(settling, of: "notification")
        }
    }

    @Test func publishingGoesByKeysAlone() async throws {
        try await withStorage { fixture in
            let (tenant, _) = try await Self.loaded.get(fixture)
            let scene = try await PublishScene(fixture)
            var batch = PublishBatch(now: fixture.now)
            batch.append(scene.item(key: "one"))
            let single = try #require(SinglePublish(scene.item(key: "two"), now: fixture.now))
            let queries =
                batch.queries(tenant.publishing, fence: 1).0 + single.queries(tenant.publishingOne, fence: 1).0
            #expect(queries.count == 14)
            for query in queries {
                let plan = try await plan(fixture, tenant, query)
                try expect(plan, scansNot: "idempotency", "inbox_counter", "account", "event_[0-9]+")
            }
        }
    }

    @Test func listsGoByTheNarrowestIndex() async throws {
        try await withStorage { fixture in
            let (tenant, delivery) = try await Self.loaded.get(fixture)
            for (path, index) in [
                (HistoryStatements.Path.all, "notification_202611_pkey"), (.account, "account_id_notification_id"),
                (.user, "user_id_notification_id"), (.event, "event_id_notification_id"),
                (.object, "object_notification_id"),
            ] {
                let statement = try #require(tenant.history.page[path])
                let plan = try await plan(
                    fixture, tenant,
                    Query(
                        statement,
                        [
                            .uuid(UUIDBytes(high: .max, low: .max)), .int8(21),
                            path == .account ? .text("RARE") : .null, path == .user ? .text("rare") : .null,
                            path == .event ? .uuid(delivery.notification) : .null,
                            path == .object ? .text("invoice/17") : .null, .null, .null, .int8(21),
                        ]))
                try expect(plan, uses: index, scansNot: "notification_202611", "delivery_202611")
            }
        }
    }
}

/// A tenant with a history of two months and a backlog, made once.
actor LoadedTenant {
    private var loading: Task<(TenantID, DeliveryID), any Error>?

    func get(_ fixture: Fixture) async throws -> (TenantStore, DeliveryID) {
        let task = loading ?? Task { try await fixture.loop.run { try await Self.load(fixture) } }
        loading = task
        let (tenant, delivery) = try await task.value
        return (TenantStore(tenant: tenant, pool: fixture.serve), delivery)
    }

    /// One of thousands: for another account and user.
    private static func rare(_ scene: PublishScene) -> PublishItem {
        let model = scene.item(key: "rare\(scene.fixture.now)", users: [UserID(unchecked: "rare")])
        let event = NewEvent(
            id: model.event.id, type: model.event.type, account: AccountID(unchecked: "RARE"), publishedBy: "key/k",
            occurredAt: scene.fixture.now)
        return PublishItem(
            idempotencyKey: model.idempotencyKey, bodyHash: [1], keyExpiresAt: model.keyExpiresAt, pins: model.pins,
            event: event, notifications: model.notifications, response: [])
    }

    /// Thousands of users of hundreds of accounts, with addresses and choices.
    private static func fill(_ fixture: Fixture, _ schema: String) async throws {
        let texts = [
            """
            INSERT INTO \(schema).account (account_id, display_name, assigned_rep_user_ids, notifications_suppressed,
                facts_version, revision, created_at, updated_at)
            SELECT 'many' || n, '', '{}', false, 1, 1, now(), now() FROM generate_series(1, 500) n
            """,
            """
            INSERT INTO \(schema).app_user (user_id, account_id, display_name, state, is_admin, team_member, revision,
                choices_revision, created_at, updated_at)
            SELECT 'many' || n, 'many' || 1 + n % 500, '', 'active', false, false, 1, 1, now(), now()
            FROM generate_series(1, 5000) n
            """,
            """
            INSERT INTO \(schema).contact_point (user_id, channel, address, position, state)
            SELECT 'many' || n, 'email', n || '@x.example', 0, 'usable' FROM generate_series(1, 5000) n
            """,
            """
            INSERT INTO \(schema).preference (user_id, audience, scope, scope_key, channel, choice, changed_at)
            SELECT 'many' || n, 'customer', 'all', '', '', true, now() FROM generate_series(1, 5000) n
            """,
            """
            INSERT INTO \(schema).setting (type_key, audience, account_id, enabled, default_subscribed, mandatory,
                changed_at)
            SELECT 'invoice.created', 'customer', 'many' || n, true, true, 'none', now() FROM generate_series(1, 500) n
            """,
        ]
        _ = try await fixture.owner.run(Unit(texts.map { Query(Statement($0, prepared: false)) }))
    }

    private static func load(_ fixture: Fixture) async throws -> (TenantID, DeliveryID) {
        let scene = try await PublishScene(fixture)
        try await fixture.administration.ensureMonths(tenant: scene.tenant.tenant, now: Fixture.epoch)
        var last: PublishItem?
        for (month, now) in [Fixture.epoch, Instant(seconds: 1_796_083_200)].enumerated() {
            fixture.now = now
            let window = DigestWindow(cadence: .daily, opens: now, closes: now.adding(seconds: 5))
            for batch in 0..<8 {
                let items = (0..<250).map {
                    scene.item(
                        key: "\(month)-\(batch)-\($0)", users: [UserID(unchecked: "ann\($0)")],
                        email: $0 % 3 == 0 ? .digest(window) : .deliver, object: "invoice/\($0)")
                }
                _ = try await scene.tenant.publish(items, now: now)
                if month == 0 { last = items.last }
            }
            _ = try await scene.tenant.publish([Self.rare(scene)], now: now)
        }
        fixture.now = Fixture.epoch
        _ = try await scene.tenant.takeOverQueue(fence: 2)
        try await fill(fixture, "t_\(scene.tenant.tenant)")
        let tables = [
            "idempotency", "event", "notification", "delivery", "attempt", "queue", "inbox_item", "account", "app_user",
            "contact_point", "preference", "setting",
        ]
        _ = try await fixture.owner.run(
            Unit(
                tables.map { Query(Statement("ANALYZE t_\(scene.tenant.tenant).\($0)", prepared: false)) }))
        let notification = try #require(last).notifications[0].id
        return (scene.tenant.tenant, DeliveryID(notification: notification, channel: .email))
    }
}
