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
        let queries = facts.queries(of: accounts.map { $0?.rawValue ?? "" })
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
        let queries = people.queries(users.map(\.rawValue), includingSupplier: includingSupplier)
        return try await storing { () async throws(PostgresError) in
            try PeopleReader.read(try await run(queries), clocks)
        }
    }

    /// The versions at which these accounts stand; an account that does not exist is left out. For caches that ask
    /// whether what they hold still counts.
    package func factsVersions(of accounts: [AccountID?]) async throws(StorageError) -> [AccountID?: Int64] {
        let names = accounts.map { $0?.rawValue ?? "" }
        return try await storing { () async throws(PostgresError) in
            let results = try await run([Query(facts.versions, [.textArray(names)])])
            var versions: [AccountID?: Int64] = [:]
            for row in results[0] { versions[try row.account(0)] = try row.int8(1) }
            return versions
        }
    }
}
