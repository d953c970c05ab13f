package import Domain
internal import Postgres

/// What becomes of a tenant's service.
package enum TenantTurn: Sendable, Hashable {
    /// Its calls are refused and its work rests.
    case suspend
    /// It is served.
    case resume
    /// As suspended, and erased at this time.
    case delete(at: Instant)

    fileprivate var columns: (state: TenantState, eraseAt: Instant?) {
        switch self {
        case .suspend: (.suspended, nil)
        case .resume: (.active, nil)
        case .delete(let time): (.deleting, time)
        }
    }
}

extension TenantAdministration {
    /// Changes what an operator may change of a tenant.
    ///
    /// - Parameters:
    ///   - tenant: which.
    ///   - write: what it shall be.
    ///   - expectedRevision: the revision it must have; throws ``StorageError/Code/revisionMismatch`` if it has not.
    ///   - now: the time of the change.
    package func updateTenant(
        _ tenant: TenantID, _ write: TenantWrite, expectedRevision: Int64, now: Instant
    ) async throws(StorageError) -> TenantRecord {
        try await change(
            tenant, expectedRevision,
            Query(TenantLifeStatements.update, [.text(tenant)] + write.parameters + [.timestamp(now)]))
    }

    /// Changes whether a tenant is served.
    ///
    /// - Parameters:
    ///   - tenant: which.
    ///   - turn: what becomes of it.
    ///   - expectedRevision: the revision it must have; throws ``StorageError/Code/revisionMismatch`` if it has not.
    ///   - now: the time of the change.
    package func turn(
        _ tenant: TenantID, to turn: TenantTurn, expectedRevision: Int64, now: Instant
    ) async throws(StorageError) -> TenantRecord {
        let (state, eraseAt) = turn.columns
        return try await change(
            tenant, expectedRevision,
            Query(
                TenantLifeStatements.changeState,
                [.text(tenant), .text(state.rawValue), .timestamp(eraseAt), .timestamp(now)]))
    }

    private func change(
        _ tenant: TenantID, _ expectedRevision: Int64, _ query: Query
    ) async throws(StorageError) -> TenantRecord {
        try await storing { () async throws(PostgresError) in
            let results = try await persistently { () async throws(PostgresError) in
                try await run([
                    Query(TenantLifeStatements.assertRevision, [.text(tenant), .int8(expectedRevision)]), query,
                ])
            }
            guard let record = try results[results.count - 1].readFirst(TenantRecord.init(row:)) else {
                throw PostgresError(.decoding, "an update returned no row")
            }
            return record
        }
    }

    /// Tenants that are to be erased now.
    ///
    /// - Parameters:
    ///   - now: the time.
    ///   - limit: the most that are returned.
    package func tenantsToErase(now: Instant, limit: Int) async throws(StorageError) -> [TenantRecord] {
        try await storing { () async throws(PostgresError) in
            try (try await run([Query(TenantLifeStatements.due, [.timestamp(now), .int8(Int64(limit))])]))[0]
                .read(TenantRecord.init(row:))
        }
    }

    /// Erases a tenant whose time has come: its schema with everything in it, its role, and its line in the registry with its
    /// keys, its portal keys, the audit of what operators did to it, and its wrapped data key: whatever was sealed with that
    /// and lies in a backup is lost with it. All in one transaction, so there is never half a tenant.
    ///
    /// - Throws: ``StorageError/Code/revisionMismatch`` if it was resumed meanwhile, or is gone.
    package func eraseTenant(_ tenant: TenantID, now: Instant) async throws(StorageError) {
        let schema = SchemaName(tenant)
        let removal = [
            "DROP SCHEMA IF EXISTS \(schema) CASCADE", "DROP ROLE IF EXISTS \(schema)",
        ].map { Query(Statement($0, prepared: false)) }
        let queries =
            [
                Query(AdministrationStatements.shortLockTimeout),
                Query(TenantLifeStatements.assertDue, [.text(tenant), .timestamp(now)]),
            ] + removal + [
                Query(TenantLifeStatements.eraseAudit, [.text(tenant)]),
                Query(TenantLifeStatements.eraseAuditHead, [.text(tenant)]),
                Query(TenantLifeStatements.erase, [.text(tenant), .timestamp(now)]),
            ]
        try await storing { () async throws(PostgresError) in
            _ = try await persistently { () async throws(PostgresError) in try await run(queries) }
        }
    }
}
