internal import Domain
internal import Postgres

/// One event with all that follows from it, as the rows that ``SinglePublishStatements`` take.
struct SinglePublish {
    /// How many may be told: a row costs 4 us more than in a batch, and the statements some 300 us less.
    private static let mostNotifications = 16

    private let item: PublishItem
    private let now: Instant
    private let events: [NewEvent]
    private let notifications: [(event: NewEvent, notification: NewNotification)]
    private let deliveries: [(notification: NewNotification, rank: Int, delivery: NewDelivery)]

    /// Nil for more rows than are worth it.
    init?(_ item: PublishItem, now: Instant) {
        (self.item, self.now) = (item, now)
        events = [item.event] + item.raised.map(\.event)
        notifications =
            item.notifications.map { (item.event, $0) }
            + item.raised.flatMap { raised in raised.notifications.map { (raised.event, $0) } }
        guard notifications.count <= Self.mostNotifications else { return nil }
        deliveries = notifications.flatMap { told in
            told.notification.deliveries.enumerated().map { (told.notification, $0, $1) }
        }
    }

    /// The queries in order, without those that would write nothing, and what each one's rows are.
    func queries(_ statements: SinglePublishStatements, fence: Int64?) -> ([Query], [PublishBatch.Part]) {
        let taken: [Parameter] = [.text(item.idempotencyKey), .uuid(item.event.id)]
        var queries = [Query(statements.takeKey, taken + keyParameters)]
        var parts = [PublishBatch.Part.taken]
        func add<Row>(
            _ part: PublishBatch.Part, _ statement: Statement, _ rows: [Row], _ others: [Parameter] = [],
            _ write: (Row, inout JSONWriter) -> Void
        ) {
            guard !rows.isEmpty else { return }
            queries.append(Query(statement, taken + [Self.parameter(rows, write)] + others))
            parts.append(part)
        }
        add(.silent, statements.events, events) { $1.write($0) }
        add(.silent, statements.notifications, notifications) { $1.write($0.notification, of: $0.event) }
        add(.silent, statements.deliveries, deliveries) {
            $1.write($0.delivery, of: $0.notification, rank: $0.rank, at: now)
        }
        let work = deliveries.compactMap { WorkRow($0.delivery, of: $0.notification, now: now) }
        add(.work, statements.work, work, [.timestamp(now), .int8(fence)]) { $1.write($0) }
        let inbox = InboxRow.numbered(notifications.compactMap { InboxRow($0.event, $0.notification) })
        if !inbox.isEmpty {
            queries.append(Query(statements.countInbox, taken + [.textArray(inbox.map(\.user.rawValue))]))
            parts.append(.counters)
        }
        add(.arrivals, statements.inboxItems, inbox, [.timestamp(now)]) { $1.write($0) }
        return (queries, parts)
    }

    private var keyParameters: [Parameter] {
        [
            .bytes(item.bodyHash), .bytes(item.response), .timestamp(item.keyExpiresAt),
            .textArray(item.pins.map { $0.account?.rawValue ?? "" }), .int8Array(item.pins.map(\.version)),
            .timestamp(now),
        ]
    }

    private static func parameter<Row>(_ rows: [Row], _ write: (Row, inout JSONWriter) -> Void) -> Parameter {
        var writer = JSONWriter()
        writer.array(rows) { writer, row in
            writer.object { write(row, &$0) }
        }
        return .json(writer.text)
    }
}

/// A row of the queue.
private struct WorkRow {
    let notification: NotificationID
    let channel: Channel
    let dueAt: Instant
    let expiresAt: Instant?
    let digestOf: UserID?

    /// Nil for what is not to be sent.
    init?(_ delivery: NewDelivery, of notification: NewNotification, now: Instant) {
        guard let dueAt = delivery.workDue(now: now) else { return nil }
        self.notification = notification.id
        channel = delivery.channel
        self.dueAt = dueAt
        expiresAt = delivery.expiresAt
        digestOf = delivery.digest(of: notification.recipient)
    }
}

/// A row of an inbox.
private struct InboxRow {
    let user: UserID
    let notification: NotificationID
    let type: TypeKey
    let item: NewInboxItem
    /// How many items of the same user follow it.
    var followers = 0

