internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage
internal import Synchronization

/// All WatchInbox streams of one loop, by tenant. Confined to its loop, but for ``hasWatchers``.
///
/// Safe as `@unchecked Sendable` because everything but the atomic count is touched on the loop only.
final class InboxHub: @unchecked Sendable {
    private let loop: EventLoop
    private let limits: ServiceLimits
    private let clock: @Sendable () -> Instant
    private var tenants: [TenantID: WatchedInboxes] = [:]
    private let count = Atomic<Int>(0)
    private var isDraining = false

    init(loop: EventLoop, limits: ServiceLimits, clock: @escaping @Sendable () -> Instant) {
        self.loop = loop
        self.limits = limits
        self.clock = clock
    }

    /// Whether anybody watches on this loop. Any thread.
    var hasWatchers: Bool { watchers > 0 }

    /// How many streams there are on this loop. Any thread.
    var watchers: Int { count.load(ordering: .relaxed) }

    /// Begins a stream; ``leave(_:)`` must follow.
    ///
    /// - Throws: RESOURCE_EXHAUSTED when the user or the loop has too many, UNAVAILABLE when the process is about to end.
    func watch(
        _ portal: PortalCaller, after cursor: Int64?
    ) throws(Status) -> InboxWatcher {
        let (user, scope) = (portal.user, portal.scope)
        loop.assertOnLoop()
        if isDraining { throw .draining }
        let inboxes =
            tenants[scope.id] ?? WatchedInboxes(loop: loop, store: scope.store, pollTime: limits.inboxPoll)
        guard count.load(ordering: .relaxed) < limits.watchers, inboxes.count(of: user) < limits.watchersPerUser else {
            throw Status(
                .resourceExhausted, .tooManyStreams, "too many open WatchInbox streams; close some first",
                retryAfter: .seconds(5))
        }
        tenants[scope.id] = inboxes
        let watcher = InboxWatcher(loop: loop, tenant: scope.id, user: user, key: portal.key, after: cursor)
        watcher.expire(after: clock().duration(to: portal.expiry))
        count.add(1, ordering: .relaxed)
        inboxes.add(watcher)
        return watcher
    }

    /// Ends a stream's part here.
    func leave(_ watcher: InboxWatcher) {
        loop.assertOnLoop()
        watcher.end(Status(.cancelled, "the stream is over"))
        count.subtract(1, ordering: .relaxed)
        guard let inboxes = tenants[watcher.tenant] else { return }
        inboxes.remove(watcher)
        if inboxes.isEmpty { tenants[watcher.tenant] = nil }
    }

    /// Something was stored in these inboxes.
    func changed(_ users: [UserID], of tenant: TenantID) {
        loop.assertOnLoop()
        tenants[tenant]?.changed(users)
    }

    /// Items of an inbox have changed.
    func itemsChanged(_ items: [InboxItem], _ counters: InboxCounters, of user: UserID, in tenant: TenantID) {
        loop.assertOnLoop()
        tenants[tenant]?.itemsChanged(items, counters, of: user)
    }

    /// Ends all streams of a tenant.
    func end(_ tenant: TenantID, _ status: Status) {
        loop.assertOnLoop()
        tenants[tenant]?.end(status)
    }

    /// The tenants whose inboxes are watched.
    var watchedTenants: [TenantID] {
        loop.assertOnLoop()
        return Array(tenants.keys)
    }

    /// Ends the streams of a tenant whose tokens are no longer good: those signed with other keys than these, and all of them
    /// if the tenant is not active.
    ///
    /// - Parameters:
    ///   - tenant: whose.
    ///   - state: the tenant's state; nil when it is gone.
    ///   - keys: the keys that its tokens may be signed with.
    func recheck(_ tenant: TenantID, _ state: TenantState?, keys: [PortalKey]) {
        loop.assertOnLoop()
        guard let inboxes = tenants[tenant] else { return }
        switch state {
        case .active?: inboxes.end(.keyRevoked) { !keys.contains($0.key) }
        case nil: inboxes.end(.keyRevoked)
        case .some(let state): inboxes.end(.notServed(state))
        }
    }

    /// Ends all streams and takes no more.
    func drain() {
        loop.assertOnLoop()
        isDraining = true
        for inboxes in tenants.values { inboxes.end(.draining) }
    }
}
