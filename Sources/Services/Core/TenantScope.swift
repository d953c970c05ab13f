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
    /// How much the gates let through.
    private(set) var terms: TenantTerms
    /// The tenant as the registry knew it when it was last asked.
    private(set) var record: TenantRecord
    /// What it had stored when that was counted last, as far as this loop has heard; nil when it was never counted.
    private(set) var usage: TenantUsage?
    private let table: TenantGateTable
    private let databases: DatabasePools
    private var openedKey: DataKey?

    init(
        loop: EventLoop, databases: DatabasePools, record: TenantRecord, dependencies: ServiceDependencies,
        hearing: FactsHearing, budget: FactsBudget, gates table: TenantGateTable, search: @escaping TenantStore.Search
    ) {
        self.table = table
        self.databases = databases
        gates = table[record.id]
        terms = table.terms(record.limits)
        id = record.id
        self.record = record
        store = TenantStore(tenant: record.id, pool: databases.pool(of: record.place), search: search)
        facts = TenantFacts(
            loop: loop, store: store, record: record, age: dependencies.limits.factsAge, hearing: hearing,
            budget: budget, clock: dependencies.clock)
        publisher = PublishQueue(
            loop: loop, store: store, limit: dependencies.limits.waitingEvents, clock: dependencies.clock)
    }

    /// Takes what the registry said. It may be older than what is known: it was kept, or asked for before a change.
    ///
    /// - Returns: whether the tenant was erased meanwhile, and made anew or imported.
    func update(_ record: TenantRecord) -> Bool {
        guard record != self.record, !record.isOlder(than: self.record) else { return false }
        let isAnotherLife = record.isOfAnotherLife(than: self.record)
        if isAnotherLife {
            usage = nil
            // What comes from an archive may have lower versions than what is known, and would not be kept beside it.
            facts.forget()
        }
        if record.limits != self.record.limits { terms = table.terms(record.limits) }
        if record.wrappedDataKey != self.record.wrappedDataKey { openedKey = nil }
        if record.place != self.record.place {
            // What is under way ends where it began, everything else goes to where the tenant is now.
            store.move(to: databases.pool(of: record.place))
            facts.forget()
        }
        self.record = record
        facts.update(record)
        return isAnotherLife
    }

    /// Where the tenant is, by what is known.
    var whereabouts: TenantStore.Whereabouts {
        record.movingTo == nil ? .at(databases.pool(of: record.place)) : .held
    }

    /// Takes over what was counted, unless a later count is known.
    func update(_ usage: TenantUsage) {
        if let known = self.usage, known.countedAt > usage.countedAt { return }
        self.usage = usage
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
