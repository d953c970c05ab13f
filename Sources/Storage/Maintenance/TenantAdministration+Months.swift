package import Domain
internal import Postgres

extension TenantAdministration {
    /// Makes what is missing of a tenant's partitions for this month and the next.
    ///
    /// Several processes may do this at once: whoever comes second finds everything there.
    package func ensureMonths(tenant: TenantID, now: Instant) async throws(StorageError) {
        try await storing { () async throws(PostgresError) in
            let place = try await place(of: tenant)
            for attempt in 1...3 {
                let missing = try await missingPartitions(tenant, at: place, now: now)
                do throws(PostgresError) {
                    return try await persistently { () async throws(PostgresError) in
                        try await make(missing, tenant, at: place, through: Month(containing: now).next)
                    }
                } catch {
                    // 42P07, duplicate_table: another process has just made it.
                    guard attempt < 3, error.sqlState == "42P07" else { throw error }
                }
            }
        }
    }

    private func missingPartitions(
        _ tenant: TenantID, at place: TenantPlace, now: Instant
    ) async throws(PostgresError) -> [Statement] {
        let schema = SchemaName(tenant)
        let month = Month(containing: now)
        var wanted: [(name: String, statements: [Statement])] = []
        for month in [month, month.next] {
            for history in TenantSchema.history {
                wanted.append(
                    (
                        TenantSchema.partitionName(history, month),
                        TenantSchema.partition(schema, history, month)
                    ))
            }
        }
        let query = Query(
            AdministrationStatements.existingPartitions, [.text(schema.text), .textArray(wanted.map(\.name))])
        let results = try await run([query], at: place)
        let existing = Set(try results[0].read { row throws(PostgresError) in try row.text(0) })
        return wanted.filter { !existing.contains($0.name) }.flatMap(\.statements)
    }

    private func make(
        _ partitions: [Statement], _ tenant: TenantID, at place: TenantPlace, through month: Month
    ) async throws(PostgresError) {
        let record = Query(AdministrationStatements.recordMonths, [.text(tenant), .text(month.firstDay)])
        guard place == .main else {
            // The registry is elsewhere: what it says of months is a hint that may come late.
            _ = try await run(partitions.map { Query($0) }, at: place)
            _ = try await run([record])
            return
        }
        // Whoever waits for the lock finds the tables there, and is told so by 42P07. Without it two that make the same
        // table at once would meet in the catalog.
        _ = try await run(
            [Query(AdministrationStatements.lockTenant, [.text(tenant)])] + partitions.map { Query($0) } + [record])
    }

    /// Makes the next month's partitions for every tenant that has published in this one. The others get theirs when
    /// they publish again; see ``StorageError/Code/monthMissing``.
    ///
    /// - Parameters:
    ///   - now: the time; to be called every day.
    ///   - goesOn: asked before each tenant; false ends the round.
    ///   - failed: told of each tenant that could not be seen to, as its database is away or something is wrong with it. The
    ///     next round tries again.
    /// - Returns: the tenants that got partitions.
    package func makeMonthsAhead(
        now: Instant, goesOn: () async -> Bool = { true }, failed: (TenantID, StorageError) -> Void = { _, _ in }
    ) async throws(StorageError) -> [TenantID] {
        let month = Month(containing: now)
        var made: [TenantID] = []
        var after: TenantID?
        while true {
            let tenants = try await tenantsWithout(month.next, after: after)
            for tenant in tenants {
                guard await goesOn() else { return made }
                do throws(StorageError) {
                    guard try await isActive(tenant, in: month) else { continue }
                    try await ensureMonths(tenant: tenant, now: now)
                    made.append(tenant)
                } catch {
                    failed(tenant, error)
                }
            }
            guard let last = tenants.last else { return made }
            after = last
        }
    }

    private func tenantsWithout(_ month: Month, after: TenantID?) async throws(StorageError) -> [TenantID] {
        try await storing { () async throws(PostgresError) in
            let query = Query(
                AdministrationStatements.tenantsWithoutMonth,
                [.text(month.firstDay), .text(after?.rawValue ?? ""), .int8(200)])
            return try (try await run([query]))[0].read { row throws(PostgresError) in try row.identifier(0) }
        }
    }

    private func isActive(_ tenant: TenantID, in month: Month) async throws(StorageError) -> Bool {
        let statement = Statement(
            "SELECT EXISTS (SELECT 1 FROM \(SchemaName(tenant)).event e WHERE e.event_id >= $1::uuid)", prepared: false)
        return try await storing { () async throws(PostgresError) in
            let place = try await place(of: tenant)
            let results = try await run([Query(statement, [.uuid(UUIDv7.lowerBound(of: month))])], at: place)
            return try results[0].readFirst { row throws(PostgresError) in try row.bool(0) } ?? false
        }
    }
}
