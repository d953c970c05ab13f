package import Foundation
internal import Synchronization

/// A PostgreSQL cluster of the tests' own: made by `initdb` in a temporary folder, reached by a Unix socket only, gone
/// at the end of the process.
///
/// Nothing of it survives a test process, however that ends: at a normal exit the server is stopped and the folder
/// removed; if the process is killed, the kernel sends the server the signal to stop (Linux), and the next process
/// removes the folder. As root the server runs as `postgres` or `nobody`, because it refuses to run as root.
///
/// All methods block; they take milliseconds but for `init`, which takes about a second. Any thread.
package final class PrivateCluster: Sendable {
    /// How a cluster differs from the usual one.
    package struct Options: Sendable {
        /// Whether commits survive a crash of the machine. Off, which is faster and enough for a crash of the server.
        package var isDurable = false
        /// Whether the server offers TLS with a certificate for `localhost`, which lies in ``folder`` as `server.crt`
        /// and is its own authority. Made by the `openssl` command.
        package var hasCertificate = false
        /// Further server settings, such as `max_connections`.
        package var settings: [String: String] = [:]

        /// The usual cluster.
        package init() {}
    }

    /// The cluster that all tests of this process share, made at the first use. Tests that stop their server or
    /// change its roles make one of their own.
    package static func shared() throws -> PrivateCluster {
        try sharedCluster.get()
    }

    private static let sharedCluster = Result { try PrivateCluster() }
    private static let databaseNumbers = Atomic<Int>(0)

    /// The folder of the cluster, which is also the folder of its socket.
    package let folder: URL
    private let options: Options
    private let programs: PostgresPrograms
    private let server = Mutex<ServerProcess?>(nil)

    /// Makes a cluster and starts its server.
    ///
    /// - Throws: ``ClusterError`` with what the programs printed.
    package init(_ options: Options = Options()) throws {
        self.options = options
        programs = try PostgresPrograms.find()
        folder = try ClusterFolders.make(for: programs.user)
        try programs.run(
            "initdb",
            [
                "--pgdata", folder.appendingPathComponent("data").path, "--username", "postgres", "--auth", "trust",
                "--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions",
            ], in: folder)
        RunningClusters.add(self)
        if options.hasCertificate { try makeCertificate() }
        try start()
    }

    // MARK: The server

    /// How a server is stopped.
    package enum StopMode: Sendable {
        /// Backends end their transactions with an error and tell their clients so.
        case fast
        /// As after a crash: clients see the connection break.
        case immediate
    }

    /// Starts the server and returns when it takes connections.
    package func start() throws {
        var settings = [
            "listen_addresses": "", "unix_socket_directories": folder.path, "unix_socket_permissions": "0777",
            "shared_buffers": "32MB", "max_connections": "100", "log_min_messages": "warning",
            "fsync": options.isDurable ? "on" : "off", "full_page_writes": options.isDurable ? "on" : "off",
        ]
        if options.hasCertificate {
            settings.merge(["ssl": "on", "ssl_cert_file": certificate.path, "ssl_key_file": key.path]) { $1 }
        }
        settings.merge(options.settings) { $1 }
        let data = folder.appendingPathComponent("data").path
        let arguments = ["-D", data] + settings.sorted { $0.key < $1.key }.flatMap { ["-c", "\($0.key)=\($0.value)"] }
        let started = try ServerProcess(programs.command("postgres", arguments), in: folder)
        server.withLock { $0 = started }
    }

    /// Stops the server and returns when it is gone. Harmless if it does not run.
    package func stop(_ mode: StopMode = .fast) {
        let running = server.withLock { server in
            defer { server = nil }
            return server
        }
        running?.stop(mode == .fast ? SIGINT : SIGQUIT)
    }

    /// Stops the server and starts it again.
    package func restart(_ mode: StopMode = .fast) throws {
        stop(mode)
        try start()
    }

    /// Stops the server and removes the folder. Called for every cluster at the end of the process.
    package func remove() {
        stop(.immediate)
        RunningClusters.remove(self)
        try? FileManager.default.removeItem(at: folder)
    }

    private var certificate: URL { folder.appendingPathComponent("server.crt") }
    private var key: URL { folder.appendingPathComponent("server.key") }

    private func makeCertificate() throws {
        // The server refuses a key that others than its user can read, which is how openssl writes it.
        try programs.run(
            "openssl",
            [
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
                "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key.path,
                "-out", certificate.path,
            ], in: folder)
    }

    // MARK: Databases

    /// Makes an empty database and returns its name, which no other test has.
    package func makeDatabase() throws -> String {
        let name = "test_\(Self.databaseNumbers.add(1, ordering: .relaxed).newValue)"
        try execute("CREATE DATABASE \(name)")
        return name
    }

    /// The connection string for a database of this cluster by its socket. `postgres` is the superuser; any login role
    /// of the cluster is let in without a password.
    package func connectionInfo(database: String = "postgres", user: String = "postgres") -> String {
        "host=\(folder.path) port=\(options.settings["port"] ?? "5432") dbname=\(database) user=\(user)"
    }

    /// Runs SQL (several commands may be given) on a connection of its own, and returns the rows of the last command as
    /// text.
    @discardableResult
    package func execute(
        _ sql: String, database: String = "postgres", user: String = "postgres"
    ) throws -> [[String?]] {
        try PlainConnection.execute(sql, connectionInfo(database: database, user: user))
    }
}

/// Something went wrong while making or using a cluster.
package struct ClusterError: Error, CustomStringConvertible {
    /// What went wrong, with what the program printed.
    package let description: String

    init(_ description: String) {
        self.description = description
    }
}
