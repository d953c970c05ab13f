package import Domain
internal import Postgres

extension TenantStore {
    /// Changes the supplier's team, which is always there.
    ///
    /// - Parameters:
    ///   - team: what it shall be.
    ///   - fields: what to change.
    ///   - expectedRevision: the revision it must have; throws ``StorageError/Code/revisionMismatch`` if it has not.
    ///   - stamp: who makes the change.
    ///   - now: the time of the change.
    package func updateTeam(
        _ team: TeamWrite, fields: Set<TeamWrite.Field> = Set(TeamWrite.Field.allCases),
        expectedRevision: Int64? = nil, stamp: AuditStamp, now: Instant
    ) async throws(StorageError) -> TeamRecord {
        var queries = audited(auditing.team, [.json(team.audited(fields))], stamp: stamp)
        if let expectedRevision {
            queries.append(Query(directory.assertAccountRevision, [.text(""), .int8(expectedRevision)]))
        }
        queries.append(
            Query(
                directory.updateTeam,
                [
                    .text(team.displayName), .text(team.mailbox), .json(DefaultChoice.json(team.choices)),
                    .textArray(fields.map(\.rawValue)), .timestamp(now),
                ]))
        return try await storing { () async throws(PostgresError) in
            let results = try await run(queries)
            return try Self.team(results[results.count - 1])
        }
    }

    /// The supplier's team.
    package func team() async throws(StorageError) -> TeamRecord {
        try await storing { () async throws(PostgresError) in
            try Self.team(try await run([Query(directory.account, [.text("")])])[0])
        }
    }

    private static func team(_ rows: ResultSet) throws(PostgresError) -> TeamRecord {
        guard let team = try rows.readFirst(TeamRecord.init(row:)) else {
            throw PostgresError(.decoding, "the supplier's own row is missing")
        }
        return team
    }
}
