internal import Domain
internal import Postgres

/// A publish batch turned on its side: from items to the columns that the statements unnest.
struct PublishBatch {
    /// What the rows of a query's result are.
    enum Part {
        case taken, silent, work, counters, arrivals
    }

    private let now: Instant
    private var keys: [String] = []
    private var events: [UUIDBytes] = []
    private var bodyHashes: [[UInt8]] = []
    private var responses: [[UInt8]] = []
    private var keyExpiries: [Timestamp] = []
    private var pins = Pins()
    private var eventRows = EventColumns()
    private var notifications = NotificationColumns()
    private var deliveries = DeliveryColumns()
    private var work = WorkColumns()
    private var inbox = InboxColumns()

    init(now: Instant) { self.now = now }

    mutating func append(_ item: PublishItem) {
        keys.append(item.idempotencyKey)
        events.append(UUIDBytes(item.event.id))
        bodyHashes.append(item.bodyHash)
        responses.append(item.response)
        keyExpiries.append(Timestamp(item.keyExpiresAt))
        // SQL counts places from 1.
        let place = Int32(keys.count)
        for pin in item.pins { pins.append(pin, item: place) }
        append(item.event, item.notifications, item: place)
        for raised in item.raised { append(raised.event, raised.notifications, item: place) }
    }

    private mutating func append(_ event: NewEvent, _ told: [NewNotification], item place: Int32) {
        eventRows.append(event, item: place)
        for notification in told {
            notifications.append(notification, of: event, item: place)
            for (rank, delivery) in notification.deliveries.enumerated() {
                deliveries.append(delivery, of: notification, rank: Int32(rank), item: place)
                work.append(delivery, of: notification, item: place, now: now)
            }
            if let inboxItem = notification.inboxItem, case .user(let user) = notification.recipient {
                inbox.append(inboxItem, of: notification, type: event.type, user: user, item: place)
            }
        }
    }

    /// The batch's queries in order, without those that would write nothing, and what each one's rows are.
    func queries(_ statements: PublishStatements, fence: Int64?) -> ([Query], [Part]) {
        let taken: [Parameter] = [.textArray(keys), .uuidArray(events)]
        var queries = [
            Query(
                statements.takeKeys,
                taken + [.bytesArray(bodyHashes), .bytesArray(responses), .timestampArray(keyExpiries)]
                    + pins.parameters + [.timestamp(now)]),
            Query(statements.events, taken + eventRows.parameters),
        ]
        var parts: [Part] = [.taken, .silent]
        func add(_ part: Part, _ statement: Statement, _ isEmpty: Bool, _ parameters: [Parameter]) {
            guard !isEmpty else { return }
            queries.append(Query(statement, taken + parameters))
            parts.append(part)
        }
        add(.silent, statements.notifications, notifications.items.isEmpty, notifications.parameters)
        add(.silent, statements.deliveries, deliveries.items.isEmpty, deliveries.parameters + [.timestamp(now)])
        add(.work, statements.work, work.items.isEmpty, work.parameters + [.timestamp(now), .int8(fence)])
        add(
            .counters, statements.countInbox, inbox.items.isEmpty,
            [.int4Array(inbox.items), .textArray(inbox.users)])
        add(.arrivals, statements.inboxItems, inbox.items.isEmpty, inbox.parameters + [.timestamp(now)])
        return (queries, parts)
    }
}

private struct Pins {
    private var items: [Int32] = []
    private var accounts: [String] = []
    private var versions: [Int64] = []

    mutating func append(_ pin: FactsPin, item: Int32) {
        items.append(item)
        accounts.append(pin.account?.rawValue ?? "")
        versions.append(pin.version)
    }

    var parameters: [Parameter] { [.int4Array(items), .textArray(accounts), .int8Array(versions)] }
}

private struct EventColumns {
    private var items: [Int32] = []
    private var ids: [UUIDBytes] = []
    private var types: [String] = []
    private var accounts: [String] = []
    private var actors: [String?] = []
    private var addressed: [String] = []
    private var objects: [String?] = []
    private var suppressed: [Bool] = []
    private var sources: [String?] = []
    private var contexts: [String] = []
    private var sealed: [[UInt8]?] = []
    private var publishers: [String] = []
    private var occurrences: [Timestamp] = []
    private var beginnings: [Timestamp?] = []

    mutating func append(_ event: NewEvent, item: Int32) {
        items.append(item)
        ids.append(UUIDBytes(event.id))
        types.append(event.type.rawValue)
        accounts.append(event.account?.rawValue ?? "")
        actors.append(event.actor?.rawValue)
        addressed.append(event.addressedUsers.map(\.rawValue).joined(separator: "\n"))
        objects.append(event.object)
        suppressed.append(event.isObjectSuppressed)
        sources.append(event.sourceEvent)
        contexts.append(event.context.json)
        sealed.append(event.sealedContext)
        publishers.append(event.publishedBy)
        occurrences.append(Timestamp(event.occurredAt))
        beginnings.append(event.notBefore.map { Timestamp($0) })
    }

    var parameters: [Parameter] {
        [
            .int4Array(items), .uuidArray(ids), .textArray(types), .textArray(accounts), .optionalTextArray(actors),
            .textArray(addressed),
            .optionalTextArray(objects), .boolArray(suppressed), .optionalTextArray(sources), .textArray(contexts),
            .optionalBytesArray(sealed), .textArray(publishers), .timestampArray(occurrences),
            .optionalTimestampArray(beginnings),
        ]
    }
}

