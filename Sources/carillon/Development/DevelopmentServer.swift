internal import CarillonNet
internal import Domain
internal import Foundation
internal import Logging
internal import Security
internal import Storage

/// Everything `carillon dev` runs: the cluster, the keys and certificates, and the server, all of one directory.
///
/// States: prepared → serving → over. The cluster is started before the server and stopped after it.
final class DevelopmentServer {
    /// The directory.
    let directory: DevelopmentDirectory
    /// The port that calls are taken on.
    var port: UInt16 { server.port }

    private let lock: DirectoryLock
    private let cluster: DevelopmentCluster
    private let server: Server

    /// How a development server is called for.
    struct Wishes: Sendable {
        /// Where calls are taken.
        var listen = HostAndPort(host: "127.0.0.1", port: 8443)
        /// Whether another port will do when this one is taken.
        var takesAnyPort = false
        /// Where the port is written.
        var portFile: String?
    }

    /// Prepares what is missing and starts everything.
    ///
    /// - Parameters:
    ///   - progress: hears of what takes long.
    ///   - onUnfit: see ``Server/start(_:log:onUnfit:)``.
    /// - Throws: ``DevelopmentTrouble``, ``FileTrouble`` or ``ServeTrouble``.
    static func start(
        in directory: DevelopmentDirectory, _ wishes: Wishes, log: Logger, progress: (String) -> Void,
        onUnfit: @escaping @Sendable (String) -> Void
    ) async throws -> DevelopmentServer {
        let lock = try directory.take()
        try directory.prepareKeys()
        if try directory.authority.prepare(now: Date()) { progress("made a development CA in \(directory.url.path)") }
        let cluster = try DevelopmentCluster.start(
            in: directory.url, path: ProcessInfo.processInfo.environment["PATH"] ?? "", progress: progress
        ) {
            log.critical("PostgreSQL has stopped", metadata: ["log": "\(directory.url.path)/postgres.log"])
        }
        do {
            try await migrate(cluster, log)
            let server = try await serve(cluster, directory, wishes, log: log, progress: progress, onUnfit: onUnfit)
            return DevelopmentServer(directory: directory, lock: lock, cluster: cluster, server: server)
        } catch {
            cluster.stop()
            throw error
        }
    }

    private init(directory: DevelopmentDirectory, lock: DirectoryLock, cluster: DevelopmentCluster, server: Server) {
        self.directory = directory
        self.lock = lock
        self.cluster = cluster
        self.server = server
    }

    /// Drains the server, then stops the cluster. Called once.
    func stop() async {
        await server.drain()
        cluster.stop()
    }

    private static func migrate(_ cluster: DevelopmentCluster, _ log: Logger) async throws {
        try cluster.bootstrap(Bootstrap.script)
        let loop = EventLoop(name: "migrate")
        let result = await Migration.run(
            database: cluster.connectionString(user: "carillon_owner"), on: loop,
            display: ProgressDisplay(level: log.logLevel))
        await loop.shutDown()
        switch result {
        case .success(let outcome):
            if let error = outcome.tenants.brokenOff { throw error }
            if let (tenant, error) = outcome.tenants.failures.first {
                throw DevelopmentTrouble("the tenant \(tenant.rawValue) could not be migrated: \(error)")
            }
        case .failure(let error):
            if error.code == .notReady { throw ServeTrouble.unfit(error.message) }
            throw error
        }
    }

    private static func serve(
        _ cluster: DevelopmentCluster, _ directory: DevelopmentDirectory, _ wishes: Wishes, log: Logger,
        progress: (String) -> Void, onUnfit: @escaping @Sendable (String) -> Void
    ) async throws -> Server {
        let flags: [SettingKey: String] = [
            .listen: wishes.listen.description, .tlsCertificate: directory.authority.serverCertificate.path,
            .tlsKey: directory.authority.serverKey.path,
            .databaseURL: cluster.connectionString(user: "carillon_serve"),
            .databaseWorkerURL: cluster.connectionString(user: "carillon_work"),
            .databaseOwnerURL: cluster.connectionString(user: "carillon_owner"),
            .operatorKeyFile: directory.operatorKey.path, .secretsKeyFile: directory.secretsKey.path,
            // Relays of a developer are on the same machine, and mails may go into a folder.
            .relayAddresses: "any", .allowsMaildir: "true", .drainGrace: "5", .reflectionEnabled: "true",
        ]
        // Of the environment nothing is taken: it may be set for another server.
        var settings = try ServeSettings(SettingsReader(flags: flags, environment: [:]))
        settings.portFile = wishes.portFile
        if settings.listen.port != 0 { settings.publicURL = "https://\(settings.listen)" }
        do throws(ServeTrouble) {
            return try await Server.start(settings, log: log, onUnfit: onUnfit)
        } catch {
            guard wishes.takesAnyPort, error.exitCode == .unavailable, settings.listen.port != 0 else { throw error }
            progress("\(error); taking another port")
            settings.listen.port = 0
            settings.publicURL = nil
            return try await Server.start(settings, log: log, onUnfit: onUnfit)
        }
    }
}
