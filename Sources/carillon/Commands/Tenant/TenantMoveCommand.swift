internal import ArgumentParser
internal import CarillonNet
internal import Domain
internal import Foundation
internal import Logging
internal import Storage

/// Moves a tenant to another database.
struct TenantMoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "move", abstract: "Move a tenant to another database, while it is served.",
        discussion: """
            Its rows are copied while it is served. Then its workers finish what they hold, and for seconds its calls are \
            answered UNAVAILABLE, with word when to try again: the last rows are copied, both sides are compared by checksums, \
            and it is served from its new place. When that is not done within --hold-limit, it is served where it was, and the \
            copy is kept for another try. What it left at the old one is removed.

            One tenant is moved at a time. A move can be broken off at any moment: SIGTERM and SIGINT give the tenant its \
            service back where it was and keep what was copied; a second one, or a kill, ends the command at once. The same \
            command again goes on in either case, --abort takes everything back. Once the tenant lives at its new place, it \
            is too late for that: move it back.

            It is a command of the database's owner, and calls no server. All servers and workers have to be of this version.

            Exit status: 0 when the tenant was moved, or the move taken back; 1 when it cannot be, and why is said, also when \
            the tenant may be held until the command is run again; 64 for mistakes in the settings, 69 when a database is away \
            before anything is done, 78 when one is not prepared, 130 and 143 when a signal ended it before it was done.
            """)

    @Argument(help: ArgumentHelp("The tenant's id.", valueName: "id")) var tenant: String
    @Option(name: .customLong("to"), help: ArgumentHelp("The database that it shall live in.", valueName: "database"))
    var target: String?
    @Option(
        help: ArgumentHelp(
            "For how many seconds its calls may be refused, 1 to 600; a move that would take longer is not made.",
            valueName: "seconds")) var holdLimit = 10
    @Flag(help: "Take a move back that was broken off.") var abort = false
    @OptionGroup var flags: DatabaseFlags

    func validate() throws {
        guard abort == (target == nil) else { throw ValidationError("say --to or --abort, and one of them only") }
        guard (1...600).contains(holdLimit) else { throw ValidationError("--hold-limit takes 1 to 600 seconds") }
    }

    func run() async throws {
        guard let tenant = TenantID(tenant) else {
            throw Console.fail("\(PlainText.of(tenant)) is not a tenant's id", with: .usage)
        }
        let ways = try DatabaseWays(flags)
        let moving = Moving(
            tenant: tenant, ways: ways, holdLimit: .seconds(holdLimit),
            display: ProgressDisplay("copying rows", level: ways.level))
        signal(SIGPIPE, SIG_IGN)
        let loop = EventLoop(name: "move")
        if let target {
            guard let database = DatabaseName(target) else {
                throw Console.fail("\(PlainText.of(target)) is not a name for a database", with: .usage)
            }
            try await move(moving, to: database, on: loop)
        } else {
            let result = await moving.abort(on: loop)
            await loop.shutDown()
            _ = try Self.succeeded(result)
            Console.say("\(tenant) is served where it was, and its copy is removed")
        }
    }

    private func move(_ moving: Moving, to target: DatabaseName, on loop: EventLoop) async throws {
        let stop = StopRequest()
        let order = await StopOrder()
        let listening = Task { () -> Int32? in
            guard case .signal(let number) = await order.first() else { return nil }
            stop.request()
            moving.display.say("stopping as soon as that does no harm")
            return number
        }
        let result = await moving.move(to: target, on: loop, stop: stop)
        await loop.shutDown()
        order.give(.done)
        let signal = await listening.value
        switch try Self.succeeded(result) {
        case .moved(let report): Console.say(Self.text(of: report, tenant))
        case .stopped:
            Console.note(
                "carillon: stopped; \(tenant) is served where it was: the same command goes on, --abort removes the copy"
            )
            throw ExitCode(128 + (signal ?? SIGTERM))
        }
    }

    private static func text(of report: MoveReport, _ tenant: String) -> String {
        let way = "\(tenant) was moved from \(report.source) to \(report.target)"
        guard let held = report.held else { return "\(way) by an earlier run; what was left is removed" }
        let seconds = Double(held.milliseconds) / 1000
        return "\(way): \(report.rows) rows copied, held for \(String(format: "%.2f", seconds)) s"
    }

    private static func succeeded<Value>(_ result: Result<Value, StorageError>) throws -> Value {
        do {
            return try result.get()
        } catch {
            switch error.code {
            case .unavailable: throw Console.fail(error.cause == nil ? error.message : "\(error)", with: .unavailable)
            case .notReady: throw Console.fail(error.message, with: .configuration)
            case .moveRefused: throw Console.fail(error.message, with: .failure)
            // Without the server's own words, which may quote a row.
            default: throw Console.fail(error, with: .failure)
            }
        }
    }
}
