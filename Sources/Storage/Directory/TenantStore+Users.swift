package import Domain
internal import Postgres

extension TenantStore {
    /// Makes a user, or changes one.
    ///
    /// An address has the state that it has for everybody (``suppressions(on:address:after:size:)``): what bounced stays so until the
    /// suppression is removed, also when the user gives it up and takes it again, and when another user has it.
    ///
    /// - Parameters:
    ///   - user: what it shall be.
    ///   - fields: what to change if it exists.
    ///   - expectedRevision: the revision it must have; throws ``StorageError/Code/revisionMismatch`` if it has not.
    ///   - keepsAccount: whether a user that exists must have the account that `user` names; throws
    ///     ``StorageError/Code/revisionMismatch`` if it has another one.
    ///   - stamp: who makes the change.
    ///   - now: the time of the change.
    /// - Throws: ``StorageError/Code/referenceMissing`` if there is no such account.
    package func upsertUser(
        _ user: UserWrite, fields: Set<UserWrite.Field> = Set(UserWrite.Field.allCases),
        expectedRevision: Int64? = nil, keepsAccount: Bool = false, stamp: AuditStamp, now: Instant
    ) async throws(StorageError) -> Upserted<UserRecord> {
        var queries = audited(
            auditing.user,
            [
                .text(user.id), .json(user.audited(Set(UserWrite.Field.allCases))), .json(user.audited(fields)),
            ], stamp: stamp)
        if let expectedRevision {
            queries.append(Query(directory.assertUserRevision, [.text(user.id), .int8(expectedRevision)]))
        }
        if keepsAccount {
            queries.append(Query(directory.assertAccountOfUser, [.text(user.id), .account(user.account)]))
        }
        queries.append(
            Query(
                directory.touchAccountsOfUser,
                [.text(user.id), fields.contains(.account) ? .account(user.account) : .null]))
        queries.append(
            Query(
                directory.upsertUser,
                [
                    .text(user.id), .account(user.account), .text(user.displayName), .text(user.status.rawValue),
                    .bool(user.isAdmin), .bool(user.isTeamMember), .text(user.timeZone), .text(user.locale),
                    .timestamp(now), .textArray(fields.map(\.rawValue)),
                ]))
        let place = queries.count - 1
        queries += contactPointQueries(user, fields: fields)
        queries.append(Query(directory.contactPointsOfUsers, [.textArray([user.id.rawValue])]))
        return try await storing { () async throws(PostgresError) in
            let results = try await run(queries)
            guard var record = try results[place].readFirst(UserRecord.init(row:)) else {
                throw PostgresError(.decoding, "an upsert returned no row")
            }
            record.contactPoints = try results[results.count - 1].read { row throws(PostgresError) in
                try ContactPoint(row: row)
            }
            return Upserted(record: record, created: record.revision == 1)
        }
    }

    private func contactPointQueries(_ user: UserWrite, fields: Set<UserWrite.Field>) -> [Query] {
        guard fields.contains(.contactPoints) else { return [] }
        let channels = Parameter.textArray(user.contactPoints.map(\.channel.rawValue))
        let addresses = Parameter.textArray(user.contactPoints.map(\.address))
        var queries = [
            Query(directory.dropContactPoints, [.text(user.id), channels, addresses]),
            Query(directory.forgetContactPoints, [.text(user.id)]),
        ]
        if !user.contactPoints.isEmpty {
            queries.append(
                Query(
                    directory.putContactPoints,
                    [
                        .text(user.id), channels, addresses, .int4Array(user.contactPoints.indices.map { Int32($0) }),
                        .textArray(user.contactPoints.map(\.state.rawValue)),
                    ]))
        }
        return queries
    }

    /// The users of these ids that there are.
    package func users(_ ids: [UserID]) async throws(StorageError) -> [UserID: UserRecord] {
        let names = Parameter.textArray(ids.map(\.rawValue))
        return try await storing { () async throws(PostgresError) in
            let results = try await run([
                Query(directory.users, [names]), Query(directory.contactPointsOfUsers, [names]),
            ])
            var users: [UserID: UserRecord] = [:]
            for row in results[0] {
                let user = try UserRecord(row: row)
                users[user.id] = user
            }
            for row in results[1] {
                users[try row.identifier(0)]?.contactPoints.append(try ContactPoint(row: row))
            }
            return users
        }
    }

    /// The users of an account in the order of their ids, with the addresses that the portal gives.
    ///
    /// - Parameters:
    ///   - account: whose users; nil for the supplier's own.
    ///   - after: the last user of the page before.
    ///   - size: the most users that are returned.
    package func users(
        of account: AccountID?, after: UserID? = nil, size: Int
    ) async throws(StorageError) -> Page<UserRecord, UserID> {
        try await storing { () async throws(PostgresError) in
            let results = try await run([
                Query(
                    directory.usersOfAccount,
                    [.account(account), .text(after?.rawValue ?? ""), .int8(Int64(size) + 1)])
            ])
            let users = try results[0].read { row throws(PostgresError) in
                var user = try UserRecord(row: row)
                user.contactPoints = try ContactPoint.list(row: row, from: UserRecord.columnCount)
                return user
            }
            return Page(overread: users, size: size) { $0.id }
        }
    }
}

extension UserRecord {
    /// How many columns ``init(row:)`` reads.
    static let columnCount = 15

    /// Reads ``DirectoryStatements/userColumns`` from column 0; the contact points come from elsewhere.
    init(row: Row) throws(PostgresError) {
        id = try row.identifier(0)
        account = try row.account(1)
        displayName = try row.text(2)
        status = try row.value(3)
        isAdmin = try row.bool(4)
        isTeamMember = try row.bool(5)
        timeZone = try row.optionalText(6)
        locale = try row.optionalText(7)
        contactPoints = []
        revision = try row.int8(8)
        choicesRevision = try row.int8(9)
        createdAt = try row.instant(10)
        updatedAt = try row.instant(11)
        snoozedUntil = try row.optionalInstant(12)
        times = DeliveryTimes(json: try row.optionalText(13))
        cadences = CadenceChoice.list(json: try row.optionalText(14))
    }
}
