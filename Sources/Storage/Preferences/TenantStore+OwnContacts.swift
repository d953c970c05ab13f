package import Domain
internal import Postgres

/// An address that a user has added, as a message that asks to confirm it finds it.
package struct OwnContact: Sendable, Hashable {
    /// Since when it is the user's own.
    package let since: Instant
    /// Its state: one that has to be confirmed and is suppressed for everybody is in the state that says so.
    package let state: AddressState
}

extension TenantStore {
    /// An address that a user has added; nil when there is no such address among the user's own.
    package func ownContact(of user: UserID, _ address: Address) async throws(StorageError) -> OwnContact? {
        try await storing { () async throws(PostgresError) in
            let results = try await run([Query(ownContacts.find, Self.key(user, address))])
            return try results[0].readFirst { row throws(PostgresError) in
                OwnContact(since: try row.instant(0), state: try row.value(1))
            }
        }
    }

    /// An address that a user has added is the user's: whoever reads what comes there has said so. It can be used from now on, unless
    /// it is suppressed for everybody. One that is confirmed already, or that the user has given up, stays as it is.
    ///
    /// - Parameters:
    ///   - address: which address.
    ///   - user: whose.
    ///   - stamp: who says so.
    ///   - clocks: what times are reckoned by; their time is that of the change.
    /// - Returns: the user and the account after the change; nil if there is no such user.
    package func confirm(
        _ address: Address, of user: UserID, stamp: AuditStamp, _ clocks: Clocks
    ) async throws(StorageError) -> PreferencesUpdate? {
        let key = Self.key(user, address)
        var queries = audited(auditing.confirmation, key, stamp: stamp)
        queries.append(Query(preferences.touchAccount, [.text(user)]))
        let counting = queries.count
        queries += [Query(preferences.countRevision, [.text(user)]), Query(ownContacts.confirm, key)]
        return try await storing { () async throws(PostgresError) in
            let results = try await run(queries + outcomeQueries(user, now: clocks.now))
            return try outcome(of: user, results, counted: counting, clocks)
        }
    }

    /// The queries that make some addresses a user's own, and no others.
    func contactQueries(_ user: UserID, _ addresses: [Address], now: Instant) -> [Query] {
        let named: [Parameter] = [
            .text(user), .textArray(addresses.map(\.channel.rawValue)), .textArray(addresses.map(\.text)),
        ]
        var queries = [
            Query(ownContacts.drop, named), Query(directory.forgetContactPoints, [.text(user)]),
        ]
        if !addresses.isEmpty {
            let places = addresses.indices.map { Int32($0) }
            queries.append(Query(ownContacts.put, named + [.int4Array(places), .timestamp(now)]))
        }
        return queries
    }

    private static func key(_ user: UserID, _ address: Address) -> [Parameter] {
        [.text(user), .text(address.channel.rawValue), .text(address.text)]
    }
}
