package import Domain
internal import Postgres

extension TenantAdministration {
    /// Makes a tenant with its role, its schema, the partitions of this month, and its first keys: all in one transaction, so
    /// there is never half a tenant. The next month's partitions follow with ``makeMonthsAhead(now:goesOn:failed:)``.
    ///
    /// - Parameters:
    ///   - creation: what shall be.
    ///   - stamp: who makes it.
    ///   - now: the time of making.
    /// - Throws: ``StorageError/Code/idReserved`` if a tenant of that id was just erased.
    package func createTenant(
        _ creation: TenantCreation, stamp: AuditStamp, now: Instant
    ) async throws(StorageError) -> TenantCreationOutcome {
        do throws(PostgresError) {
            // Of many at once the others wait for the first, and get the answer that it exists.
            return try await persistently { () async throws(PostgresError) in
                let (line, schema) = Self.queries(creation, stamp: stamp, now: now)
                let results = try await run(line + schema)
                guard let record = try results[0].readFirst(TenantRecord.init(row:)) else {
                    throw PostgresError(.decoding, "an insert returned no row")
                }
                return .created(record)
            }
        } catch {
            guard error.code == .uniqueViolation, error.constraint == "tenant_pkey" else {
                throw StorageError(making: error)
            }
        }
        return try await storing { () async throws(PostgresError) in
            let results = try await run([Query(AdministrationStatements.tenantWithHash, [.text(creation.id)])])
            guard let row = results[0].first else { return .conflict }
            let isSame = try row.bytes(TenantRecord.columnCount) == creation.requestHash
            return isSame ? .replayed(try TenantRecord(row: row)) : .conflict
        }
    }

    /// What is written in the registry, the tenant's line first, and what in the database that the tenant shall be in.
    static func queries(
        _ creation: TenantCreation, stamp: AuditStamp, now: Instant
    ) -> (registry: [Query], schema: [Query]) {
        var queries = [
            Query(
                AdministrationStatements.insertTenant,
                [.text(creation.id)] + creation.values.parameters + [
                    .bytes(creation.wrappedDataKey), .bytes(creation.requestHash), .int4(TenantSchema.version),
                    // No month of its history is made yet.
                    .text(Month(containing: now).adding(months: -1).firstDay), .timestamp(now),
                    .text(creation.database.rawValue),
                    // Greater than any that a tenant of this id has had: an etag of one that was erased fits no other.
                    .int8(now.microseconds),
                ]),
            notReserved(creation.id, now: now),
        ]
        queries += RegistryAudit.queries(
            chain: creation.id, stamp: stamp, action: "tenant.create", object: "tenant/\(creation.id)", before: nil,
            after: creation.audited)
        if let key = creation.firstKey {
            queries.append(Query(KeyStatements.add, key.parameters(tenant: creation.id, now: now)))
        }
        if !creation.portalKeys.isEmpty {
            queries.append(PortalKey.insertion(of: creation.portalKeys, tenant: creation.id, now: now))
        }
        return (queries, TenantSchema.creation(SchemaName(creation.id), now: now).map { Query($0) })
    }
}
