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

    fileprivate var action: String {
        switch self {
        case .suspend: "tenant.suspend"
        case .resume: "tenant.resume"
        case .delete: "tenant.delete"
        }
    }
}

extension TenantAdministration {
    /// Changes what an operator may change of a tenant.
    ///
    /// - Parameters:
    ///   - record: the tenant as it was read; throws ``StorageError/Code/revisionMismatch`` if it has changed since.
    ///   - write: what it shall be.
    ///   - stamp: who makes the change.
    ///   - now: the time of the change.
    package func updateTenant(
        _ record: TenantRecord, _ write: TenantWrite, stamp: AuditStamp, now: Instant
    ) async throws(StorageError) -> TenantRecord {
        try await change(
            record,
            RegistryAudit.queries(
                chain: record.id, stamp: stamp, action: "tenant.update", object: "tenant/\(record.id)",
                before: record.values.audited, after: write.audited),
            Query(TenantLifeStatements.update, [.text(record.id)] + write.parameters + [.timestamp(now)]), now: now)
    }

    /// Changes whether a tenant is served.
    ///
    /// - Parameters:
    ///   - record: the tenant as it was read; throws ``StorageError/Code/revisionMismatch`` if it has changed since.
    ///   - turn: what becomes of it.
    ///   - stamp: who makes the change.
    ///   - now: the time of the change.
    package func turn(
        _ record: TenantRecord, to turn: TenantTurn, stamp: AuditStamp, now: Instant
    ) async throws(StorageError) -> TenantRecord {
        let (state, eraseAt) = turn.columns
        return try await change(
            record,
            RegistryAudit.queries(
                chain: record.id, stamp: stamp, action: turn.action, object: "tenant/\(record.id)",
                before: Self.audited(record.state, record.eraseAt), after: Self.audited(state, eraseAt)),
            Query(
                TenantLifeStatements.changeState,
                [.text(record.id), .text(state.rawValue), .timestamp(eraseAt), .timestamp(now)]), now: now)
    }

    private static func audited(_ state: TenantState, _ eraseAt: Instant?) -> String {
        var writer = JSONWriter()
        writer.object {
            $0.key("state")
            $0.string(state.rawValue)
            $0.key("erase_at")
            $0.optional(eraseAt?.description)
        }
        return writer.text
    }

    private func change(
        _ record: TenantRecord, _ audit: [Query], _ query: Query, now: Instant
    ) async throws(StorageError) -> TenantRecord {
        let expected = Query(TenantLifeStatements.assertRevision, [.text(record.id), .int8(record.revision)])
        return try await storing { () async throws(PostgresError) in
            let results = try await persistently { () async throws(PostgresError) in
                // What other processes remember of the tenant and its keys is read again.
                try await run(audit + [expected, RegistryStore.credentialsChanged(record.id, now: now), query])
            }
            guard let record = try results[results.count - 1].readFirst(TenantRecord.init(row:)) else {
                throw PostgresError(.decoding, "an update returned no row")
            }
            return record
        }
    }

    /// How long a resumption may be under way that found the tenant's time not come yet, clocks that differ included.
    private static let resumeMargin: Int64 = 60_000_000

    /// Nobody can resume a tenant any more whose time had come by then.
    private static func certain(_ now: Instant) -> Instant { Instant(microseconds: now.microseconds - resumeMargin) }

    /// Tenants that are to be erased now, in the order of their ids.
    ///
    /// - Parameters:
    ///   - now: the time.
    ///   - after: the last tenant of the page before, so that those that cannot be erased are in nobody's way.
    ///   - limit: the most that are returned.
    package func tenantsToErase(
        now: Instant, after: TenantID? = nil, limit: Int
    ) async throws(StorageError) -> [TenantRecord] {
        try await storing { () async throws(PostgresError) in
            let query = Query(
                TenantLifeStatements.due,
                [
                    .timestamp(now), .timestamp(Self.certain(now)), .text(after?.rawValue ?? ""), .int8(Int64(limit)),
                ])
            return try (try await run([query]))[0].read(TenantRecord.init(row:))
        }
    }

    /// Erases a tenant whose time has come: its schema with everything in it, its role, and its line in the registry with its
    /// keys, its portal keys, the audit of what operators did to it, and its wrapped data key. No service acts for it any more. What
    /// is dead in the registry's files is removed a little later (``RegistrySweep``). A backup that holds the
    /// registry's line and the schema can still be opened with the key-encryption key; what holds only one of them cannot.
    ///
    /// All in one transaction, so there is never half a tenant. In another database than the registry's that cannot be: there the
    /// schema goes first, a minute after the time has come, when nobody can resume the tenant any more.
    ///
    /// What is left is a line in the installation's audit that says so, and for ``idReservation`` the id, which nobody gets
    /// meanwhile.
    ///
    /// - Throws: ``StorageError/Code/revisionMismatch`` if it was resumed meanwhile, or is gone.
    package func eraseTenant(_ tenant: TenantID, stamp: AuditStamp, now: Instant) async throws(StorageError) {
        let schema = SchemaName(tenant)
        let removal = [
            "DROP SCHEMA IF EXISTS \(schema) CASCADE", "DROP ROLE IF EXISTS \(schema)",
        ].map { Query(Statement($0, prepared: false)) }
        let queries =
            [Query(AdministrationStatements.shortLockTimeout)]
            + RegistryAudit.queries(TenantLifeStatements.auditErasure, [.text(tenant)], chain: nil, stamp: stamp)
            + [Query(TenantLifeStatements.assertDue, [.text(tenant), .timestamp(now)])] + removal + [
                Query(TenantLifeStatements.leaveServices, [.text(tenant), .timestamp(now)]),
                Query(TenantLifeStatements.eraseAudit, [.text(tenant)]),
                Query(TenantLifeStatements.eraseAuditHead, [.text(tenant)]),
                Query(TenantLifeStatements.erase, [.text(tenant), .timestamp(now)]),
                Query(TenantLifeStatements.reserve, [.text(tenant), .timestamp(now)]),
            ]
        try await storing { () async throws(PostgresError) in
            let place = try await place(of: tenant)
            if place != .main {
                // In another database it goes first: what is left when this is broken off is a line that names nothing, and is
                // erased in the next round.
                let certain = Parameter.timestamp(Self.certain(now))
                _ = try await run([Query(TenantLifeStatements.assertDue, [.text(tenant), certain])])
                let there = [Query(AdministrationStatements.shortLockTimeout)] + removal
                _ = try await persistently { () async throws(PostgresError) in try await run(there, at: place) }
            }
            _ = try await persistently { () async throws(PostgresError) in try await run(queries) }
        }
    }
}
