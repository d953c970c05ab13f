internal import CarillonNet
internal import Domain
internal import Postgres
internal import Storage

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
    private let databases: DatabasePools
    private let budget: FactsBudget
    private let gates: TenantGateTable
    private var scopes: [TenantID: TenantScope] = [:]
    private let searches: TenantSearches

    init(loop: EventLoop, pool: PostgresPool, dependencies: ServiceDependencies, gates: TenantGateTable) {
        self.loop = loop
        self.pool = pool
        self.dependencies = dependencies
        registry = RegistryStore(pool: pool)
        databases = DatabasePools(loop: loop, main: pool, configuration: dependencies.databases)
        searches = TenantSearches(loop: loop, limit: dependencies.limits.credentials)
        authenticator = Authenticator(limits: dependencies.limits)
        budget = FactsBudget(limit: dependencies.limits.cachedUsers)
        self.gates = gates
        inboxes = InboxHub(loop: loop, limits: dependencies.limits, clock: dependencies.clock)
    }

    /// What this loop keeps of a tenant that was just read from the registry. There is one object for each tenant on each
    /// loop, so that forgetting facts reaches everybody who holds it; they are as many as there are tenants that call, which
    /// an operator has made.
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
            loop: loop, databases: databases, record: record, dependencies: dependencies, budget: budget, gates: gates,
            search: { [weak self] in await self?.search(for: id) ?? .unknown })
        scopes[record.id] = scope
        return scope
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

    /// Closes the connections with databases other than the registry's.
    func closeDatabases() async {
        await databases.close()
    }

    /// What this loop keeps of a tenant, if anybody has asked for it before.
    func knownScope(of tenant: TenantID) -> TenantScope? {
        loop.assertOnLoop()
        return scopes[tenant]
    }
}
