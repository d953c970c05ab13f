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

    /// One API key with its tenant and what that has stored; nil if there is no such key. Whether it is valid is the caller's to check, by time.
    package func credential(_ keyID: String) async throws(StorageError) -> Credential? {
        try await storing { () async throws(PostgresError) in
            let results = try await run([
                Query(RegistryStatements.key, [.text(keyID)]), Query(RegistryStatements.tenantOfKey, [.text(keyID)]),
                Query(RegistryStatements.usageOfKey, [.text(keyID)]),
            ])
            guard let key = try results[0].readFirst(APIKeyRecord.init(row:)) else { return nil }
            return Credential(
                key: key, tenant: try results[1].readFirst(TenantRecord.init(row:)),
                usage: try results[2].readFirst(TenantUsage.init(row:)))
        }
    }

    /// The API keys of a tenant.
    package func apiKeys(of tenant: TenantID) async throws(StorageError) -> [APIKeyRecord] {
        try await storing { () async throws(PostgresError) in
            try (try await run([Query(RegistryStatements.keysOfTenant, [.text(tenant)])]))[0]
                .read(APIKeyRecord.init(row:))
        }
    }

    /// Records when keys were used last. Coarse on purpose: callers gather uses and write them now and then.
    package func recordUse(of keys: [String: Instant]) async throws(StorageError) {
        guard !keys.isEmpty else { return }
        let uses = keys.sorted { $0.key < $1.key }
        let query = Query(
            RegistryStatements.touchKeys,
            [.textArray(uses.map(\.key)), .timestampArray(uses.map { Timestamp($0.value) })])
        try await storing { () async throws(PostgresError) in _ = try await run([query]) }
    }

    /// The keys with which a tenant signs its portal's tokens.
    package func portalKeys(of tenant: TenantID) async throws(StorageError) -> [PortalKey] {
        try await storing { () async throws(PostgresError) in
            try (try await run([Query(RegistryStatements.portalKeys, [.text(tenant)])]))[0].read {
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
                Query(RegistryStatements.portalKeys, [.text(tenant)]),
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
            RegistryStatements.auditPortalKeys,
            [.textArray(keys.map(\.kid)), .textArray(keys.map(\.jwk))], chain: tenant, stamp: stamp)
        try await storing { () async throws(PostgresError) in
            _ = try await run(
                line + [
                    Query(RegistryStatements.dropPortalKeys, [.text(tenant)]),
                    PortalKey.insertion(of: keys, tenant: tenant, now: now),
                    Self.credentialsChanged(tenant, now: now),
                ])
        }
    }
}

extension PortalKey {
    /// The query that stores keys.
    static func insertion(of keys: [PortalKey], tenant: TenantID, now: Instant) -> Query {
        Query(
            RegistryStatements.addPortalKeys,
            [.text(tenant), .textArray(keys.map(\.kid)), .textArray(keys.map(\.jwk)), .timestamp(now)])
    }
}

extension NewAPIKey {
    /// The parameters of ``RegistryStatements/addKey``.
    func parameters(tenant: TenantID, now: Instant) -> [Parameter] {
        [
            .text(id), .text(tenant), .text(displayName), .bytes(secretHash), .text(lastFour), .textArray(scopes),
            .text(createdBy), .timestamp(expiresAt), .timestamp(now),
        ]
    }

    /// What an audit says of the key, as JSON: nothing of its secret.
    var audited: String {
        var writer = JSONWriter()
        writer.object {
            $0.key("display_name")
            $0.string(displayName)
            $0.key("scopes")
            $0.array(scopes) { $0.string($1) }
            $0.key("expires_at_microseconds")
            if let expiresAt { $0.integer(expiresAt.microseconds) } else { $0.null() }
        }
        return writer.text
    }
}

extension TenantRecord {
    /// Reads ``RegistryStatements/tenantColumns`` from column 0.
    init(row: Row) throws(PostgresError) {
        id = try row.identifier(0)
        displayName = try row.text(1)
        state = try row.value(2)
        portalURL = try row.text(3)
        timeZone = try row.text(4)
        locale = try row.text(5)
        enabledWithoutSubscription = try row.value(6)
        wrappedDataKey = try row.bytes(7)
        schemaVersion = try row.int4(8)
        revision = try row.int8(9)
        createdAt = try row.instant(10)
        updatedAt = try row.instant(11)
        database = try row.databaseName(12)
        movingTo = try row.optionalText(13) == nil ? nil : try row.databaseName(13)
        historyMonths = try row.int4(14)
        eraseAt = try row.optionalInstant(15)
        look = try TenantLook(row: row, from: 16)
        limits = try TenantLimits(row: row, from: 19)
        place = TenantPlace(database: database, connection: try row.text(24))
    }
}

extension Row {
    /// The name of a database.
    func databaseName(_ column: Int) throws(PostgresError) -> DatabaseName {
        guard let name = DatabaseName(try text(column)) else { throw .corrupt(column) }
        return name
    }
}

extension APIKeyRecord {
    /// Reads ``RegistryStatements/keyColumns`` from column 0.
    init(row: Row) throws(PostgresError) {
        id = try row.text(0)
        tenant = try row.optionalIdentifier(1)
        displayName = try row.text(2)
        secretHash = try row.bytes(3)
        lastFour = try row.text(4)
        scopes = try row.textArray(5)
        createdBy = try row.text(6)
        createdAt = try row.instant(7)
        expiresAt = try row.optionalInstant(8)
        revokedAt = try row.optionalInstant(9)
        lastUsedAt = try row.optionalInstant(10)
    }
}
