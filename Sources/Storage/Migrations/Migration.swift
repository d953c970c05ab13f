/// One way from a version of a kind of schema to the next.
///
/// It expands: it leaves a schema that programs of the version before can still use. Taking away what only they used is
/// for a later version, which says so with ``servesFrom``.
struct Migration: Sendable {
    /// The version that it leads to.
    let version: Int32
    /// What it is for, in a few words, for who looks at a plan.
    let title: String
    /// What it does, in order. Scripts for tenants take `schema`.
    let script: SQLScript
    /// The version of the oldest programs that can use the schema afterwards; nil if it takes nothing away.
    let servesFrom: Int32?

    /// A migration that expands, or one that contracts if it names the oldest programs that are left.
    init(version: Int32, _ title: String, script: SQLScript, servesFrom: Int32? = nil) {
        precondition(servesFrom.map { $0 < version } ?? true, "programs of the version before must be able to go on")
        self.version = version
        self.title = title
        self.script = script
        self.servesFrom = servesFrom
    }
}

/// The registry's history.
enum RegistrySchema {
    /// The version that ``migrations`` lead to.
    static let version: Int32 = 3

    /// All migrations in order, from nothing.
    static let migrations = [
        Migration(version: 1, "tenants, keys, workers and leases", script: .registry),
        Migration(version: 2, "placement, limits, looks, services, audit and duties", script: .registry2),
        Migration(version: 3, "moves, hints of changes, and erased ids", script: .registry3),
    ]
}

extension TenantSchema {
    /// All migrations in order, from version 1. New tenants are made from ``SQLScript/tenant``, which already holds them.
    static let migrations = [
        Migration(version: 2, "the audit as a chain, and a role for the worker", script: .tenant2),
        Migration(version: 3, "no samples of words in statistics", script: .tenant3),
        Migration(version: 4, "when and how often people want to hear of something", script: .tenant4),
        Migration(version: 5, "how many messages one person may get", script: .tenant5),
        Migration(version: 6, "digests, events for later, suppressed addresses", script: .tenant6),
        Migration(version: 7, "addresses that users add", script: .tenant7),
    ]
}
