package import Domain
internal import Postgres

/// A page of an inbox with the inbox's counters.
package struct InboxPage: Sendable {
    /// The items; to go on, pass the last one's sequence number.
    package let page: Page<InboxItem, Int64>
    /// The counters. They are read before the items, so an item beyond ``InboxCounters/lastSequence`` may be in the page,
    /// but none up to it is missing.
    package let counters: InboxCounters
}

/// What became of marking items.
package struct InboxChange: Sendable, Hashable {
    /// How many items changed; those that were marked already do not count.
    package let changed: Int64
    /// The counters after it.
    package let counters: InboxCounters
}

extension TenantStore {
    /// An inbox, newest first.
    ///
    /// - Parameters:
    ///   - user: whose inbox.
    ///   - unreadOnly: whether read items are left out.
    ///   - before: the sequence number of the last item of the page before.
    ///   - size: the most items that are returned.
    package func inbox(
        of user: UserID, unreadOnly: Bool = false, before: Int64? = nil, size: Int
    ) async throws(StorageError) -> InboxPage {
        try await inboxPage(
            of: user, size: size,
            Query(
                inbox.page,
                [.text(user), .int8(before ?? .max), .bool(unreadOnly), .int8(Int64(size) + 1)]))
    }

    /// What came into an inbox after a sequence number, oldest first: how a reader closes a gap.
    package func inbox(
        of user: UserID, after sequence: Int64, size: Int
    ) async throws(StorageError) -> InboxPage {
        try await inboxPage(
            of: user, size: size, Query(inbox.after, [.text(user), .int8(sequence), .int8(Int64(size) + 1)]))
    }

    private func inboxPage(
        of user: UserID, size: Int, _ query: Query
    ) async throws(StorageError) -> InboxPage {
        try await storing { () async throws(PostgresError) in
            let results = try await run([Query(inbox.counters, [.textArray([user.rawValue])]), query])
            let counters = try results[0].readFirst { row throws(PostgresError) in
                try InboxCounters(row: row, from: 1)
            }
            let items = try results[1].read(InboxItem.init(row:))
            return InboxPage(page: Page(overread: items, size: size) { $0.sequence }, counters: counters ?? .none)
        }
    }

    /// The counters of inboxes; a user whose inbox never had an item is left out.
    package func inboxCounters(of users: [UserID]) async throws(StorageError) -> [UserID: InboxCounters] {
        try await storing { () async throws(PostgresError) in
            let results = try await run([Query(inbox.counters, [.textArray(users.map(\.rawValue))])])
            var counters: [UserID: InboxCounters] = [:]
            for row in results[0] { counters[try row.identifier(0)] = try InboxCounters(row: row, from: 1) }
            return counters
        }
    }

    /// Marks items as read, and thereby as seen. Those that are read already, and those of others, are passed over.
    package func markRead(
        of user: UserID, _ notifications: [NotificationID], now: Instant
    ) async throws(StorageError) -> InboxChange {
        try await mark(
            user,
            Query(
                inbox.markRead,
                [.text(user), .uuidArray(notifications.map { UUIDBytes($0) }), .timestamp(now)]))
    }

    /// Marks all items up to a sequence number as seen.
    package func markSeen(
        of user: UserID, upTo sequence: Int64, now: Instant
    ) async throws(StorageError) -> InboxChange {
        try await mark(user, Query(inbox.markSeen, [.text(user), .int8(sequence), .timestamp(now)]))
    }

    private func mark(_ user: UserID, _ query: Query) async throws(StorageError) -> InboxChange {
        try await storing { () async throws(PostgresError) in
            let results = try await run([Query(inbox.lockCounters, [.text(user)]), query])
            let change = try results[1].readFirst { row throws(PostgresError) in
                InboxChange(changed: try row.int8(0), counters: try InboxCounters(row: row, from: 1))
            }
            return change ?? InboxChange(changed: 0, counters: .none)
        }
    }
}
