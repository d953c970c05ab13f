package import Domain
internal import Postgres

extension TenantAdministration {
    /// Makes what is missing of a tenant's partitions for this month and the next.
    ///
    /// Several processes may do this at once: whoever comes second finds everything there.
    package func ensureMonths(tenant: TenantID, now: Instant) async throws(StorageError) {
        let month = Month(containing: now)
        try await make([month, month.next], of: tenant)
    }

    /// Makes the partitions that a tenant needs which was just made. It is a transaction of its own, behind the one that makes the
    /// tenant: whoever waits for that need not wait for this.
    package func makeFirstMonths(tenant: TenantID, now: Instant) async throws(StorageError) {
        try await make(TenantSchema.firstMonths(now: now), of: tenant)
    }

    private func make(_ months: [Month], of tenant: TenantID) async throws(StorageError) {
        guard let last = months.max() else { return }
        try await storing { () async throws(PostgresError) in
            let place = try await place(of: tenant)
            for attempt in 1...3 {
                let missing = try await missingPartitions(tenant, months, at: place)
                do throws(PostgresError) {
                    return try await persistently { () async throws(PostgresError) in
                        try await make(missing, tenant, at: place, through: last)
                    }
                } catch {
                    // 42P07, duplicate_table: another process has just made it.
                    guard attempt < 3, error.sqlState == "42P07" else { throw error }
                }
            }
        }
    }

    private func missingPartitions(
        _ tenant: TenantID, _ months: [Month], at place: TenantPlace
    ) async throws(PostgresError) -> [Statement] {
        let schema = SchemaName(tenant)
        var wanted: [(name: String, statements: [Statement])] = []
        for month in months {
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

    /// Makes the next month's partitions for every tenant that was made in this one or has published in it. The others get
    /// theirs when they publish again; see ``StorageError/Code/monthMissing``. Idle tenants cost a line of one answer, and none
    /// of their tables is touched.
    ///
    /// - Parameters:
    ///   - now: the time; to be called every day.
    ///   - goesOn: asked before each tenant; what it throws ends the round, and is thrown.
    ///   - failed: told of each tenant that could not be seen to, as its database is away or something is wrong with it. The
    ///     next round tries again.
    /// - Returns: the tenants that got partitions.
    package func makeMonthsAhead(
        now: Instant, goesOn: () async throws(StorageError) -> Void = {},
        failed: (TenantID, StorageError) -> Void = { _, _ in }
    ) async throws(StorageError) -> [TenantID] {
        let month = Month(containing: now)
        var made: [TenantID] = []
        var after: TenantID?
        while true {
            let tenants = try await tenantsWithout(month.next, after: after)
            for (place, group) in Dictionary(grouping: tenants, by: \.place) {
                try await goesOn()
                let active: [TenantID]
                do throws(StorageError) {
                    active = try await self.active(group, at: place, in: month)
                } catch {
                    for one in group { failed(one.tenant, error) }
                    continue
                }
                for tenant in active {
                    try await goesOn()
                    do throws(StorageError) {
                        try await ensureMonths(tenant: tenant, now: now)
                        made.append(tenant)
                    } catch {
                        failed(tenant, error)
                    }
                }
            }
            guard let last = tenants.last else { return made }
            after = last.tenant
        }
    }

    /// A tenant without partitions for a month.
    private struct Candidate {
        let tenant: TenantID
        let place: TenantPlace
        /// Whether it was made in the month before.
        let isNew: Bool
    }

    private func tenantsWithout(_ month: Month, after: TenantID?) async throws(StorageError) -> [Candidate] {
        try await storing { () async throws(PostgresError) in
            let query = Query(
                AdministrationStatements.tenantsWithoutMonth,
                [
                    .text(month.firstDay), .text(after?.rawValue ?? ""), .int8(1_000),
                    .timestamp(month.adding(months: -1).start),
                ])
            return try (try await run([query]))[0].read { row throws(PostgresError) in
                Candidate(
                    tenant: try row.identifier(0), place: try TenantPlace(row: row, from: 1), isNew: try row.bool(3))
            }
        }
    }

    /// Those of the tenants of one database that are new or have history in a month, in the order of their ids.
    private func active(
        _ tenants: [Candidate], at place: TenantPlace, in month: Month
    ) async throws(StorageError) -> [TenantID] {
        let schemas = try await storing { () async throws(PostgresError) in
            let query = Query(
                MaintenanceStatements.schemasWithRows,
                [
                    .textArray(TenantSchema.history.map { TenantSchema.partitionName($0, month) }),
                    .textArray(tenants.filter { !$0.isNew }.map { SchemaName($0.tenant).text }),
                ])
            return try (try await run([query], at: place))[0].read { row throws(PostgresError) in try row.text(0) }
        }
        let found = Set(schemas)
        return tenants.filter { $0.isNew || found.contains(SchemaName($0.tenant).text) }.map(\.tenant)
    }
}
