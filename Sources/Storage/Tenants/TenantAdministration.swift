package import Domain
package import Postgres

/// What is done to schemas and roles, as `carillon_owner`: making tenants and months, migrating.
///
/// Confined to the pool's loop, on which every method must be called.
package final class TenantAdministration: @unchecked Sendable {
    /// How the caller waits between tries, by its own clock.
    package typealias Pause = @Sendable (Duration) async throws(CancellationError) -> Void

    let pool: PostgresPool
    /// The ways to databases other than the registry's; nil where there are none.
    let databases: DatabasePools?
    let pause: Pause

    /// Administration over a pool that logs in as `carillon_owner`.
    ///
    /// - Parameters:
    ///   - pool: with the registry's database.
    ///   - databases: the ways to the others in which tenants are, over the same login; nil where there are none.
    ///   - pause: waits between tries.
    package init(pool: PostgresPool, databases: DatabasePools? = nil, pause: @escaping Pause) {
        self.pool = pool
        self.databases = databases
        self.pause = pause
    }

    /// Runs queries as one transaction of the owner, for as long as the caller waits (``CallDeadline``).
    func run(_ queries: [Query], affinity: Int = 0) async throws(PostgresError) -> [ResultSet] {
        try await pool.run(Unit(queries), affinity: affinity, deadline: CallDeadline.current)
    }

    /// Runs queries as one transaction of the owner in the database that a tenant is in.
    func run(_ queries: [Query], at place: TenantPlace) async throws(PostgresError) -> [ResultSet] {
        guard let pool = place == .main ? pool : databases?.pool(of: place) else {
            throw PostgresError(.unavailable, "this program was given no way to the tenant's database")
        }
        return try await pool.run(Unit(queries), deadline: CallDeadline.current)
    }

    /// Tries again while others hold locks, until ``Patience`` ends.
    func persistently<Value>(
        _ body: () async throws(PostgresError) -> Value
    ) async throws(PostgresError) -> Value {
        do throws(RetryFailure) {
            return try await Retry(obstacles: [.lock], pause: pause).run(body)
        } catch {
            switch error {
            case .stopped: throw PostgresError(.cancelled, "cancelled while waiting for a lock")
            case .away(let error), .refused(let error): throw error
            }
        }
    }
}

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
        let lastMonth = TenantSchema.firstMonths(now: now).max() ?? Month(containing: now)
        var queries = [
            Query(
                AdministrationStatements.insertTenant,
                [.text(creation.id)] + creation.values.parameters + [
                    .bytes(creation.wrappedDataKey), .bytes(creation.requestHash), .int4(TenantSchema.version),
                    .text(lastMonth.firstDay), .timestamp(now), .text(creation.database.rawValue),
                    // Greater than any that a tenant of this id has had: an etag of one that was erased fits no other.
                    .int8(now.microseconds),
                ]),
            notReserved(creation.id, now: now),
        ]
        queries += RegistryAudit.queries(
            chain: creation.id, stamp: stamp, action: "tenant.create", object: "tenant/\(creation.id)", before: nil,
            after: creation.audited)
        if let key = creation.firstKey {
            queries.append(Query(RegistryStatements.addKey, key.parameters(tenant: creation.id, now: now)))
        }
        if !creation.portalKeys.isEmpty {
            queries.append(PortalKey.insertion(of: creation.portalKeys, tenant: creation.id, now: now))
        }
        return (queries, TenantSchema.creation(SchemaName(creation.id), now: now).map { Query($0) })
    }
}

extension TenantRecord {
    /// How many columns ``init(row:)`` reads.
    static let columnCount = 25
}

extension Month {
    /// The first day, as `YYYY-MM-DD`.
    var firstDay: String { LocalTime(secondsSinceEpoch: start.seconds).date.description }
}
