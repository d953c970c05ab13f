internal import ArgumentParser
internal import CarillonNet
internal import Logging
internal import Postgres
internal import Storage

/// The logins of commands about databases.
struct DatabaseWays: Sendable {
    let serve: String
    let owner: String
    let level: Logger.Level

    /// Reads the settings, or says what is wrong with them and ends the command.
    init(_ flags: DatabaseFlags) throws {
        let settings = try configured { () throws(ConfigurationMistakes) in
            var reader = flags.reader()
            let settings = (
                reader.requiredText(.databaseURL), reader.requiredText(.databaseOwnerURL), reader.logLevel()
            )
            try reader.finish()
            return settings
        }
        guard let serve = settings.0, let owner = settings.1 else {
            preconditionFailure("a setting is missing and nobody said so")
        }
        (self.serve, self.owner, level) = (serve, owner, settings.2)
    }

    /// Runs work on the registry as the owner, or says why it failed and ends the command.
    func work<Value: Sendable>(
        _ body: @escaping @Sendable (OwnerWork) async throws(StorageError) -> Value
    ) async throws -> Value {
        try await OwnerWork.command(as: owner, "database", level: level, body)
    }

    /// Says whether a database takes new tenants.
    func setAccepts(_ accepts: Bool, _ name: String) async throws {
        guard let database = DatabaseName(name) else {
            throw Console.fail("\(PlainText.of(name)) is not a name for a database", with: .usage)
        }
        let isThere = try await work { work throws(StorageError) in
            let origin = "carillon database \(accepts ? "open" : "close")"
            let stamp = AuditStamp(id: Clock.freshID, actor: "owner", origin: origin)
            return try await work.administration.setAccepts(accepts, database: database, stamp: stamp)
        }
        guard isThere else { throw Console.fail("there is no database \(name)", with: .failure) }
    }
}

/// What is done to a database before it is named.
enum DatabaseChecks {
    /// Runs the superuser's bootstrap.
    static func harden(_ superuser: String, on loop: EventLoop) async throws(StorageError) {
        try await OwnerSessions.bootstrap(superuser, on: loop)
    }

    /// Looks whether both logins reach the database, and whether it is as hardened as the registry's.
    static func check(
        _ differences: ConnectionDifferences, _ ways: DatabaseWays, on loop: EventLoop
    ) async throws(StorageError) {
        try await OwnerSessions.checkOwner(differences, of: ways.owner, on: loop)
        var configuration: PostgresConfiguration
        do throws(PostgresError) {
            configuration = PostgresConfiguration(connectionInfo: try differences.applied(to: ways.serve))
        } catch {
            throw StorageError(.invalidValue, error.explanation)
        }
        configuration.connections = 1
        let pool = PostgresPool(loop: loop, configuration: configuration)
        let result: Result<Void, StorageError>
        do throws(StorageError) {
            result = .success(try await RegistryStore(pool: pool).verifyBootstrap())
        } catch {
            result = .failure(error)
        }
        await pool.close()
        try result.get()
    }
}
