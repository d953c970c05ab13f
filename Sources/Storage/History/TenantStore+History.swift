package import Domain
internal import Postgres

extension TenantStore {
    /// How many notifications one page looks at before it gives up finding more that match.
    private static let searchLimit: Int64 = 1_000

    /// One notification with its deliveries and their attempts; nil if there is none.
    package func notification(_ id: NotificationID) async throws(StorageError) -> NotificationRecord? {
        try await storing { () async throws(PostgresError) in
            let results = try await run([
                Query(history.notification, [.uuid(id)]), Query(history.deliveries, [.uuid(id)]),
                Query(history.attempts, [.uuid(id)]),
            ])
            guard let row = results[0].first else { return nil }
            var attempts: [Channel: [AttemptRecord]] = [:]
            for row in results[2] { attempts[try row.value(0), default: []].append(try AttemptRecord(row: row)) }
            let deliveries = try results[1].read { row throws(PostgresError) in
                var delivery = try DeliveryRecord(row: row, from: 0)
                delivery.attempts = attempts[delivery.channel] ?? []
                return delivery
            }
            return try NotificationRecord(row: row, from: 0, deliveries: deliveries)
        }
    }

    /// Notifications, newest first, with their deliveries but without attempts.
    ///
    /// A page may hold fewer notifications than asked for, even none, and still have a next one: a search for what is
    /// rare is cut into pieces.
    ///
    /// - Parameters:
    ///   - filter: which ones.
    ///   - after: the key that the page before named as its next.
    ///   - size: the most notifications that are returned.
    package func notifications(
        _ filter: NotificationFilter = NotificationFilter(), after: NotificationID? = nil, size: Int
    ) async throws(StorageError) -> Page<NotificationRecord, NotificationID> {
        let path = filter.path
        let limit = Int64(size) + 1
        let looked = filter.isAnswered(by: path) ? limit : max(limit, Self.searchLimit)
        return try await storing { () async throws(PostgresError) in
            let before = after.map { UUIDBytes($0) } ?? UUIDBytes(high: .max, low: .max)
            guard let statement = history.page[path] else { throw PostgresError(.other, "a path without a statement") }
            let results = try await run([
                Query(
                    statement,
                    [
                        .uuid(before), .int8(looked), .text(filter.account), .text(filter.user),
                        filter.event.map { .uuid($0) } ?? .null, .text(filter.object), .text(filter.type),
                        .text(filter.state?.rawValue), .int8(limit),
                    ])
            ])
            return try Self.page(results[0], size: size, searched: looked)
        }
    }

    /// Groups rows of one delivery each into notifications.
    private static func page(
        _ rows: ResultSet, size: Int, searched: Int64
    ) throws(PostgresError) -> Page<NotificationRecord, NotificationID> {
        var found: [NotificationRecord] = []
        var last: NotificationID?
        var wasCut = false
        var start = rows.startIndex
        while start < rows.endIndex {
            let first = rows[start]
            let id = try first.uuidv7(2)
            var deliveries: [DeliveryRecord] = []
            var end = start
            while end < rows.endIndex, try rows[end].uuidv7(2) == id {
                let column = 2 + NotificationRecord.columnCount
                if try !rows[end].isNull(column) {
                    deliveries.append(try DeliveryRecord(row: rows[end], from: column))
                }
                end += 1
            }
            start = end
            wasCut = try first.int8(1) >= searched
            if try first.bool(0) {
                if found.count == size { return Page(elements: found, next: last) }
                found.append(try NotificationRecord(row: first, from: 2, deliveries: deliveries))
            }
            last = NotificationID(id)
        }
        return Page(elements: found, next: wasCut ? last : nil)
    }
}

extension NotificationFilter {
    /// The narrowest index.
    fileprivate var path: HistoryStatements.Path {
        if event != nil { return .event }
        if object != nil { return .object }
        if user != nil { return .user }
        if account != nil { return .account }
        return .all
    }

    /// Whether every row that the index finds matches.
    fileprivate func isAnswered(by path: HistoryStatements.Path) -> Bool {
        let named = [account != nil, user != nil, event != nil, object != nil, type != nil, state != nil]
        return named.count { $0 } == (path == .all ? 0 : 1)
    }
}

extension NotificationRecord {
    /// How many columns ``init(row:from:deliveries:)`` reads.
    fileprivate static let columnCount = 10

    /// Reads ``HistoryStatements/notificationColumns``.
    fileprivate init(row: Row, from column: Int, deliveries: [DeliveryRecord]) throws(PostgresError) {
        id = NotificationID(try row.uuidv7(column))
        event = EventID(try row.uuidv7(column + 1))
        type = try row.identifier(column + 2)
        audience = try row.value(column + 3)
        account = try row.account(column + 4)
        guard
            let recipient = Recipient(
                recipient: try row.text(column + 5), user: try row.optionalIdentifier(column + 6), account: account,
                audience: audience)
        else { throw .corrupt(column + 5) }
        self.recipient = recipient
        object = try row.optionalText(column + 7)
        reason = try row.value(column + 8)
        guard let trace = Trace(json: try row.text(column + 9), audience: audience) else { throw .corrupt(column + 9) }
        self.trace = trace
        self.deliveries = deliveries
    }
}

extension DeliveryRecord {
    /// Reads ``HistoryStatements/deliveryColumns``.
    fileprivate init(row: Row, from column: Int) throws(PostgresError) {
        channel = try row.value(column)
        verdict = try row.value(column + 1)
        reason = try row.value(column + 2)
        state = try row.value(column + 3)
        stateReason = try row.optionalText(column + 4)
        maskedAddress = try row.optionalText(column + 5)
        messageID = try row.optionalText(column + 6)
        deliverAt = try row.optionalInstant(column + 7)
        updatedAt = try row.instant(column + 8)
        progress =
            if let dueAt = try row.optionalInstant(column + 9) {
                Progress(
                    dueAt: dueAt, isClaimed: try row.int8(column + 10) != 0, attempts: try row.int4(column + 11))
            } else {
                nil
            }
        attempts = []
    }
}

extension AttemptRecord {
    /// Reads a row of ``HistoryStatements/attempts``, whose channel stands in column 0.
    fileprivate init(row: Row) throws(PostgresError) {
        number = try row.int4(1)
        attempt = NewAttempt(
            provider: try row.optionalIdentifier(2), outcome: try row.value(3), code: try row.optionalText(4),
            detail: try row.optionalText(5), providerMessageID: try row.optionalText(6),
            startedAt: try row.instant(7), finishedAt: try row.instant(8))
    }
}
