internal import Domain
internal import Postgres

/// What a database says of its versions.
struct StoredVersions: Sendable, Hashable {
    /// Nil for a database without a registry.
    var registry: StoredVersion?
    /// Nil before tenants were migrated for the first time.
    var tenant: StoredVersion?

    /// Reads ``ReadinessStatements/versions``.
    init(_ rows: ResultSet? = nil) throws(PostgresError) {
        guard let rows else { return }
        for row in rows {
            let stored = StoredVersion(version: try row.int4(1), servesFrom: try row.int4(2))
            switch try row.text(0) {
            case SchemaHistory.registry.component: registry = stored
            case SchemaHistory.tenant.component: tenant = stored
            default: break
            }
        }
        // Registries of version 1 say nothing of tenants, which were all of version 1.
        if registry != nil, tenant == nil { tenant = StoredVersion(version: 1, servesFrom: 1) }
    }
}

extension Migrator {
    /// What the database says; refuses one that a newer program has migrated.
    func versions() async throws(StorageError) -> StoredVersions {
        let stored = try await storing { () async throws(PostgresError) in
            let exists = try (try await look(MigrationStatements.registryExists)).readFirst {
                row throws(PostgresError) in try row.bool(0)
            }
            return try StoredVersions(exists == true ? try await look(ReadinessStatements.versions) : nil)
        }
        let refusals = [registryHistory.refusal(stored.registry), tenantHistory.refusal(stored.tenant)]
        if let refusal = refusals.compactMap(\.self).first { throw StorageError(.notReady, refusal) }
        return stored
    }

    /// Asks the registry without changing anything.
    func look(_ question: Statement) async throws(PostgresError) -> ResultSet {
        try await run([Query(MigrationStatements.readOnly), Query(question)])[1]
    }

    /// Says that programs older than a version cannot go on, and gives those that run the time to notice. Must come before
    /// what they use is taken away.
    func announce(
        _ servesFrom: Int32, of history: SchemaHistory, stored: StoredVersion?
    ) async throws(RetryFailure) {
        guard let stored, servesFrom > stored.servesFrom else { return }
        _ = try await patiently { () async throws(PostgresError) in
            try await run([raising(servesFrom, of: history)])
        }
        options.onEvent(.contracting(servesFrom: servesFrom, options.notice))
        do { try await pause(options.notice) } catch { throw .stopped }
    }

    /// The query that records a version of a kind of schema.
    func recording(_ version: Int32, of history: SchemaHistory, now: Instant) -> Query {
        Query(MigrationStatements.recordVersion, [.text(history.component), .int4(version), .timestamp(now)])
    }

    /// The query that records the oldest programs that can use a kind of schema.
    func raising(_ servesFrom: Int32, of history: SchemaHistory) -> Query {
        Query(MigrationStatements.raiseServesFrom, [.text(history.component), .int4(servesFrom)])
    }
}
