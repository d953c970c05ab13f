package import Domain
package import Postgres

/// What is known before a tenant is: tenants, keys, workers. Read and written as `carillon_serve`.
///
/// Confined to the pool's loop, on which every method must be called.
package final class RegistryStore: @unchecked Sendable {
    private let pool: PostgresPool

    /// The registry, over a pool that logs in as `carillon_serve`.
    package init(pool: PostgresPool) {
        self.pool = pool
    }

    /// Runs queries as one transaction of the login role, for as long as the caller waits (``CallDeadline``).
    func run(_ queries: [Query]) async throws(PostgresError) -> [ResultSet] {
        try await pool.run(Unit(queries), deadline: CallDeadline.current)
    }
}

extension RegistryStore {
    /// One tenant; nil if there is none.
    package func tenant(_ id: TenantID) async throws(StorageError) -> TenantRecord? {
        try await storing { () async throws(PostgresError) in
            try (try await run([Query(RegistryStatements.tenant, [.text(id)])]))[0]
                .readFirst(TenantRecord.init(row:))
        }
    }

    /// All tenants in the order of their ids.
    ///
    /// - Parameters:
    ///   - after: the last tenant of the page before.
    ///   - size: the most tenants that are returned.
    package func tenants(after: TenantID? = nil, size: Int) async throws(StorageError) -> Page<TenantRecord, TenantID> {
        try await storing { () async throws(PostgresError) in
            let query = Query(RegistryStatements.tenants, [.text(after?.rawValue ?? ""), .int8(Int64(size) + 1)])
            let records = try (try await run([query]))[0].read(TenantRecord.init(row:))
            return Page(overread: records, size: size) { $0.id }
        }
    }

    /// Those of some tenants that there are.
    package func present(_ tenants: Set<TenantID>) async throws(StorageError) -> Set<TenantID> {
        guard !tenants.isEmpty else { return [] }
        return try await storing { () async throws(PostgresError) in
            let query = Query(RegistryStatements.present, [.textArray(tenants.map(\.rawValue).sorted())])
            return Set(
                try (try await run([query]))[0].read { row throws(PostgresError) in try row.identifier(0) })
        }
    }
}
