internal import ArgumentParser
internal import CarillonNet
internal import Domain
internal import Logging
internal import Postgres
internal import Storage

/// Commands about the databases that tenants live in.
struct DatabaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "database", abstract: "Name the databases that tenants live in.",
        subcommands: [
            DatabaseAddCommand.self, DatabaseListCommand.self, DatabaseOpenCommand.self, DatabaseCloseCommand.self,
        ])
}

/// Names a further database.
struct DatabaseAddCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "add", abstract: "Name a further database, and check that tenants can live there.",
        discussion: """
            The database is reached as the registry's own is, with the same logins, but for what --connection says, such as \
            "host=db2 dbname=carillon". It needs the same hardening; with the URL of a superuser there the command does it.

            The same command again changes nothing.
            """)

    @Argument(help: ArgumentHelp("A small letter, then up to 30 small letters, digits, hyphens.", valueName: "name"))
    var name: String
    @Option(help: ArgumentHelp("What differs from the registry's connection string.", valueName: "text"))
    var connection: String
    @Option(help: ArgumentHelp("A superuser's connection to the new database, to harden it.", valueName: "url"))
    var superuserURL: String?
    @OptionGroup var flags: DatabaseFlags

    func run() async throws {
        let ways = try DatabaseWays(flags)
        guard let database = DatabaseName(name) else {
            throw Console.fail("\(PlainText.of(name)) is not a name for a database", with: .usage)
        }
        let differences: ConnectionDifferences
        do throws(PostgresError) {
            differences = try ConnectionDifferences(connection)
            guard !connection.isEmpty else { throw PostgresError(.invalidValue, "the connection differs in nothing") }
        } catch {
            throw Console.fail(error.explanation, with: .usage)
        }
        let superuser = superuserURL
        let naming = try await ways.work { work throws(StorageError) in
            if let superuser { try await DatabaseChecks.harden(superuser, on: work.loop) }
            try await DatabaseChecks.check(differences, ways, on: work.loop)
            let stamp = AuditStamp(id: Clock.freshID, actor: "owner", origin: "carillon database add")
            return try await work.administration.addDatabase(
                database, connection: differences, stamp: stamp, now: Clock.now)
        }
        switch naming {
        case .named: Console.note("\(name) is named, and takes tenants")
        case .same: Console.note("\(name) is named so already")
        case .taken: throw Console.fail("another database has the name \(name)", with: .failure)
        }
    }
}

/// Lists the databases.
struct DatabaseListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the databases: name, tenants, whether new ones are taken, where it is.")

    @OptionGroup var flags: DatabaseFlags

    func run() async throws {
        let databases = try await DatabaseWays(flags).work { work throws(StorageError) in
            try await work.administration.databases()
        }
        for database in databases {
            let words = [
                database.name.rawValue, String(database.tenants), database.acceptsTenants ? "open" : "closed",
                PlainText.of(database.connection),
            ]
            Console.say(words.joined(separator: "\t"))
        }
    }
}

/// Lets new tenants be put into a database.
struct DatabaseOpenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "open", abstract: "Let new tenants be put into a database.")

    @Argument(help: ArgumentHelp("The database.", valueName: "name")) var name: String
    @OptionGroup var flags: DatabaseFlags

    func run() async throws { try await DatabaseWays(flags).setAccepts(true, name) }
}

/// Puts no new tenants into a database.
struct DatabaseCloseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "close", abstract: "Put no new tenants into a database; those that are there stay.")

    @Argument(help: ArgumentHelp("The database.", valueName: "name")) var name: String
    @OptionGroup var flags: DatabaseFlags

    func run() async throws { try await DatabaseWays(flags).setAccepts(false, name) }
}

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
