internal import ArgumentParser
internal import CarillonNet
internal import Domain
internal import Foundation
internal import Logging
internal import Postgres
internal import Storage

/// Brings the database to the version of this program: the registry, then every tenant.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Bring the database to the version of this program.",
        discussion: """
            Run before the first start and before each new version. It can be broken off and run again at any moment, while \
            the version before goes on serving.

            A new database needs its three logins and its hardening first, which take a superuser, once:
            carillon migrate --print-bootstrap | psql …
            """)

    @Flag(help: "Print the script that a superuser runs once on a new database, and do nothing else.")
    var printBootstrap = false

    @OptionGroup var flags: MigrateFlags

    func run() async throws {
        if printBootstrap { return Console.say(Bootstrap.script) }
        let (owner, level) = try configured { () throws(ConfigurationMistakes) in
            var reader = flags.reader()
            let settings = (reader.requiredText(.databaseOwnerURL), reader.logLevel())
            try reader.finish()
            return settings
        }
        guard let owner else { preconditionFailure("a setting is missing and nobody said so") }
        let loop = EventLoop(name: "migrate")
        let log = Logger.lines(level: level)
        let result = await Migration.run(database: owner, on: loop, log: log) { Console.progress($0) }
        await loop.shutDown()
        switch result {
        case .success(let outcome):
            Console.say(outcome.summary)
            for (tenant, error) in outcome.failed { Console.note("carillon: \(tenant.rawValue): \(error)") }
            if !outcome.failed.isEmpty { throw ExitCode.failure }
        case .failure(let error):
            // With the server's own words: a migration's statements hold no data of tenants.
            let why = error.cause?.debugDescription ?? error.description
            throw Console.fail(why, with: error.code == .unavailable ? .unavailable : .failure)
        }
    }
}

/// The work of `migrate`, which `dev` does too.
enum Migration {
    /// What was done.
    struct Outcome: Sendable {
        /// The registry's version before; 0 for none.
        let registryBefore: Int32
        /// Tenants that were brought to the current version.
        let migrated: Int
        /// Tenants that were not, and why.
        let failed: [(tenant: TenantID, error: StorageError)]

        /// One line for the user.
        var summary: String {
            let registry = registryBefore == 0 ? "made the registry" : "the registry is current"
            return "\(registry); \(migrated) tenants migrated, \(failed.count) failed"
        }
    }

    /// Migrates the registry and all tenants as the owner.
    ///
    /// - Parameter progress: told of each tenant.
    static func run(
        database: String, on loop: EventLoop, log: Logger, progress: @escaping @Sendable (MigrationProgress) -> Void
    ) async -> Result<Outcome, StorageError> {
        await loop.run {
            var configuration = PostgresConfiguration(connectionInfo: database)
            configuration.applicationName = "carillon migrate"
            // A statement of a migration may take as long as it takes; it is its lock that must not be waited for.
            configuration.statementTimeout = .zero
            configuration.unitLimit = .seconds(3600)
            configuration.onEvent = { log.report($0, login: "owner") }
            let pool = PostgresPool(loop: loop, configuration: configuration)
            let administration = TenantAdministration(pool: pool) { pause throws(CancellationError) in
                try await loop.sleep(for: pause)
            }
            let result: Result<Outcome, StorageError>
            do throws(StorageError) {
                let before = try await administration.migrateRegistry(now: Clock.now)
                let report = try await administration.migrateTenants(progress: progress)
                result = .success(
                    Outcome(registryBefore: before, migrated: report.migrated, failed: report.failed))
            } catch {
                result = .failure(error)
            }
            await pool.close()
            return result
        }
    }
}

extension Console {
    /// Shows how far a migration is: a line that is drawn over on a terminal, one for each tenth elsewhere.
    static func progress(_ progress: MigrationProgress) {
        guard progress.total > 0 else { return }
        let percent = progress.done * 100 / progress.total
        let line = "migrating tenants: \(progress.done) of \(progress.total) (\(percent) %)"
        if isatty(STDERR_FILENO) == 1 {
            show("\r\(line)\(progress.done == progress.total ? "\n" : "")")
        } else if progress.done == progress.total || percent / 10 > (progress.done - 1) * 100 / progress.total / 10 {
            note(line)
        }
    }
}
