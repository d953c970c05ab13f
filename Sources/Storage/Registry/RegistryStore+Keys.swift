package import Domain
internal import Postgres

extension RegistryStore {
    /// One API key with its tenant and what that has stored; nil if there is no such key. Whether it is valid is the caller's to check, by time.
    package func credential(_ keyID: String) async throws(StorageError) -> Credential? {
        try await storing { () async throws(PostgresError) in
            let results = try await run([
                Query(KeyStatements.one, [.text(keyID)]), Query(KeyStatements.tenant, [.text(keyID)]),
                Query(KeyStatements.usage, [.text(keyID)]),
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
            try (try await run([Query(KeyStatements.ofTenant, [.text(tenant)])]))[0]
                .read(APIKeyRecord.init(row:))
        }
    }

    /// Records when keys were used last. Coarse on purpose: callers gather uses and write them now and then.
    package func recordUse(of keys: [String: Instant]) async throws(StorageError) {
        guard !keys.isEmpty else { return }
        let uses = keys.sorted { $0.key < $1.key }
        let query = Query(
            KeyStatements.touch,
            [.textArray(uses.map(\.key)), .timestampArray(uses.map { Timestamp($0.value) })])
        try await storing { () async throws(PostgresError) in _ = try await run([query]) }
    }

    /// Stores a key of a tenant, unless the tenant has too many in force.
    ///
    /// - Parameters:
    ///   - key: the key.
    ///   - tenant: whose.
    ///   - limit: how many keys in force a tenant may have.
    ///   - stamp: who makes the change.
    ///   - now: the time of making.
    /// - Returns: the key as stored; nil when there are as many as there may be.
    /// - Throws: ``StorageError/Code/referenceMissing`` if there is no such tenant.
    package func createAPIKey(
        _ key: NewAPIKey, tenant: TenantID, limit: Int, stamp: AuditStamp, now: Instant
    ) async throws(StorageError) -> APIKeyRecord? {
        // The head of the tenant's audit is what two who make keys at the same time meet at: the second one counts what the
        // first one made.
        let line = RegistryAudit.queries(
            KeyStatements.auditCreate,
            [.text("key/\(key.id)"), .json(key.audited), .timestamp(now), .int8(Int64(limit))], chain: tenant,
            stamp: stamp)
        let queries = [
            Query(KeyStatements.create, key.parameters(tenant: tenant, now: now) + [.int8(Int64(limit))]),
            Self.credentialsChanged(tenant, now: now),
        ]
        return try await storing { () async throws(PostgresError) in
            try (try await run(line + queries))[line.count].readFirst(APIKeyRecord.init(row:))
        }
    }

    /// The keys of a tenant in the order of their ids.
    ///
    /// - Parameters:
    ///   - tenant: whose.
    ///   - after: the last key of the page before.
    ///   - size: the most keys that are returned.
    package func apiKeys(
        of tenant: TenantID, after: String?, size: Int
    ) async throws(StorageError) -> Page<APIKeyRecord, String> {
        try await storing { () async throws(PostgresError) in
            let query = Query(KeyStatements.page, [.text(tenant), .text(after ?? ""), .int8(Int64(size) + 1)])
            let records = try (try await run([query]))[0].read(APIKeyRecord.init(row:))
            return Page(overread: records, size: size) { $0.id }
        }
    }

    /// Ends a key of a tenant; one that was revoked before stays as it is. Other processes are told.
    ///
    /// - Returns: the key as stored; nil if the tenant has no such key.
    package func revokeAPIKey(
        _ key: String, of tenant: TenantID, stamp: AuditStamp, now: Instant
    ) async throws(StorageError) -> APIKeyRecord? {
        let line = RegistryAudit.queries(KeyStatements.auditRevoke, [.text(key)], chain: tenant, stamp: stamp)
        return try await storing { () async throws(PostgresError) in
            let results = try await run(
                line + [
                    Query(KeyStatements.revoke, [.text(tenant), .text(key), .timestamp(now)]),
                    Self.credentialsChanged(tenant, now: now),
                ])
            return try results[line.count].readFirst(APIKeyRecord.init(row:))
        }
    }

    /// Tells other processes that something of a tenant has changed that they may have in memory.
    static func credentialsChanged(_ tenant: TenantID, now: Instant) -> Query {
        Query(RegistryStatements.signal, [.textArray([tenant.rawValue]), .null, .timestamp(now)])
    }
}
