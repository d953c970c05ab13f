internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Postgres
internal import Storage
internal import Telemetry

/// Everything that the services keep on one loop. Nothing of it is shared with other loops, so nothing of it is locked,
/// but for the gates that all loops count a tenant's calls at.
///
/// Safe as `@unchecked Sendable` because it is confined to `loop`; every entry asserts.
final class LoopState: @unchecked Sendable {
    let loop: EventLoop
    let pool: PostgresPool
    let registry: RegistryStore
    let dependencies: ServiceDependencies
    let authenticator: Authenticator
    let inboxes: InboxHub
    let tenantStreams: TenantStreams
    /// Answers of checks, ready to be sent, and what checks have come to.
    let checkAnswers = CheckAnswers()
    /// What was published, and decided of it.
    let publishCounters: PublishCounters
    /// Questions to the registry that pages without a credential have asked.
    let pageQuestions = RateMeter()
    /// Whether this loop would have heard of changes that other processes make to facts.
    let hearing: FactsHearing
    /// Tells them of those that this one makes.
    let teller: FactsTeller
    /// Whether versions are being asked for, or will be when it is the next tenant's turn.
    private(set) var isProving = false
    /// What was proven before is to be proven again.
    private var provedAnewAt = MonotonicTime(nanoseconds: .min)
    private let databases: DatabasePools
    let budget: FactsBudget
    private let gates: TenantGateTable
    private var scopes: [TenantID: TenantScope] = [:]
    /// When it was last said that a tenant's months are missed.
    private var monthsMissed: BoundedCache<TenantID, MonotonicTime>
    private let searches: TenantSearches

    init(loop: EventLoop, pool: PostgresPool, dependencies: ServiceDependencies, gates: TenantGateTable) {
        self.loop = loop
        self.pool = pool
        self.dependencies = dependencies
        registry = RegistryStore(pool: pool)
        publishCounters = PublishCounters(dependencies.metrics)
        databases = DatabasePools(loop: loop, main: pool, configuration: dependencies.databases)
        searches = TenantSearches(loop: loop, limit: dependencies.limits.credentials)
        authenticator = Authenticator(limits: dependencies.limits)
        hearing = FactsHearing(dependencies.limits)
        teller = FactsTeller(loop: loop, registry: registry)
        budget = FactsBudget(limit: dependencies.limits.factsOctets)
        self.gates = gates
        monthsMissed = BoundedCache(limit: 1_024)
        tenantStreams = TenantStreams(loop: loop)
        inboxes = InboxHub(loop: loop, limits: dependencies.limits, clock: dependencies.clock)
    }

    /// What this loop keeps of a tenant that was just read from the registry. There is one object for each tenant on each
    /// loop, so that forgetting facts reaches everybody who holds it; they are as many as there are tenants that call, which
    /// an operator has made; those that were erased are let go a while later.
    ///
    /// - Parameters:
    ///   - record: the tenant.
    ///   - usage: what it had stored, if that was read too.
    func scope(of record: TenantRecord, usage: TenantUsage? = nil) -> TenantScope {
        loop.assertOnLoop()
        let scope = scope(of: record)
        if let usage { scope.update(usage) }
        return scope
    }

    private func scope(of record: TenantRecord) -> TenantScope {
        if let scope = scopes[record.id] {
            take(record, scope)
            return scope
        }
        let id = record.id
        let scope = TenantScope(
            loop: loop, databases: databases, record: record, dependencies: dependencies, hearing: hearing,
            budget: budget, gates: gates, search: { [weak self] in await self?.search(for: id) ?? .unknown })
        scopes[record.id] = scope
        return scope
    }

    /// What this loop keeps of a tenant that somebody else than a caller names: as it is known for portal tokens too, else asked of the
    /// registry; nil if there is none.
    ///
    /// - Throws: UNAVAILABLE when the registry cannot be asked.
    func scope(named tenant: TenantID) async throws(Status) -> TenantScope? {
        let known =
            if let known = knownByName(tenant) { known } else { try await authenticator.askForPortal(tenant, self) }
        return known.answer.tenant.map { scope(of: $0, usage: known.answer.usage) }
    }

    /// What is known of a tenant by its name alone; nil when ``scope(named:)`` would have to ask.
    func knownByName(_ tenant: TenantID) -> Known<KnownPortal>? {
        authenticator.knownPortal(tenant, since: loop.now.advanced(by: .zero - dependencies.limits.credentialAge))
    }

    /// Takes what the registry said of a tenant, if anybody has asked for the tenant before.
    func take(_ record: TenantRecord) {
        loop.assertOnLoop()
        if let scope = scopes[record.id] { take(record, scope) }
    }

    private func take(_ record: TenantRecord, _ scope: TenantScope) {
        // A key of before opened what was erased, and nothing of who has the name now.
        if scope.update(record) { authenticator.forget(record.id) }
    }

    /// Looks where a tenant is that its database refuses.
    private func search(for tenant: TenantID) async -> TenantStore.Whereabouts {
        guard let scope = scopes[tenant] else { return .unknown }
        let found = await searches.news(of: tenant) { [registry] tenant async throws(StorageError) in
            try await registry.tenant(tenant)
        }
        if let found { take(found, scope) }
        return scope.whereabouts
    }

