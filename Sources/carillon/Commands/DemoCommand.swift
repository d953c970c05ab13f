internal import ArgumentParser
internal import CarillonGRPC
internal import CarillonNet
internal import Foundation
internal import Logging

/// Shows the main job with a sample supplier, over the real interface.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Show with a sample supplier who is told of an invoice, and why.",
        discussion: """
            Starts what 'carillon dev' starts, onboards "Northwind Supply" with two customer accounts and five users, \
            publishes an invoice, and shows who got it how. Then it goes on serving until Ctrl-C.
            """)

    @OptionGroup var flags: DevelopmentFlags
    @Flag(help: "End after the show; exit 0 if everything was where it had to be.")
    var once = false

    func run() async throws {
        var wishes = try flags.wishes()
        // Who named no port does not mind which one it is.
        wishes.takesAnyPort = flags.listen == nil
        let directory = DevelopmentDirectory(URL(filePath: flags.directory))
        let log = try Self.log(in: directory)
        let once = once
        try await flags.withServer(wishes, log: log) { server, stop in
            let portal = try await Self.play(server)
            if once { return .done }
            try await Console.say(Self.suggestions(server, portal))
            return await stop.first()
        }
    }

    /// The terminal belongs to the show; the log goes into a file.
    private static func log(in directory: DevelopmentDirectory) throws -> Logger {
        do throws(FileTrouble) {
            try KeptFile.makeFolder(directory.url, mode: geteuid() == 0 ? 0o711 : 0o700)
            try KeptFile.write("", to: directory.log, for: .owner)
        } catch {
            throw Console.fail(error, with: .failure)
        }
        let descriptor = open(directory.log.path, O_WRONLY | O_APPEND | O_CLOEXEC)
        return descriptor < 0 ? Logger.lines(level: .warning) : Logger.lines(level: .info, to: descriptor)
    }

    private static func play(_ server: DevelopmentServer) async throws -> String {
        let directory = server.directory
        let settings = CallSettings(
            address: HostAndPort(host: "localhost", port: server.port),
            tls: try TLSContext(trustedCertificates: directory.authority.certificate.path))
        guard let operatorKey = KeptFile.read(directory.operatorKey) else {
            throw ShowFailure("the operator's key is gone")
        }
        return try await Calls.session(settings) { client in
            let portal = try SamplePortal(client: client, directory: directory)
            try await Show(portal: portal, directory: directory).play(operatorKey: operatorKey, now: Date())
            return try await portal.token(for: "anna")
        }
    }

    private static func suggestions(_ server: DevelopmentServer, _ token: String) async throws -> String {
        let directory = server.directory
        return """

            Carillon goes on serving on https://localhost:\(server.port); Ctrl-C ends it. Try:
              carillon health --address localhost:\(server.port) --ca \(directory.authority.certificate.path)
              ls \(directory.maildir.path)/new
            The tenant's API key is in \(directory.file(of: SampleSupplier.tenant, ".key").path),
            the operator's in \(directory.operatorKey.path), the log in \(directory.log.path).
            Anna's portal token, good for a quarter of an hour:
              \(token)
            """
    }
}
