internal import CarillonNet
internal import Domain
internal import Storage

/// What decisions of one tenant rest on, in the memory of one loop.
///
/// Confined to its loop. Safe as `@unchecked Sendable` for that reason.
final class TenantFacts: @unchecked Sendable {
    /// For decisions about single users.
    let users: TenantUsers
    /// For decisions about events.
    let sides: TenantSides
    /// What times are reckoned by at the moment.
    var clocks: Clocks { time.clocks }
    private let freshness: FactsFreshness
    private let time: TenantTime

    init(
        loop: EventLoop, store: TenantStore, record: TenantRecord, age: Duration, hearing: FactsHearing,
        budget: FactsBudget, clock: @escaping @Sendable () -> Instant
    ) {
        let (time, policy) = (TenantTime(zone: record.timeZone, clock: clock), record.enabledWithoutSubscription)
        self.time = time
        freshness = FactsFreshness(loop: loop, age: age, hearing: hearing)
        users = TenantUsers(
            loop: loop, store: store, policy: policy, freshness: freshness, budget: budget, clocks: { time.clocks })
        sides = TenantSides(
            loop: loop, store: store, policy: policy, freshness: freshness, budget: budget, clocks: { time.clocks })
        budget.add(self)
        users.onLoss = { [weak self] in self?.forget() }
    }

    /// Takes what the registry says of the tenant. What was read is by the zone of then.
    func update(_ record: TenantRecord) {
        users.policy = record.enabledWithoutSubscription
        sides.policy = record.enabledWithoutSubscription
        guard record.timeZone != time.zone else { return }
        time.zone = record.timeZone
        forget()
    }

    /// Forgets everything: it has changed, or may have.
    func forget() {
        freshness.outdate()
        users.forget()
        sides.forget()
    }

    /// Takes a user whom this process has just changed; see ``TenantUsers/take(_:_:readAt:)``.
    func take(_ user: UserSnapshot, _ home: HomeSnapshot, readAt: MonotonicTime) {
        freshness.dropReads()
        users.take(user, home, readAt: readAt)
        sides.forget(user.record.account)
    }

    /// Makes nothing current that was read before: another process has changed something. Publish may still use it.
    func changedElsewhere() {
        freshness.outdate()
        // Most of it is as it was.
        users.proveVersions()
    }

    /// Drops what nobody asked for since the last time.
    func clearUp() {
        users.clearUp()
        sides.clearUp()
    }
}

/// What times of a tenant are reckoned by. Confined to its loop.
private final class TenantTime {
    /// IANA name of the tenant's zone; from its record.
    var zone: String
    private let clock: @Sendable () -> Instant

    init(zone: String, clock: @escaping @Sendable () -> Instant) {
        self.zone = zone
        self.clock = clock
    }

    var clocks: Clocks { Clocks(zone: zone, now: clock()) }
}
