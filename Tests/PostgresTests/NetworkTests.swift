import CarillonNet
import Foundation
import Postgres
import Support
import Testing

/// The way over TCP: names, TLS, and what a socket in the file system never does.
@Suite struct NetworkTests {
    /// A cluster that listens on the loopback interface, with TLS by a certificate of its own.
    private static func makeCluster() throws -> (cluster: PrivateCluster, port: Int) {
        let port = try freePort()
        var options = PrivateCluster.Options()
        options.settings = ["listen_addresses": "localhost", "port": "\(port)"]
        options.hasCertificate = true
        return (try PrivateCluster(options), port)
    }

    @Test func namesAreResolvedAndLargeAnswersComeThroughTLS() async throws {
        let (cluster, port) = try Self.makeCluster()
        defer { cluster.remove() }
        let certificate = cluster.folder.appendingPathComponent("server.crt").path
        let info =
            "host=localhost port=\(port) user=postgres dbname=postgres sslmode=verify-full sslrootcert=\(certificate)"
        try await withPool(info, configure: { $0.connections = 2 }) { pool, _ async throws in
            let sql = """
                SELECT s.ssl, a.client_addr IS NOT NULL FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)
                WHERE s.pid = pg_backend_pid()
                """
            let row = try await pool.run(Unit(sql))[0][0]
            #expect(try row.bool(0))
            #expect(try row.bool(1))
            let sizes = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<40 {
                    // Around the sizes of TLS records and of libpq's buffer, whose edges lose bytes if anything does.
                    let size = number < 30 ? 8100 + number * 10 : number * 50_000
                    group.addTask {
                        try await pool.run(Unit("SELECT repeat('x', $1)", .int4(Int32(size))))[0][0].text(0).utf8.count
                            - size
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(sizes == Array(repeating: 0, count: 40))
        }
    }

    @Test func anUntrustedServerIsRefused() async throws {
        let (cluster, port) = try Self.makeCluster()
        defer { cluster.remove() }
        // The address is not a name of the certificate.
        let certificate = cluster.folder.appendingPathComponent("server.crt").path
        let info =
            "host=127.0.0.1 port=\(port) user=postgres dbname=postgres sslmode=verify-full sslrootcert=\(certificate)"
        try await withPool(info, configure: { $0.connections = 1 }) { pool, _ async throws in
            #expect(try await pool.error(Unit("SELECT 1")).code == .unavailable)
        }
    }

    @Test func theNextHostIsTried() async throws {
        let (cluster, port) = try Self.makeCluster()
        defer { cluster.remove() }
        let info = "host=/nonexistent,localhost port=\(port) user=postgres dbname=postgres sslmode=disable"
        try await withPool(info, configure: { $0.connections = 1 }) { pool, _ async throws in
            #expect(try await pool.integer("SELECT 1::int8") == 1)
        }
    }

    /// The server's own keep-alives, which the system's defaults leave at two hours.
    @Test func theServerIsToldHowSoonAClientIsGone() async throws {
        let (cluster, port) = try Self.makeCluster()
        defer { cluster.remove() }
        let info = "host=localhost port=\(port) user=postgres dbname=postgres sslmode=disable"
        let change: (inout PostgresConfiguration) -> Void = {
            $0.connections = 1
            $0.noticeVanishedClient()
        }
        try await withPool(info, configure: change) { pool, _ async throws in
            for (name, value) in [
                ("tcp_keepalives_idle", "5"), ("tcp_keepalives_interval", "2"), ("tcp_keepalives_count", "3"),
                ("tcp_user_timeout", "5000"),
            ] {
                let found = try await pool.run(Unit("SELECT current_setting($1)", .text(name)))[0][0].text(0)
                #expect(found == value, "\(name)")
            }
        }
    }

    /// A port that nobody listens on now.
    private static func freePort() throws -> Int {
        #if os(Linux)
            let descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue), 0)
        #else
            let descriptor = socket(AF_INET, SOCK_STREAM, 0)
        #endif
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let result = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
            }
        }
        guard result == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
