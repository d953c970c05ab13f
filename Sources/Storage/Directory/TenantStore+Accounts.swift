package import Domain
internal import Postgres

/// What became of naming a default user.
package enum SetDefaultUserOutcome: Sendable, Hashable {
    /// It is named; the account as it is now.
    case done(AccountRecord)
    /// There is no such account.
    case noSuchAccount
    /// The account has no such user.
    case noSuchUser
}

extension TenantStore {
    /// Makes an account, or changes one.
    ///
    /// - Parameters:
    ///   - account: what it shall be.
    ///   - fields: what to change if it exists.
    ///   - expectedRevision: the revision it must have; throws ``StorageError/Code/revisionMismatch`` if it has not.
    ///   - stamp: who makes the change.
    ///   - now: the time of the change.
    package func upsertAccount(
        _ account: AccountWrite, fields: Set<AccountWrite.Field> = Set(AccountWrite.Field.allCases),
        expectedRevision: Int64? = nil, stamp: AuditStamp, now: Instant
    ) async throws(StorageError) -> Upserted<AccountRecord> {
        var queries = audited(
            auditing.account,
            [
                .text(account.id), .json(account.audited(Set(AccountWrite.Field.allCases))),
                .json(account.audited(fields)),
            ], stamp: stamp)
        if let expectedRevision {
            queries.append(Query(directory.assertAccountRevision, [.text(account.id), .int8(expectedRevision)]))
        }
        queries.append(
            Query(
                directory.upsertAccount,
                [
                    .text(account.id), .text(account.displayName), .textArray(account.assignedUsers.map(\.rawValue)),
                    .text(account.billingEmail), .bool(account.notificationsSuppressed), .text(account.timeZone),
                    .text(account.locale),
                    // An account that is made again must not come to a version that a decision about the old one holds.
                    .int8(now.microseconds),
                    .timestamp(now), .textArray(fields.map(\.rawValue)),
                ]))
        return try await storing { () async throws(PostgresError) in
            let results = try await run(queries)
            guard let record = try results[results.count - 1].readFirst(AccountRecord.init(row:)) else {
                throw PostgresError(.decoding, "an upsert returned no row")
            }
            return Upserted(record: record, created: record.revision == 1)
        }
    }

    /// One account; nil if there is none.
    package func account(_ id: AccountID) async throws(StorageError) -> AccountRecord? {
        try await storing { () async throws(PostgresError) in
            let results = try await run([Query(directory.account, [.text(id)])])
            return try results[0].readFirst(AccountRecord.init(row:))
        }
    }

    /// All accounts in the order of their ids.
    ///
    /// - Parameters:
    ///   - after: the last account of the page before.
    ///   - size: the most accounts that are returned.
    package func accounts(
        after: AccountID? = nil, size: Int
    ) async throws(StorageError) -> Page<AccountRecord, AccountID> {
        try await storing { () async throws(PostgresError) in
            // The supplier's own row has the empty id, which is not greater than itself.
            let results = try await run([Query(directory.accounts, [.account(after), .int8(Int64(size) + 1)])])
            return Page(overread: try results[0].read(AccountRecord.init(row:)), size: size) { $0.id }
        }
    }

    /// Names whom "at least one" types reach first.
    ///
    /// - Parameters:
    ///   - account: of which account.
    ///   - user: one of its users; nil for nobody.
    ///   - expectedRevision: the revision it must have; throws ``StorageError/Code/revisionMismatch`` if it has not.
    ///   - stamp: who makes the change.
    ///   - now: the time of the change.
    package func setDefaultUser(
        of account: AccountID, to user: UserID?, expectedRevision: Int64? = nil, stamp: AuditStamp, now: Instant
    ) async throws(StorageError) -> SetDefaultUserOutcome {
        var queries = audited(auditing.defaultUser, [.text(account), .text(user)], stamp: stamp)
        if let expectedRevision {
            queries.append(Query(directory.assertAccountRevision, [.text(account), .int8(expectedRevision)]))
        }
        queries.append(Query(directory.setDefaultUser, [.text(account), .text(user), .timestamp(now)]))
        queries.append(Query(directory.accountAndUserExist, [.text(account), .text(user)]))
        return try await storing { () async throws(PostgresError) in
            let results = try await run(queries)
            if let record = try results[results.count - 2].readFirst(AccountRecord.init(row:)) { return .done(record) }
            let accountExists = try results[results.count - 1].readFirst { row throws(PostgresError) in
                try row.bool(0)
            }
            return accountExists == true ? .noSuchUser : .noSuchAccount
        }
    }
}

extension AccountRecord {
    /// Reads ``DirectoryStatements/accountColumns`` from column 0.
    init(row: Row) throws(PostgresError) {
        id = try row.identifier(0)
        displayName = try row.text(1)
        defaultUser = try row.optionalIdentifier(2)
        assignedUsers = try row.identifiers(3)
        billingEmail = try row.optionalText(4)
        notificationsSuppressed = try row.bool(5)
        timeZone = try row.optionalText(6)
        locale = try row.optionalText(7)
        factsVersion = try row.int8(8)
        revision = try row.int8(9)
        createdAt = try row.instant(10)
        updatedAt = try row.instant(11)
        defaults = DefaultChoice.list(json: try row.optionalText(12))
    }
}
