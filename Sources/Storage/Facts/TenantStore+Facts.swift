package import Domain
internal import Postgres

extension TenantStore {
    /// What decisions about these accounts rest on; an account that does not exist is left out.
    ///
    /// - Parameter accounts: which; nil among them is the supplier, with the settings that hold for all accounts.
    package func facts(of accounts: [AccountID?]) async throws(StorageError) -> [AccountID?: FactsSnapshot] {
        try await facts(accounts: accounts, user: nil)
    }

    /// What decisions about one user rest on: the facts of the user's account, or of the supplier.
    ///
    /// - Parameters:
    ///   - user: who.
    ///   - includingSupplier: whether the supplier's facts are wanted too, in the same round trip.
    /// - Returns: the snapshots by account; none names the user if there is no such user.
    package func facts(
        ofUser user: UserID, includingSupplier: Bool = false
    ) async throws(StorageError) -> [AccountID?: FactsSnapshot] {
        try await facts(accounts: includingSupplier ? [nil] : [], user: user)
    }

    private func facts(
        accounts: [AccountID?], user: UserID?
    ) async throws(StorageError) -> [AccountID?: FactsSnapshot] {
        let queries = facts.queries(accounts: accounts.map { $0?.rawValue ?? "" }, user: user?.rawValue)
        return try await storing { () async throws(PostgresError) in
            try FactsReader.read(try await run(queries))
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
