internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage

/// The watched inboxes of one tenant on one loop.
///
/// An inbox is quiet, or due to be read: because a stream has begun on it, this process stored something in it, or the
/// poll saw that its counters have moved. Inboxes that are due are read together, in one query for all of them; one read is
/// on its way at a time. The poll is one query for all watched inboxes of the tenant.
///
/// Safe as `@unchecked Sendable` because it is confined to its loop.
final class WatchedInboxes: @unchecked Sendable {
    /// The most inboxes that one query reads.
    private static let batch = 500
    /// The most items that a read brings for one inbox.
    private static let itemLimit = 100

    private let loop: EventLoop
    private let store: TenantStore
    private let pollTime: Duration
    private var watchers: [UserID: [InboxWatcher]] = [:]
    private var seen: [UserID: InboxCounters] = [:]
    private var due: Set<UserID> = []
    private var isReading = false
    private var timer: LoopTimer?

    init(loop: EventLoop, store: TenantStore, pollTime: Duration) {
        self.loop = loop
        self.store = store
        self.pollTime = pollTime
    }

    /// Whether nobody watches.
    var isEmpty: Bool { watchers.isEmpty }

    /// How many streams watch an inbox.
    func count(of user: UserID) -> Int { watchers[user]?.count ?? 0 }

    func add(_ watcher: InboxWatcher) {
        let user = watcher.user
        watchers[user, default: []].append(watcher)
        watcher.onRoom = { [weak self] in self?.changed([user]) }
        changed([user])
        if timer == nil { schedulePoll() }
    }

    func remove(_ watcher: InboxWatcher) {
        watcher.onRoom = nil
        watchers[watcher.user]?.removeAll { $0 === watcher }
        guard watchers[watcher.user]?.isEmpty == true else { return }
        watchers[watcher.user] = nil
        seen[watcher.user] = nil
        due.remove(watcher.user)
        if watchers.isEmpty {
            timer?.cancel()
            timer = nil
        }
    }

    /// Ends every stream that is told.
    func end(_ status: Status, where isEnded: (InboxWatcher) -> Bool = { _ in true }) {
        for watcher in watchers.values.joined() where isEnded(watcher) { watcher.end(status) }
    }

    /// These inboxes, as far as they are watched, are due to be read.
    func changed(_ users: [UserID]) {
        for user in users where watchers[user] != nil { due.insert(user) }
        guard !due.isEmpty, !isReading else { return }
        isReading = true
        loop.spawn { await self.read() }
    }

    /// Hands over items that changed in an inbox.
    func itemsChanged(_ items: [InboxItem], _ counters: InboxCounters, of user: UserID) {
        guard let watchers = watchers[user] else { return }
        seen[user] = counters
        for watcher in watchers { watcher.takeChanged(items, counters) }
    }

    // MARK: Reading

    private func read() async {
        while !due.isEmpty {
            let users = Array(due.prefix(Self.batch))
            due.subtract(users)
            do throws(StorageError) {
                let news = try await store.inboxNews(after: cursors(of: users), size: Self.itemLimit)
                for user in users { handOver(news[user] ?? .none, to: user) }
            } catch {
                // The poll reads them again: what was seen of them is forgotten, so that they look changed.
                for user in users where watchers[user] != nil { seen[user] = nil }
                break
            }
        }
        isReading = false
    }

    /// From where each inbox has to be read: where the stream that is farthest behind and has room stands. For a stream that
    /// begins with what comes next only the counters matter.
    private func cursors(of users: [UserID]) -> [UserID: Int64] {
        var cursors: [UserID: Int64] = [:]
        for user in users {
            cursors[user] = watchers[user]?.filter(\.hasRoom).compactMap(\.cursor).min() ?? .max
        }
        return cursors
    }

    private func handOver(_ news: InboxNews, to user: UserID) {
        guard let watchers = watchers[user] else { return }
        seen[user] = news.counters
        for watcher in watchers where watcher.hasRoom { watcher.take(news.items, news.counters) }
        // A full read may have left items behind.
        if news.items.count >= Self.itemLimit { due.insert(user) }
    }

    // MARK: The poll

    private func schedulePoll() {
        timer = loop.schedule(after: pollTime) { [weak self] in
            guard let self else { return }
            self.timer = nil
            self.loop.spawn { await self.poll() }
        }
    }

    private func poll() async {
        if let counters = try? await store.inboxCounters(of: Array(watchers.keys)) {
            changed(watchers.keys.filter { (counters[$0] ?? InboxCounters.none) != seen[$0] })
        }
        if !watchers.isEmpty, timer == nil { schedulePoll() }
    }
}