private struct NotificationColumns {
    private(set) var items: [Int32] = []
    private var ids: [UUIDBytes] = []
    private var events: [UUIDBytes] = []
    private var types: [String] = []
    private var audiences: [String] = []
    private var accounts: [String] = []
    private var recipients: [String] = []
    private var users: [String?] = []
    private var objects: [String?] = []
    private var reasons: [String] = []
    private var traces: [String] = []

    mutating func append(_ notification: NewNotification, of event: NewEvent, item: Int32) {
        items.append(item)
        ids.append(UUIDBytes(notification.id))
        events.append(UUIDBytes(event.id))
        types.append(event.type.rawValue)
        audiences.append(notification.audience.rawValue)
        accounts.append(event.account?.rawValue ?? "")
        let (recipient, user) = notification.recipient.columns
        recipients.append(recipient)
        users.append(user)
        objects.append(event.object)
        reasons.append(notification.reason.rawValue)
        traces.append(notification.trace.json)
    }

    var parameters: [Parameter] {
        [
            .int4Array(items), .uuidArray(ids), .uuidArray(events), .textArray(types), .textArray(audiences),
            .textArray(accounts), .textArray(recipients), .optionalTextArray(users), .optionalTextArray(objects),
            .textArray(reasons), .textArray(traces),
        ]
    }
}

private struct DeliveryColumns {
    private(set) var items: [Int32] = []
    private var notifications: [UUIDBytes] = []
    private var channels: [String] = []
    private var ranks: [Int32] = []
    private var verdicts: [String] = []
    private var reasons: [String] = []
    private var states: [String] = []
    private var stateReasons: [String?] = []
    private var addresses: [String?] = []
    private var messages: [String?] = []
    private var times: [Timestamp?] = []

    mutating func append(_ delivery: NewDelivery, of notification: NewNotification, rank: Int32, item: Int32) {
        items.append(item)
        notifications.append(UUIDBytes(notification.id))
        channels.append(delivery.channel.rawValue)
        ranks.append(rank)
        verdicts.append(StoredVerdict(delivery.decision.verdict).rawValue)
        reasons.append(delivery.decision.reason.rawValue)
        let state = DeliveryState(new: delivery)
        states.append(state.rawValue)
        stateReasons.append(state == .suppressed ? delivery.decision.reason.rawValue : nil)
        addresses.append(delivery.maskedAddress)
        messages.append(delivery.messageID)
        times.append(delivery.decision.verdict.time.map { Timestamp($0) })
    }

    var parameters: [Parameter] {
        [
            .int4Array(items), .uuidArray(notifications), .textArray(channels), .int4Array(ranks), .textArray(verdicts),
            .textArray(reasons), .textArray(states), .optionalTextArray(stateReasons), .optionalTextArray(addresses),
            .optionalTextArray(messages), .optionalTimestampArray(times),
        ]
    }
}

private struct WorkColumns {
    private(set) var items: [Int32] = []
    private var notifications: [UUIDBytes] = []
    private var channels: [String] = []
    private var due: [Timestamp] = []
    private var expiries: [Timestamp?] = []
    private var digests: [String?] = []

    mutating func append(_ delivery: NewDelivery, of notification: NewNotification, item: Int32, now: Instant) {
        guard let dueAt = delivery.workDue(now: now) else { return }
        items.append(item)
        notifications.append(UUIDBytes(notification.id))
        channels.append(delivery.channel.rawValue)
        due.append(Timestamp(dueAt))
        expiries.append(delivery.expiresAt.map { Timestamp($0) })
        digests.append(delivery.digest(of: notification.recipient)?.rawValue)
    }

    var parameters: [Parameter] {
        [
            .int4Array(items), .uuidArray(notifications), .textArray(channels), .timestampArray(due),
            .optionalTimestampArray(expiries), .optionalTextArray(digests),
        ]
    }
}

extension NewDelivery {
    /// When its work is due; nil when there is none.
    func workDue(now: Instant) -> Instant? {
        switch decision.verdict {
        case .deliver where !isDone: now
        case .defer(let until): until
        case .digest(let window): window.closes
        default: nil
        }
    }

    /// Whose digest gathers its work; nil when it is sent by itself.
    func digest(of recipient: Recipient) -> UserID? {
        guard case .digest = decision.verdict, case .user(let user) = recipient else { return nil }
        return user
    }
}

private struct InboxColumns {
    private(set) var items: [Int32] = []
    private(set) var users: [String] = []
    private var notifications: [UUIDBytes] = []
    private var types: [String] = []
    private var titles: [String] = []
    private var bodies: [String] = []
    private var links: [String] = []

    mutating func append(
        _ inboxItem: NewInboxItem, of notification: NewNotification, type: TypeKey, user: UserID, item: Int32
    ) {
        items.append(item)
        users.append(user.rawValue)
        notifications.append(UUIDBytes(notification.id))
        types.append(type.rawValue)
        titles.append(inboxItem.title)
        bodies.append(inboxItem.body)
        links.append(inboxItem.link)
    }

    var parameters: [Parameter] {
        [
            .int4Array(items), .textArray(users), .uuidArray(notifications), .textArray(types), .textArray(titles),
            .textArray(bodies), .textArray(links),
        ]
    }
}
