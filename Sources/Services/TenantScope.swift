internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Postgres
internal import Security
internal import Storage

/// One tenant on one loop: its store, its facts in memory, its way to publish and the bounds of its calls.
///
/// Safe as `@unchecked Sendable` because it is confined to its loop; what it holds asserts.
final class TenantScope: @unchecked Sendable {
    let id: TenantID
    let store: TenantStore
    let facts: TenantFacts
    let publisher: PublishQueue
    /// What each of its calls goes through as soon as it is known to be the tenant's. They are the same on all loops, and are
    /// found here, with the caller that is known already: no call looks them up.
    let gates: TenantGates
    /// The tenant as the registry knew it when it was last asked.
    private(set) var record: TenantRecord
    private var openedKey: DataKey?

    init(
        loop: EventLoop, pool: PostgresPool, record: TenantRecord, dependencies: ServiceDependencies,
        budget: FactsBudget, gates: TenantGates
    ) {
        self.gates = gates
        id = record.id
        self.record = record
        store = TenantStore(tenant: record.id, pool: pool)
        facts = TenantFacts(
            loop: loop, store: store, policy: record.enabledWithoutSubscription, budget: budget)
        publisher = PublishQueue(
            loop: loop, store: store, limit: dependencies.limits.waitingEvents, clock: dependencies.clock)
    }

    /// Takes what the registry said. It may be older than what is known: it was kept, or asked for before a change.
    func update(_ record: TenantRecord) {
        let known = (self.record.createdAt, self.record.revision)
        guard record != self.record, (record.createdAt, record.revision) >= known else { return }
        if record.wrappedDataKey != self.record.wrappedDataKey { openedKey = nil }
        self.record = record
        facts.policy = record.enabledWithoutSubscription
    }

    /// The key that seals the tenant's secrets.
    ///
    /// - Throws: INTERNAL when the key file is not the one that the tenant was made with: an operator has to act.
    func dataKey(_ keyring: Keyring) throws(Status) -> DataKey {
        if let openedKey { return openedKey }
        do {
            let key = try keyring.unwrap(record.wrappedDataKey, for: id.rawValue)
            openedKey = key
            return key
        } catch {
            throw Status(.internalError, .internalError, "the tenant's key cannot be opened; the operator has to act")
        }
    }
}
