package import Domain
package import Postgres

/// Everything that is read and written inside one tenant's schema, with the tenant's role.
///
/// Each method is one transaction in one pipelined unit: one round trip. Stores are cheap; each loop that serves a
/// tenant has its own, over its own pool. Confined to the pool's loop, on which every method must be called.
package final class TenantStore: @unchecked Sendable {
    /// Whose schema.
    package let tenant: TenantID
    let pool: PostgresPool
    let schema: SchemaName
    private let affinity: Int

    lazy var directory = DirectoryStatements(schema)
    lazy var facts = FactsStatements(schema)
    lazy var preferences = PreferenceStatements(schema)
    lazy var settings = SettingStatements(schema)
    lazy var providers = ProviderStatements(schema)
    lazy var publishing = PublishStatements(schema)
    lazy var queue = QueueStatements(schema)
    lazy var inbox = InboxStatements(schema)
    lazy var history = HistoryStatements(schema)
    lazy var auditing = AuditStatements(schema)

    /// The store of one tenant, over a pool that logs in as `carillon_serve`.
    package init(tenant: TenantID, pool: PostgresPool) {
        self.tenant = tenant
        self.pool = pool
        schema = SchemaName(tenant)
        affinity = Self.affinity(of: tenant)
    }

    /// A tenant's work stays on few connections, so that few backends cache its tables. The same for every run of the
    /// program (FNV-1a), unlike Swift's own hashes.
    static func affinity(of tenant: TenantID) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in tenant.rawValue.utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        return Int(truncatingIfNeeded: hash >> 1)
    }

    /// Runs queries as one transaction of the tenant's role, for as long as the caller waits (``CallDeadline``).
    func run(_ queries: [Query]) async throws(PostgresError) -> [ResultSet] {
        try await pool.run(Unit(role: schema.text, queries), affinity: affinity, deadline: CallDeadline.current)
    }
}
