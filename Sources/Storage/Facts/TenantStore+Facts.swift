package import Domain
internal import Postgres

extension TenantStore {
    /// What decisions about these accounts rest on; an account that does not exist is left out.
    ///
    /// - Parameters:
    ///   - accounts: which; nil among them is the supplier, with the settings that hold for all accounts.
    ///   - clocks: what times are reckoned by.
    package func facts(
        of accounts: [AccountID?], _ clocks: Clocks
    ) async throws(StorageError) -> [AccountID?: FactsSnapshot] {
        let queries = facts.queries(of: accounts.map { $0?.rawValue ?? "" }, now: clocks.now)
        return try await storing { () async throws(PostgresError) in
            try FactsReader.read(try await run(queries), clocks)
        }
    }

    /// What decisions about some users rest on.
    ///
    /// - Parameters:
    ///   - users: who.
    ///   - includingSupplier: whether the supplier's home is wanted too, in the same round trip.
    ///   - clocks: what times are reckoned by.
    package func people(
        _ users: [UserID], includingSupplier: Bool, _ clocks: Clocks
    ) async throws(StorageError) -> PeopleSnapshot {
        let queries = people.queries(users.map(\.rawValue), includingSupplier: includingSupplier, now: clocks.now)
        return try await storing { () async throws(PostgresError) in
            try PeopleReader.read(try await run(queries), clocks)
        }
    }

    /// The versions at which these accounts stand; an account that does not exist is left out. For what is kept in memory, to know
    /// whether it still counts.
    package func factsVersions(of accounts: [AccountID?]) async throws(StorageError) -> FactsVersions {
        let names = accounts.map { $0?.rawValue ?? "" }
        return try await storing { () async throws(PostgresError) in
            let results = try await run([Query(facts.versions, [.textArray(names)]), Query(facts.server)])
            var versions: [AccountID?: Int64] = [:]
            for row in results[0] { versions[try row.account(0)] = try row.int8(1) }
            let server = try results[1].readFirst { row throws(PostgresError) in try row.instant(0) }
            return FactsVersions(versions: versions, serverStartedAt: server ?? Instant(seconds: 0))
        }
    }
}

/// The versions of some accounts, and of which server they are.
package struct FactsVersions: Sendable, Hashable {
    /// The versions; nil is the supplier's.
    package let versions: [AccountID?: Int64]
    /// When the server was started that says so.
    package let serverStartedAt: Instant
}