    /// Looks whether the tokens of open streams are still good, and ends those that are not. A registry that cannot be asked
    /// ends none: as long as it is away, nothing that is new can be read for them either.
    ///
    /// - Parameters:
    ///   - tenants: whose; nil for all that have any.
    ///   - age: how old what is known of their keys may be.
    func recheckStreams(of tenants: Set<TenantID>? = nil, notOlderThan age: Duration) async {
        for tenant in inboxes.watchedTenants where tenants?.contains(tenant) ?? true {
            let known = authenticator.knownPortal(tenant, since: loop.now.advanced(by: .zero - age))
            let fresh = if let known { known } else { try? await authenticator.askForPortal(tenant, self) }
            guard let portal = fresh?.answer else { continue }
            inboxes.recheck(tenant, portal.tenant?.state, keys: portal.registered)
        }
    }

    /// How often the versions of a tenant's accounts are asked for at the most, where nothing is heard of changes: so late that two
    /// thousand tenants have had their turn before ``ServiceLimits/greatestFactsAge`` is over.
    static let provingPause = Duration.seconds(35)
    /// The most tenants whose versions are asked for each time.
    private static let tenantsAtOnce = 64
    /// The time over which those of one round are spread, so that neither the database nor this loop is busy with them for as long, while
    /// calls wait. A round is over before the next would begin.
    static let provingRound = Duration.milliseconds(400)

    /// Sees to it that facts that are asked for stay current, without being read again. Called twice a second.
    ///
    /// - Parameters:
    ///   - isAnew: whether what was proven before counts no more, since changes may have been missed.
    ///   - pause: how long a proof is good enough.
    ///   - round: the time over which those that are due are spread.
    func proveFacts(isAnew: Bool, pause: Duration = provingPause, round: Duration = provingRound) {
        loop.assertOnLoop()
        if isAnew { provedAnewAt = loop.now }
        guard !isProving else { return }
        let before = max(loop.now.advanced(by: .zero - pause), provedAnewAt)
        let due = scopes.values.lazy.map(\.facts.users).filter { $0.isInUse && $0.provenAt <= before }
            .prefix(Self.tenantsAtOnce)
        guard !due.isEmpty else { return }
        isProving = true
        let tenants = Array(due)
        prove(tenants[...], at: loop.now, each: round / tenants.count)
    }

    /// Proves the facts of the first of some tenants, and then of the others. They come one after the other: what answers them waits for
    /// none but one.
    ///
    /// - Parameters:
    ///   - turn: the time at which it is the first one's turn.
    ///   - step: the time from one's turn to the next's.
    private func prove(_ tenants: ArraySlice<TenantUsers>, at turn: MonotonicTime, each step: Duration) {
        guard let users = tenants.first else {
            isProving = false
            return
        }
        let (next, others) = (turn.advanced(by: step), tenants.dropFirst())
        loop.spawn {
            await users.proveVersionsNow()
            // Those that are not current any more wait for no turn.
            if self.loop.now < next, let other = others.first, self.provedAnewAt < other.provenAt {
                self.loop.schedule(at: next) { self.prove(others, at: next, each: step) }
            } else {
                self.prove(others, at: next, each: step)
            }
        }
    }

    /// The tenants that this loop keeps something of, with the time at which each was made.
    var knownTenants: [TenantID: Instant] {
        loop.assertOnLoop()
        return scopes.mapValues(\.record.createdAt)
    }

    /// Lets go of a tenant that was erased. Nobody is let in for it any more by what this loop knows of its credentials: they have
    /// come of age since.
    ///
    /// - Parameter createdAt: when it was made; one that was made since under the same id stays.
    func forget(erased tenant: TenantID, createdAt: Instant) {
        loop.assertOnLoop()
        guard let scope = scopes[tenant], scope.record.createdAt == createdAt else { return }
        scopes[tenant] = nil
        scope.facts.forget()
        budget.remove(scope.facts)
        authenticator.forget(tenant)
    }

    /// How often the processes with the owner's login are asked again for a tenant's months.
    private static let monthsPause = Duration.seconds(5)

    /// A tenant's event was refused because it has no partitions for the month, and this process cannot make them: says so, and asks
    /// the processes that can. Nobody waits for that; who asks in vain is asked to come again anyway.
    func missesMonths(_ tenant: TenantID) {
        loop.assertOnLoop()
        dependencies.monthMissing(tenant)
        if let last = monthsMissed.find(tenant), loop.now < last.advanced(by: Self.monthsPause) { return }
        monthsMissed.insert(loop.now, for: tenant)
        let (registry, now) = (registry, dependencies.clock())
        loop.spawn {
            do throws(StorageError) {
                try await registry.wantMonths(of: tenant, now: now)
            } catch {
                self.monthsMissed.remove(tenant)
            }
        }
    }

    /// Closes the connections with databases other than the registry's.
    func closeDatabases() async {
        await databases.close()
    }

    /// How many users this loop knows, of all tenants.
    var knownUsers: Int {
        loop.assertOnLoop()
        return scopes.values.reduce(0) { $0 + $1.facts.users.count }
    }

    /// What this loop keeps of a tenant, if anybody has asked for it before.
    func knownScope(of tenant: TenantID) -> TenantScope? {
        loop.assertOnLoop()
        return scopes[tenant]
    }
}
