internal import Foundation

/// A PostgreSQL cluster that belongs to one development directory: made once, reached by a Unix socket only, running as
/// long as the process that started it. Its methods block.
final class DevelopmentCluster: Sendable {
    private static let database = "carillon"
    private let server: ServerProcess
    private let folders: ClusterFolders
    private let installation: PostgresInstallation

    /// Makes the cluster if there is none, and starts its server.
    ///
    /// - Parameters:
    ///   - directory: the development directory, whose lock the caller holds.
    ///   - progress: hears of what takes long.
    ///   - onCrash: see ``ServerProcess``.
    /// - Throws: ``DevelopmentTrouble`` or ``FileTrouble``.
    static func start(
        in directory: URL, path: String, progress: (String) -> Void, onCrash: @escaping @Sendable () -> Void
    ) throws -> DevelopmentCluster {
        let installation = try PostgresInstallation.find(path: path)
        let folders = try ClusterFolders.make(in: directory, for: installation.user)
        if !FileManager.default.fileExists(atPath: folders.data.appending(path: "PG_VERSION").path) {
            progress("making a PostgreSQL cluster in \(folders.data.path)")
            try make(folders, installation)
        }
        try LeftoverServer.clear(folders.data)
        let settings = [
            "listen_addresses=", "unix_socket_directories=\(folders.socket.path)", "unix_socket_permissions=0700",
            "max_connections=100", "shared_buffers=64MB", "logging_collector=off", "log_destination=stderr",
            "lc_messages=C", "log_min_messages=warning",
        ]
        let server = try ServerProcess(
            try installation.command(
                "postgres", ["-D", folders.data.path] + settings.flatMap { ["-c", $0] }, endsWithUs: true),
            in: folders.socket, log: directory.appending(path: "postgres.log"), onCrash: onCrash)
        let cluster = DevelopmentCluster(server: server, folders: folders, installation: installation)
        do {
            try cluster.makeDatabase()
        } catch {
            server.stop()
            throw error
        }
        return cluster
    }

    private init(server: ServerProcess, folders: ClusterFolders, installation: PostgresInstallation) {
        self.server = server
        self.folders = folders
        self.installation = installation
    }

    /// The connection string for one of the product's logins. No password: the socket's folder lets nobody else in.
    func connectionString(user: String) -> String {
        let folder = folders.socket.path.replacing("\\", with: "\\\\").replacing("'", with: "\\'")
        return "host='\(folder)' dbname=\(Self.database) user=\(user)"
    }

    /// Stops the server and returns when it is gone.
    func stop() {
        server.stop()
    }

    /// `initdb` works in a folder of another name: one that was interrupted leaves no half of a cluster.
    private static func make(_ folders: ClusterFolders, _ installation: PostgresInstallation) throws {
        let fresh = folders.data.path + ".new"
        try? FileManager.default.removeItem(atPath: fresh)
        try? FileManager.default.removeItem(at: folders.data)
        try installation.run(
            "initdb",
            [
                "--pgdata", fresh, "--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--locale", "C",
                "--data-checksums", "--no-instructions",
            ], asServer: true, in: folders.socket)
        try FileManager.default.moveItem(atPath: fresh, toPath: folders.data.path)
    }

    private func makeDatabase() throws {
        let count = try psql(
            "SELECT count(*) FROM pg_catalog.pg_database WHERE datname = '\(Self.database)'", database: "postgres")
        if count != "1" { try psql("CREATE DATABASE \(Self.database)", database: "postgres") }
    }

    /// Runs the script that a superuser runs once in the product's database; running it again is harmless.
    func bootstrap(_ script: String) throws {
        try psql(script, database: Self.database)
    }

    /// Runs SQL as the cluster's superuser and returns what it prints.
    @discardableResult
    private func psql(_ sql: String, database: String) throws -> String {
        try installation.run(
            "psql",
            [
                "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1", "--host",
                folders.socket.path, "--username", "postgres", "--dbname", database, "--file", "-",
            ], in: folders.socket, input: sql)
    }
}
