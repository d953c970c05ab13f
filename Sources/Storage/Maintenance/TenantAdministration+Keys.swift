package import Domain
internal import Postgres

extension TenantAdministration {
    /// How many keys of a tenant that ended are kept, to be looked at.
    package static let endedKeys = 50

    /// Forgets keys that ended, but for the last ``endedKeys`` of each tenant.
    ///
    /// - Parameter now: the time.
    package func dropEndedKeys(now: Instant) async throws(StorageError) {
        try await storing { () async throws(PostgresError) in
            _ = try await run([
                Query(MaintenanceStatements.dropEndedKeys, [.timestamp(now), .int8(Int64(Self.endedKeys))])
            ])
        }
    }
}
