package import Domain
internal import Postgres

/// A page of an inbox with the inbox's counters.
package struct InboxPage: Sendable {
    /// The items; to go on, pass the last one's sequence number.
    package let page: Page<InboxItem, Int64>
    /// The counters. They are read before the items, so an item beyond ``InboxCounters/lastSequence`` may be in the
    /// page, but none up to it is missing.
    package let counters: InboxCounters
}

/// What became of marking items.
package struct InboxChange: Sendable, Hashable {
    /// The items that changed, as they are now, oldest first; those that were marked already are not among them.
    package let items: [InboxItem]
    /// The counters after it.
    package let counters: InboxCounters
}

/// What is new in an inbox.
package struct InboxNews: Sendable, Hashable {
    /// The items after a sequence number, oldest first.
    package let items: [InboxItem]
    /// The counters. They are read before the items, so an item beyond ``InboxCounters/lastSequence`` may be there, but
    /// none up to it is missing, unless the limit cut the items off.
    package let counters: InboxCounters

    /// Makes news.
    package init(items: [InboxItem], counters: InboxCounters) {
        self.items = items
        self.counters = counters
    }

    /// Of an inbox that never had an item.
    package static let none = InboxNews(items: [], counters: .none)
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
            let items = try results[1].read { row throws(PostgresError) in try InboxItem(row: row, from: 0) }
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

    /// What is new in several inboxes, each after a sequence number of its own.
    ///
    /// - Parameters:
    ///   - cursors: whose inboxes, and after which numbers; `Int64.max` asks for the counters alone.
    ///   - size: the most items for each inbox.
    /// - Returns: the news; an inbox that never had an item is left out.
    package func inboxNews(
        after cursors: [UserID: Int64], size: Int
    ) async throws(StorageError) -> [UserID: InboxNews] {
        let cursors = cursors.sorted { $0.key < $1.key }
        let users = Parameter.textArray(cursors.map(\.key.rawValue))
        return try await storing { () async throws(PostgresError) in
            let results = try await run([
                Query(inbox.counters, [users]),
                Query(inbox.news, [users, .int8Array(cursors.map(\.value)), .int8(Int64(size))]),
            ])
            var items: [UserID: [InboxItem]] = [:]
            for row in results[1] { items[try row.identifier(0), default: []].append(try InboxItem(row: row, from: 1)) }
            var news: [UserID: InboxNews] = [:]
            for row in results[0] {
                let user: UserID = try row.identifier(0)
                news[user] = InboxNews(items: items[user] ?? [], counters: try InboxCounters(row: row, from: 1))
            }
            return news
        }
    }

    /// Marks items as read, and thereby as seen. Those that are read already, and those that do not exist, are passed
    /// over.
    package func markRead(
        of user: UserID, sequences: [Int64], now: Instant
    ) async throws(StorageError) -> InboxChange {
        try await mark(user, Query(inbox.markRead, [.text(user), .int8Array(sequences), .timestamp(now)]))
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
            guard let first = results[1].first else { return InboxChange(items: [], counters: .none) }
            var items: [InboxItem] = []
            for row in results[1] where try !row.isNull(InboxCounters.columnCount) {
                items.append(try InboxItem(row: row, from: InboxCounters.columnCount))
            }
            return InboxChange(items: items, counters: try InboxCounters(row: first, from: 0))
        }
    }
}
