internal import ArgumentParser
internal import Foundation
internal import Logging

/// Serves from a private cluster, with keys and certificates of its own.
struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev", abstract: "Serve from a private PostgreSQL cluster, for development.",
        discussion: """
            Makes what it needs under .carillon in the current directory, and uses it again the next time: a PostgreSQL \
            cluster that is reached by a Unix socket only, a CA with a certificate for localhost, 127.0.0.1 and ::1, the \
            operator's key and the key-encryption key. Removing the directory begins anew.
            """)

    @OptionGroup var flags: DevelopmentFlags
    @Option(.logLevel) var logLevel: String?

    func run() async throws {
        let wishes = try flags.wishes()
        let level = try configured { () throws(ConfigurationMistakes) in
            var reader = SettingsReader(
                flags: logLevel.map { [.logLevel: $0] } ?? [:], environment: ProcessInfo.processInfo.environment)
            let level = reader.logLevel()
            try reader.finish()
            return level
        }
        try await flags.withServer(wishes, log: Logger.lines(level: level)) { server, stop in
            Console.say(server.instructions)
            return await stop.first()
        }
    }
}

/// The options of `dev` and `demo`.
struct DevelopmentFlags: ParsableArguments {
    @Option(help: ArgumentHelp("Where everything is kept; default: .carillon", valueName: "folder"))
    var directory = ".carillon"
    @Option(.listen) var listen: String?
    @Option(.portFile) var portFile: String?

    /// What the options say.
    func wishes() throws -> DevelopmentServer.Wishes {
        var wishes = DevelopmentServer.Wishes()
        wishes.portFile = portFile
        if let listen {
            guard let address = HostAndPort(listen) else { throw ValidationError("--listen is not HOST:PORT") }
            wishes.listen = address
        }
        return wishes
    }

    /// Runs a development server for the time of one closure, and ends the command as it went.
    func withServer(
        _ wishes: DevelopmentServer.Wishes, log: Logger,
        _ body: (DevelopmentServer, StopOrder) async throws -> StopReason
    ) async throws {
        signal(SIGPIPE, SIG_IGN)
        DescriptorLimit.raise()
        let stop = await StopOrder()
        do {
            let server = try await DevelopmentServer.start(
                in: DevelopmentDirectory(URL(filePath: directory)), wishes, log: log,
                progress: { Console.note("carillon: \($0)") }, onUnfit: { stop.give(.unfit($0)) })
            let reason: StopReason
            do {
                reason = try await body(server, stop)
            } catch {
                await server.stop()
                throw error
            }
            await server.stop()
            if case .unfit(let why) = reason { throw ServeTrouble.unfit(why) }
        } catch let error as ServeTrouble {
            throw Console.fail(error, with: error.exitCode)
        } catch let error as ExitCode {
            throw error
        } catch {
            throw Console.fail(error, with: .failure)
        }
    }
}

extension DevelopmentServer {
    /// How to call the server, for a person.
    var instructions: String {
        """
        Carillon serves on https://localhost:\(port)
          CA certificate   \(directory.authority.certificate.path)
          operator's key   \(directory.operatorKey.path)
        Try:
          carillon health --address localhost:\(port) --ca \(directory.authority.certificate.path)
          carillon tenant create acme --display-name "Acme" --portal-url https://portal.acme.example \\
            --address localhost:\(port) --ca \(directory.authority.certificate.path) \\
            --operator-key-file \(directory.operatorKey.path)
        Ctrl-C stops it.
        """
    }
}
