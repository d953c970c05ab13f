package import Domain
internal import Postgres

extension TenantAdministration {
    /// Counts what every tenant of a database has stored, by its statistics, and writes it into the registry: close enough to
    /// refuse those who store without end. One query for all of them.
    ///
    /// - Parameters:
    ///   - place: the database.
    ///   - now: the time of counting.
    /// - Returns: how many tenants were counted.
    package func countUsage(at place: TenantPlace = .main, now: Instant) async throws(StorageError) -> Int {
        try await storing { () async throws(PostgresError) in
            let counted = try (try await run([Query(MaintenanceStatements.usage)], at: place))[0].read {
                row throws(PostgresError) in
                (tenant: try row.text(0), rows: try row.int8(1), octets: try row.int8(2))
            }
            guard !counted.isEmpty else { return 0 }
            let write = Query(
                MaintenanceStatements.recordUsage,
                [
                    .textArray(counted.map(\.tenant)), .int8Array(counted.map(\.rows)),
                    .int8Array(counted.map(\.octets)), .timestamp(now),
                    .text(place.database.rawValue),
                ])
            return Int(try await run([write])[0].affectedRows)
        }
    }
}
