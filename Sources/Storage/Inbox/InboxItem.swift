package import Domain
internal import Postgres

/// An item of an inbox as stored.
package struct InboxItem: Sendable, Hashable {
    /// Its number, without gaps and in the order of commits.
    package let sequence: Int64
    /// The notification.
    package let notification: NotificationID
    /// The type.
    package let type: TypeKey
    /// One line.
    package let title: String
    /// The text.
    package let body: String
    /// The deep link into the portal.
    package let link: String
    /// When it was stored.
    package let createdAt: Instant
    /// When its user first saw it in a list; nil is not yet.
    package let seenAt: Instant?
    /// When its user read it; nil is not yet.
    package let readAt: Instant?
}

/// The counters of one inbox.
package struct InboxCounters: Sendable, Hashable {
    /// The number of the last item; 0 for an inbox that never had one.
    package let lastSequence: Int64
    /// Items that are not archived.
    package let total: Int64
    /// Of these, the unread ones.
    package let unread: Int64
    /// Of these, the ones never seen.
    package let unseen: Int64

    /// Makes counters.
    package init(lastSequence: Int64, total: Int64, unread: Int64, unseen: Int64) {
        self.lastSequence = lastSequence
        self.total = total
        self.unread = unread
        self.unseen = unseen
    }

    /// The counters of an inbox that never had an item.
    package static let none = InboxCounters(lastSequence: 0, total: 0, unread: 0, unseen: 0)
}

extension InboxCounters {
    /// How many columns ``init(row:from:)`` reads.
    static let columnCount = 4

    /// Reads ``InboxStatements/counterColumns``.
    init(row: Row, from column: Int) throws(PostgresError) {
        self.init(
            lastSequence: try row.int8(column), total: try row.int8(column + 1), unread: try row.int8(column + 2),
            unseen: try row.int8(column + 3))
    }
}

extension InboxItem {
    /// Reads ``InboxStatements/itemColumns``.
    init(row: Row, from column: Int) throws(PostgresError) {
        sequence = try row.int8(column)
        notification = NotificationID(try row.uuidv7(column + 1))
        type = try row.identifier(column + 2)
        title = try row.text(column + 3)
        body = try row.text(column + 4)
        link = try row.text(column + 5)
        createdAt = try row.instant(column + 6)
        seenAt = try row.optionalInstant(column + 7)
        readAt = try row.optionalInstant(column + 8)
    }
}
