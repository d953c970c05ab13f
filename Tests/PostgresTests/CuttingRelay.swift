import Foundation
import Synchronization

/// Stands between a pool and a server, and breaks connections off without a word of the server's.
///
/// Its threads end with the connections that they serve; the descriptors go with the test process.
final class CuttingRelay: Sendable {
    let folder: String
    private let listener: CInt
    private let server: String
    private let pairs = Mutex<[(client: CInt, server: CInt)]>([])
    private static let numbers = Atomic<Int>(0)

    /// - Parameter server: the folder of the server's socket.
    init(to server: String) throws {
        self.server = "\(server)/.s.PGSQL.5432"
        folder = "/tmp/carillon-relay-\(getpid())-\(Self.numbers.add(1, ordering: .relaxed).newValue)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        listener = Self.makeSocket()
        let bound = Self.withAddress("\(folder)/.s.PGSQL.5432") { bind(listener, $0, $1) }
        guard bound == 0, listen(listener, 16) == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
        Thread.detachNewThread { self.accept() }
    }

    /// Breaks the oldest connection off.
    func cutOne() {
        let pair = pairs.withLock { $0.removeFirst() }
        shutdown(pair.client, CInt(SHUT_RDWR))
        shutdown(pair.server, CInt(SHUT_RDWR))
    }

    func close() {
        shutdown(listener, CInt(SHUT_RDWR))
        let open = pairs.withLock { $0 }
        for pair in open {
            shutdown(pair.client, CInt(SHUT_RDWR))
            shutdown(pair.server, CInt(SHUT_RDWR))
        }
        try? FileManager.default.removeItem(atPath: folder)
    }

    private func accept() {
        while true {
            #if os(Linux)
                let client = Glibc.accept(listener, nil, nil)
            #else
                let client = Darwin.accept(listener, nil, nil)
            #endif
            guard client >= 0 else { return }
            let upstream = Self.makeSocket()
            guard Self.withAddress(server, { connect(upstream, $0, $1) }) == 0 else { return }
            pairs.withLock { $0.append((client, upstream)) }
            Thread.detachNewThread { Self.pump(client, upstream) }
            Thread.detachNewThread { Self.pump(upstream, client) }
        }
    }

    private static func pump(_ source: CInt, _ target: CInt) {
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = read(source, &buffer, buffer.count)
            guard count > 0, write(target, buffer, count) == count else { break }
        }
        shutdown(target, CInt(SHUT_RDWR))
    }

    private static func makeSocket() -> CInt {
        #if os(Linux)
            socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        #else
            socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
    ) -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
        }
    }
}
