internal import Postgres

extension RegistryStore {
    /// Checks that the database was set up for serving, and refuses it otherwise.
    ///
    /// Without the hardening, one SELECT of a tenant's role could become another role. So what is missing is no
    /// warning: the service does not start.
    ///
    /// - Throws: ``StorageError/Code/notReady`` with all that is missing and what to do about it.
    package func verifyReadiness() async throws(StorageError) {
        let problems = try await storing { () async throws(PostgresError) in try await findProblems() }
        guard problems.isEmpty else {
            throw StorageError(.notReady, "the database is not set up for serving: " + problems.joined(separator: "; "))
        }
    }

    /// The same of a database without a registry, in which tenants are to live.
    ///
    /// - Throws: ``StorageError/Code/notReady`` with all that is missing.
    package func verifyBootstrap() async throws(StorageError) {
        let problems = try await storing { () async throws(PostgresError) in
            try await findProblems(withRegistry: false)
        }
        guard problems.isEmpty else {
            throw StorageError(.notReady, "the database is not set up for tenants: " + problems.joined(separator: "; "))
        }
    }

    private func findProblems(withRegistry: Bool = true) async throws(PostgresError) -> [String] {
        let results = try await run([
            Query(ReadinessStatements.role), Query(ReadinessStatements.functions), Query(ReadinessStatements.database),
        ])
        var problems = try LoginDuty.serve.problems(results[0])
        let functions = try results[1].read { row throws(PostgresError) in try row.text(0) }
        if !functions.isEmpty {
            problems.append("EXECUTE is not revoked from PUBLIC on " + functions.joined(separator: ", "))
        }
        guard let database = results[2].first else { return problems }
        if try !database.bool(0) { problems.append("the database's search_path is not empty") }
        if try database.bool(1) { problems.append("CREATE or TEMPORARY on the database is not revoked from PUBLIC") }
        if try database.bool(2) { problems.append("USAGE on the trusted languages is not revoked from PUBLIC") }
        if try database.bool(3) { problems.append("CREATE on the schema public is not revoked from PUBLIC") }
        if !problems.isEmpty { problems.append("let a superuser run the bootstrap script") }
        guard withRegistry else { return problems }
        guard try database.bool(4) else { return problems + ["there is no registry: run `carillon migrate`"] }
        return problems + (try await findVersionProblems())
    }

    /// Checks that this program can use the database's versions; see ``SchemaFit``. One small query: to be repeated while a
    /// process serves, since a newer program may take away what this one uses.
    ///
    /// - Throws: ``StorageError/Code/notReady`` with both versions and what to do.
    package func verifyVersions() async throws(StorageError) {
        let problems = try await storing { () async throws(PostgresError) in try await findVersionProblems() }
        guard problems.isEmpty else { throw StorageError(.notReady, problems.joined(separator: "; ")) }
    }

    private func findVersionProblems() async throws(PostgresError) -> [String] {
        let stored = try StoredVersions(try await run([Query(ReadinessStatements.versions)])[0])
        // A program that cannot use the registry need not be told of tenants as well.
        if let problem = SchemaHistory.registry.problem(stored.registry) { return [problem] }
        return [SchemaHistory.tenant.problem(stored.tenant)].compactMap(\.self)
    }
}
