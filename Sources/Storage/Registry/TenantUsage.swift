package import Domain
internal import Postgres

/// What a tenant has stored, as it was counted last. It is close enough to refuse those who store without end, and no account
/// of anything.
package struct TenantUsage: Sendable, Hashable {
    /// Rows of its schema, of all tables together.
    package let rows: Int64
    /// What they take on disk, in octets.
    package let octets: Int64
    /// When that was counted.
    package let countedAt: Instant

    /// Describes what was counted.
    package init(rows: Int64, octets: Int64, countedAt: Instant) {
        self.rows = rows
        self.octets = octets
        self.countedAt = countedAt
    }
}

extension TenantUsage {
    /// Reads ``RegistryStatements/usageColumns`` from column 0.
    init(row: Row) throws(PostgresError) {
        rows = try row.int8(0)
        octets = try row.int8(1)
        countedAt = try row.instant(2)
    }
}

extension RegistryStore {
    /// A tenant with what it has stored, if that was counted yet; nil if there is no such tenant.
    package func tenantWithUsage(
        _ tenant: TenantID
    ) async throws(StorageError) -> (tenant: TenantRecord, usage: TenantUsage?)? {
        try await storing { () async throws(PostgresError) in
            let results = try await run([
                Query(RegistryStatements.tenant, [.text(tenant)]), Query(RegistryStatements.usage, [.text(tenant)]),
            ])
            guard let record = try results[0].readFirst(TenantRecord.init(row:)) else { return nil }
            return (record, try results[1].readFirst(TenantUsage.init(row:)))
        }
    }
}
