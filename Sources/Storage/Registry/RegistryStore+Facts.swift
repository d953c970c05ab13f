package import Domain
internal import Postgres

/// What the registry says of changes to what decisions rest on.
package struct FactsNews: Sendable, Hashable {
    /// When it said so, by the database's clock. Every change that was told of before is in what it says.
    package let time: Instant
    /// When the server that said so was started: another server, or the same one after a restart, may not know what the one
    /// before it knew.
    package let serverStartedAt: Instant
    /// The tenants whose facts have changed since the time that was asked for, and when the last change of each was told.
    package let changes: [TenantID: Instant]

    /// Describes an answer.
    package init(time: Instant, serverStartedAt: Instant, changes: [TenantID: Instant]) {
        self.time = time
        self.serverStartedAt = serverStartedAt
        self.changes = changes
    }
}

extension RegistryStore {
    /// Tells other processes that what decisions of these tenants rest on has changed. To be called when the change is
    /// committed: whoever hears of it finds it.
    package func tellOfFacts(of tenants: Set<TenantID>) async throws(StorageError) {
        guard !tenants.isEmpty else { return }
        let query = Query(FactsSignalStatements.tell, [.textArray(tenants.map(\.rawValue).sorted())])
        try await storing { () async throws(PostgresError) in _ = try await run([query]) }
    }

    /// The tenants whose facts have changed.
    ///
    /// - Parameter time: since when, by the database's clock: a little before the ``FactsNews/time`` of the answer before,
    ///   since a change is seen some time after the time that it carries. Nil asks only what time it is.
    package func factsNews(since time: Instant?) async throws(StorageError) -> FactsNews {
        try await storing { () async throws(PostgresError) in
            let results = try await run([
                Query(FactsSignalStatements.clock), Query(FactsSignalStatements.changes, [.timestamp(time)]),
            ])
            guard let clock = results[0].first else { throw PostgresError(.decoding, "a clock returned no row") }
            var changes: [TenantID: Instant] = [:]
            for row in results[1] { changes[try row.identifier(0)] = try row.instant(1) }
            return FactsNews(time: try clock.instant(0), serverStartedAt: try clock.instant(1), changes: changes)
        }
    }
}
