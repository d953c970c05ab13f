package import Domain
internal import Postgres

/// A month of a tenant's history that is older than the tenant keeps.
package struct ExpiredMonth: Sendable, Hashable {
    /// Whose.
    package let tenant: TenantID
    /// Which month, as partitions are named.
    package let month: String
}

extension TenantAdministration {
    /// Drops all months of history that are older than their tenants keep, in one database. A month of which something is
    /// still to be sent stays until that is over.
    ///
    /// - Parameters:
    ///   - place: the database.
    ///   - now: the time.
    ///   - goesOn: asked before each month; what it throws ends the round, and is thrown.
    ///   - failed: told of each month that could not be dropped; the next round tries again.
    /// - Returns: how many months were dropped.
    /// - Throws: ``StorageError/Code/unavailable`` when the database is away.
    package func dropExpiredMonths(
        at place: TenantPlace = .main, now: Instant, goesOn: () async throws(StorageError) -> Void = {},
        failed: (ExpiredMonth, StorageError) -> Void = { _, _ in }
    ) async throws(StorageError) -> Int {
        var dropped = 0
        var after = Partition(schema: "", name: "")
        while true {
            let page = try await oldPartitions(at: place, after: after, now: now)
            for month in try await expired(page, at: place, now: now) {
                try await goesOn()
                do throws(StorageError) {
                    try await drop(month, at: place)
                    dropped += 1
                } catch {
                    // Something of it waits to be sent.
                    guard error.code != .revisionMismatch else { continue }
                    guard error.code != .unavailable else { throw error }
                    failed(month, error)
                }
            }
            guard page.count == Self.pageSize, let last = page.last else { return dropped }
            after = last
        }
    }

    private struct Partition {
        let schema: String
        let name: String
    }

    private static let pageSize = 1_000
    /// The history is cut into the same months everywhere: events stand for all of it.
    private static let pattern = "event_"

    private func oldPartitions(
        at place: TenantPlace, after last: Partition, now: Instant
    ) async throws(StorageError) -> [Partition] {
        try await storing { () async throws(PostgresError) in
            let query = Query(
                MaintenanceStatements.oldPartitions,
                [
                    .text(Self.pattern), .text(Self.pattern + Month(containing: now).description),
                    .text(last.schema), .text(last.name), .int8(Int64(Self.pageSize)),
                ])
            return try (try await run([query], at: place))[0].read { row throws(PostgresError) in
                Partition(schema: try row.text(0), name: try row.text(1))
            }
        }
    }

    private func expired(
        _ page: [Partition], at place: TenantPlace, now: Instant
    ) async throws(StorageError) -> [ExpiredMonth] {
        let tenants = Set(page.map { String($0.schema.dropFirst(2)) }).sorted()
        let kept = try await storing { () async throws(PostgresError) in
            let results = try await run([
                Query(
                    MaintenanceStatements.historyOf, [.textArray(tenants), .text(place.database.rawValue)])
            ])
            let pairs = try results[0].read { row throws(PostgresError) in
                (try row.identifier(0, as: TenantID.self), try row.int4(1))
            }
            return Dictionary(uniqueKeysWithValues: pairs)
        }
        return page.compactMap { partition in
            guard let tenant = TenantID(String(partition.schema.dropFirst(2))), let months = kept[tenant] else {
                return nil
            }
            let oldest = Month(containing: now).adding(months: 1 - Int(months)).description
            let month = String(partition.name.dropFirst(Self.pattern.count))
            return month < oldest ? ExpiredMonth(tenant: tenant, month: month) : nil
        }
    }

    /// Drops one month of one tenant, of all tables at once, and what is remembered of suppressions that were lifted before its end. Plain DETACH, which Citus knows, takes the parent's lock for a
    /// moment: it waits no longer than a migration would.
    private func drop(_ expired: ExpiredMonth, at place: TenantPlace) async throws(StorageError) {
        guard let month = Month(expired.month) else {
            throw StorageError(.corrupt, "a partition has a name that is no month")
        }
        let schema = SchemaName(expired.tenant)
        let nothingWaits = Statement.assertion(
            """
            SELECT 1 WHERE NOT EXISTS (
                SELECT 1 FROM \(schema).queue q
                WHERE q.notification_id >= $1::uuid AND q.notification_id < $2::uuid)
            """)
        var queries = [
            Query(AdministrationStatements.shortLockTimeout),
            // What waits in a month before, for an event of which people are told much later, holds that month alone.
            Query(
                nothingWaits, [.uuid(UUIDv7.lowerBound(of: month)), .uuid(UUIDv7.lowerBound(of: month.next))]),
        ]
        for history in TenantSchema.history {
            let partition = "\(schema).\(TenantSchema.partitionName(history, month))"
            for text in [
                "ALTER TABLE \(schema).\(history.table) DETACH PARTITION \(partition)", "DROP TABLE \(partition)",
            ] {
                queries.append(Query(Statement(text, prepared: false)))
            }
        }
        // Nobody reports anything any more of the time before it was lifted.
        let forgetLifted = Statement(
            "DELETE FROM \(schema).suppression s WHERE s.state = 'usable' AND s.created_at < $1::timestamptz",
            prepared: false)
        queries.append(Query(forgetLifted, [.timestamp(month.next.start)]))
        try await storing { () async throws(PostgresError) in
            _ = try await persistently { () async throws(PostgresError) in
                try await run(queries, at: place)
            }
        }
    }
}

extension Month {
    /// Reads `YYYYMM`, as partitions are named.
    fileprivate init?(_ name: String) {
        guard name.utf8.count == 6, let year = Int(name.prefix(4)), let month = Int(name.suffix(2)) else { return nil }
        self.init(year: year, month: month)
    }
}