    /// Nil for who has no inbox, or gets nothing into it.
    init?(_ event: NewEvent, _ notification: NewNotification) {
        guard let item = notification.inboxItem, case .user(let user) = notification.recipient else { return nil }
        self.user = user
        self.notification = notification.id
        type = event.type
        self.item = item
    }

    /// The rows with the number of those that follow each in its inbox.
    static func numbered(_ rows: [InboxRow]) -> [InboxRow] {
        var rows = rows
        var seen: [UserID: Int] = [:]
        for place in rows.indices.reversed() {
            rows[place].followers = seen[rows[place].user, default: 0]
            seen[rows[place].user, default: 0] += 1
        }
        return rows
    }
}

// Each writes the members of one object, which are columns of its table.
extension JSONWriter {
    fileprivate mutating func write(_ event: NewEvent) {
        member("event_id", event.id.description)
        member("type_key", event.type.rawValue)
        member("account_id", event.account?.rawValue ?? "")
        member("actor_user_id", event.actor?.rawValue)
        key("addressed_user_ids")
        array(event.addressedUsers) { $0.string($1.rawValue) }
        member("object", event.object)
        key("object_suppressed")
        bool(event.isObjectSuppressed)
        member("source_event_id", event.sourceEvent)
        key("context")
        json(event.context.json)
        member("sealed_context", event.sealedContext.map(Self.hex))
        member("published_by", event.publishedBy)
        member("occurred_at", event.occurredAt)
        member("not_before", event.notBefore)
    }

    fileprivate mutating func write(_ notification: NewNotification, of event: NewEvent) {
        let (recipient, user) = notification.recipient.columns
        member("notification_id", notification.id.description)
        member("event_id", event.id.description)
        member("type_key", event.type.rawValue)
        member("audience", notification.audience.rawValue)
        member("account_id", event.account?.rawValue ?? "")
        member("recipient", recipient)
        member("user_id", user)
        member("object", event.object)
        member("reason", notification.reason.rawValue)
        key("trace")
        json(notification.trace.json)
    }

    fileprivate mutating func write(
        _ delivery: NewDelivery, of notification: NewNotification, rank: Int, at now: Instant
    ) {
        member("notification_id", notification.id.description)
        member("channel", delivery.channel.rawValue)
        key("rank")
        integer(Int64(rank))
        member("verdict", StoredVerdict(delivery.decision.verdict).rawValue)
        member("reason", delivery.decision.reason.rawValue)
        let state = DeliveryState(new: delivery)
        member("state", state.rawValue)
        member("state_reason", state == .suppressed ? delivery.decision.reason.rawValue : nil)
        member("masked_address", delivery.maskedAddress)
        member("message_id", delivery.messageID)
        member("deliver_at", delivery.decision.verdict.time)
        member("updated_at", now)
    }

    fileprivate mutating func write(_ work: WorkRow) {
        member("notification_id", work.notification.description)
        member("channel", work.channel.rawValue)
        member("due_at", work.dueAt)
        member("expires_at", work.expiresAt)
        member("digest_of", work.digestOf?.rawValue)
    }

    fileprivate mutating func write(_ row: InboxRow) {
        member("user_id", row.user.rawValue)
        key("seq")
        integer(Int64(row.followers))
        member("notification_id", row.notification.description)
        member("type_key", row.type.rawValue)
        member("title", row.item.title)
        member("body", row.item.body)
        member("link", row.item.link)
    }

    private mutating func member(_ name: String, _ value: String?) {
        key(name)
        optional(value)
    }

    private mutating func member(_ name: String, _ value: Instant?) {
        member(name, value.map(Self.timestamp))
    }

    /// To the microsecond, as `timestamptz` reads it.
    private static func timestamp(_ instant: Instant) -> String {
        let micros = String(instant.microseconds - instant.seconds * 1_000_000)
        let padding = String(repeating: "0", count: 6 - micros.utf8.count)
        return "\(LocalTime(secondsSinceEpoch: instant.seconds)).\(padding)\(micros)Z"
    }

    /// As `bytea` reads it.
    private static func hex(_ bytes: [UInt8]) -> String {
        var text = "\\x"
        text.reserveCapacity(2 + bytes.count * 2)
        for byte in bytes {
            if byte < 16 { text.append("0") }
            text.append(String(byte, radix: 16))
        }
        return text
    }
}
