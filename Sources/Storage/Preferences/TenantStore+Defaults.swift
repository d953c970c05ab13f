package import Domain
internal import Postgres

/// A change of what an account's administrators chose.
package struct DefaultChange: Sendable, Hashable {
    /// Where.
    let place: DefaultPlace
    /// What is chosen there; nil takes back what was.
    let choice: DefaultChoice?

    /// Makes a change.
    package init(_ place: DefaultPlace, _ choice: DefaultChoice?) {
        self.place = place
        self.choice = choice
    }
}

extension TenantStore {
    /// Changes what an account's administrators chose for those of its users who choose nothing.
    ///
    /// - Parameters:
    ///   - account: whose.
    ///   - changes: what changes, each place at most once.
    ///   - expectedRevision: the revision that the account must have; throws ``StorageError/Code/revisionMismatch`` if it has
    ///     not.
    ///   - stamp: who makes the change.
    ///   - now: the time of the change.
    /// - Returns: the account after the change; nil if there is none.
    package func updateDefaults(
        of account: AccountID, _ changes: [DefaultChange], expectedRevision: Int64? = nil, stamp: AuditStamp,
        now: Instant
    ) async throws(StorageError) -> AccountRecord? {
        let parameters: [Parameter] = [
            .text(account), .textArray(changes.map(\.place.key)),
            .json(DefaultChoice.json(changes.compactMap(\.choice))),
        ]
        var queries = audited(auditing.defaults, parameters, stamp: stamp)
        if let expectedRevision {
            queries.append(Query(directory.assertAccountRevision, [.text(account), .int8(expectedRevision)]))
        }
        queries.append(Query(preferences.putDefaults, parameters + [.timestamp(now)]))
        return try await storing { () async throws(PostgresError) in
            let results = try await run(queries)
            return try results[results.count - 1].readFirst(AccountRecord.init(row:))
        }
    }
}
