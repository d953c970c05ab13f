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

    init(loop: EventLoop, pool: PostgresPool, dependencies: ServiceDependencies, gates: TenantGateTable) {
        self.loop = loop
        self.pool = pool
        self.dependencies = dependencies
        registry = RegistryStore(pool: pool)
        databases = DatabasePools(loop: loop, main: pool, configuration: dependencies.databases)
        authenticator = Authenticator(limits: dependencies.limits)
        budget = FactsBudget(limit: dependencies.limits.cachedUsers)
        self.gates = gates
        inboxes = InboxHub(loop: loop, limits: dependencies.limits, clock: dependencies.clock)
    }

    /// What this loop keeps of a tenant that was just read from the registry. There is one object for each tenant on each
    /// loop, so that forgetting facts reaches everybody who holds it; they are as many as there are tenants that call, which
    /// an operator has made.
    func scope(of record: TenantRecord) -> TenantScope {
        loop.assertOnLoop()
        if let scope = scopes[record.id] {
            if scope.record.place == record.place {
                scope.update(record)
                return scope
            }
            // It was moved: what is under way ends where it began, everything else goes to where it is now.
            scope.facts.forget()
            budget.remove(scope.facts)
        }
        let scope = TenantScope(
            loop: loop, pool: databases.pool(of: record.place), record: record, dependencies: dependencies,
            budget: budget, gates: gates[record.id])
        scopes[record.id] = scope
        return scope
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
