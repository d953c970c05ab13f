internal import ArgumentParser
internal import Foundation
internal import Logging

/// Serves until SIGTERM or SIGINT.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Take calls and deliver, until SIGTERM.",
        discussion: """
            SIGTERM and SIGINT let what is under way finish; a second one ends the process at once. The log goes to the \
            standard error, a line of JSON for each event.

            Exit status: 0 after a drain, 64 for mistakes in the configuration, 69 when the address is taken, 78 when the \
            database is not set up for serving.
            """)

    @OptionGroup var flags: ServeFlags

    func run() async throws {
        let settings = try configured { () throws(ConfigurationMistakes) in try ServeSettings(flags.reader()) }
        let log = Logger.lines(level: settings.logLevel)
        for name in UnknownVariables.of(ProcessInfo.processInfo.environment) {
            log.warning("a variable of the environment is not known", metadata: ["name": "\(name)"])
        }
        // Who reads our log may go away; the loops' own threads block the signal themselves.
        signal(SIGPIPE, SIG_IGN)
        DescriptorLimit.raise()
        let stop = await StopOrder()
        do throws(ServeTrouble) {
            let server = try await Server.start(settings, log: log) { stop.give(.unfit($0)) }
            let reason = await stop.first()
            await server.drain()
            if case .unfit(let why) = reason { throw .unfit(why) }
        } catch {
            log.critical("\(error.description)")
            throw error.exitCode
        }
    }
}
