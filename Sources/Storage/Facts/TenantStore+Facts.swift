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
        try await facts(accounts: accounts, users: [], clocks)
    }

    /// What decisions about some users rest on: the facts of the users' accounts, or of the supplier.
    ///
    /// - Parameters:
    ///   - users: who.
    ///   - includingSupplier: whether the supplier's facts are wanted too, in the same round trip.
    ///   - clocks: what times are reckoned by.
    /// - Returns: the snapshots by account; none names a user if there is no such user.
    package func facts(
        ofUsers users: [UserID], includingSupplier: Bool = false, _ clocks: Clocks
    ) async throws(StorageError) -> [AccountID?: FactsSnapshot] {
        try await facts(accounts: includingSupplier ? [nil] : [], users: users, clocks)
    }

    private func facts(
        accounts: [AccountID?], users: [UserID], _ clocks: Clocks
    ) async throws(StorageError) -> [AccountID?: FactsSnapshot] {
        let queries = facts.queries(accounts: accounts.map { $0?.rawValue ?? "" }, users: users.map(\.rawValue))
        return try await storing { () async throws(PostgresError) in
            try FactsReader.read(try await run(queries), clocks)
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
