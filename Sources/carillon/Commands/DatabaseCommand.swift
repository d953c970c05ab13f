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
