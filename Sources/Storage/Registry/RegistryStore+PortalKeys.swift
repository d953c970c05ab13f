package import Domain
internal import Postgres

extension RegistryStore {
    /// The keys with which a tenant signs its portal's tokens.
    package func portalKeys(of tenant: TenantID) async throws(StorageError) -> [PortalKey] {
        try await storing { () async throws(PostgresError) in
            try (try await run([Query(PortalKeyStatements.ofTenant, [.text(tenant)])]))[0].read {
                row throws(PostgresError) in PortalKey(kid: try row.text(0), jwk: try row.text(1))
            }
        }
    }

    /// A tenant with the keys with which it signs its portal's tokens, and what it has stored; nil and no keys if there is no such
    /// tenant.
    package func portal(
        of tenant: TenantID
    ) async throws(StorageError) -> (tenant: TenantRecord?, keys: [PortalKey], usage: TenantUsage?) {
        try await storing { () async throws(PostgresError) in
            let results = try await run([
                Query(RegistryStatements.tenant, [.text(tenant)]),
                Query(PortalKeyStatements.ofTenant, [.text(tenant)]),
                Query(RegistryStatements.usage, [.text(tenant)]),
            ])
            let keys = try results[1].read { row throws(PostgresError) in
                PortalKey(kid: try row.text(0), jwk: try row.text(1))
            }
            return (
                try results[0].readFirst(TenantRecord.init(row:)), keys,
                try results[2].readFirst(TenantUsage.init(row:))
            )
        }
    }

    /// Replaces the keys with which a tenant signs its portal's tokens.
    ///
    /// - Parameters:
    ///   - tenant: whose.
    ///   - keys: all of its keys.
    ///   - stamp: who makes the change.
    ///   - now: the time of the change.
    /// - Throws: ``StorageError/Code/referenceMissing`` if there is no such tenant.
    package func setPortalKeys(
        of tenant: TenantID, _ keys: [PortalKey], stamp: AuditStamp, now: Instant
    ) async throws(StorageError) {
        let line = RegistryAudit.queries(
            PortalKeyStatements.auditSet,
            [.textArray(keys.map(\.kid)), .textArray(keys.map(\.jwk))], chain: tenant, stamp: stamp)
        try await storing { () async throws(PostgresError) in
            _ = try await run(
                line + [
                    Query(PortalKeyStatements.drop, [.text(tenant)]),
                    PortalKey.insertion(of: keys, tenant: tenant, now: now),
                    Self.credentialsChanged(tenant, now: now),
                ])
        }
    }
}
