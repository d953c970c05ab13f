internal import ArgumentParser
internal import CarillonNet
internal import Foundation
internal import Logging
internal import Postgres
internal import Storage

/// Brings the database to the version of this program: the registry, then every tenant.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Bring the database to the version of this program.",
        discussion: """
            Run before the first start and before each new version, while the version before goes on serving. It can be \
            broken off at any moment and run again: SIGTERM and SIGINT let the transactions under way finish, a second one \
            ends it at once.

            A new database needs its logins and its hardening first, which take a superuser, once:
            carillon migrate --print-bootstrap | psql …

            Exit status: 0 when everything is at this version, 1 when a tenant could not be migrated, 2 when --dry-run \
            finds something to do, 64 for mistakes in the settings, 69 when the database is away, 78 when a newer version \
            has migrated it or its logins are missing, 130 and 143 when a signal ended it before it was done.
            """)

    @Flag(help: "Print the script that a superuser runs once on a new database, and do nothing else.")
    var printBootstrap = false
    @Flag(help: "Say what would be done and change nothing; exit 2 if there is something to do.")
    var dryRun = false
    @Flag(help: "With --dry-run: show all statements.")
    var sql = false
    @Option(help: ArgumentHelp("How many tenants are migrated at once, 1 to 16.", valueName: "number"))
    var parallel = 4

    @OptionGroup var flags: OwnerFlags

    func validate() throws {
        guard (1...16).contains(parallel) else { throw ValidationError("--parallel is a number from 1 to 16") }
        guard dryRun || !sql else { throw ValidationError("--sql goes with --dry-run") }
    }

    func run() async throws {
        if printBootstrap { return Console.say(Bootstrap.script) }
        let (owner, level) = try flags.login()
        signal(SIGPIPE, SIG_IGN)
        let display = ProgressDisplay(level: level)
        let loop = EventLoop(name: "migrate")
        if dryRun {
            let result = await Migration.plan(database: owner, on: loop, display: display)
            await loop.shutDown()
            let plan = try Self.succeeded(result)
            Console.say(plan.text(withStatements: sql))
            if !plan.isEmpty { throw ExitCode.pending }
        } else {
            try await migrate(owner, on: loop, display)
        }
    }

    private func migrate(_ owner: String, on loop: EventLoop, _ display: ProgressDisplay) async throws {
        let stop = StopRequest()
        let order = await StopOrder()
        let listening = Task { () -> Int32? in
            guard case .signal(let number) = await order.first() else { return nil }
            stop.request()
            display.say("stopping after the transactions under way")
            return number
        }
        let result = await Migration.run(database: owner, parallel: parallel, on: loop, display: display, stop: stop)
        await loop.shutDown()
        order.give(.done)
        let signal = await listening.value
        let outcome = try Self.succeeded(result, signal)
        Console.say(outcome.summary)
        if let error = outcome.tenants.brokenOff { throw Self.failure(error) }
        if outcome.tenants.isStopped, let signal { throw ExitCode(128 + signal) }
        if outcome.tenants.failed > 0 { throw ExitCode.failure }
    }

    private static func succeeded<Value>(_ result: Result<Value, StorageError>, _ signal: Int32? = nil) throws -> Value
    {
        switch result {
        case .success(let value): return value
        case .failure(let error):
            if let signal { throw Console.fail("stopped before the tenants", with: ExitCode(128 + signal)) }
            throw failure(error)
        }
    }

    private static func failure(_ error: StorageError) -> ExitCode {
        switch error.code {
        case .unavailable: Console.fail(OwnerWork.words(error), with: .unavailable)
        case .notReady: Console.fail(error.message, with: .configuration)
        default: Console.fail(OwnerWork.words(error), with: .failure)
        }
    }
}
