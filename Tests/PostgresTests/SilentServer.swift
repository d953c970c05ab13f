import Foundation
import Synchronization

/// A socket that takes connections and never answers, where libpq looks for a server.
struct SilentServer {
    let folder: String
    private let descriptor: CInt
    private static let numbers = Atomic<Int>(0)

    init() throws {
        folder = "/tmp/carillon-silent-\(getpid())-\(Self.numbers.add(1, ordering: .relaxed).newValue)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let path = Array("\(folder)/.s.PGSQL.5432".utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        #if os(Linux)
            descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        #else
            descriptor = socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
        let result = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0, listen(descriptor, 8) == 0 else { throw POSIXError(.init(rawValue: errno) ?? .EIO) }
    }

    func close() {
        #if os(Linux)
            _ = Glibc.close(descriptor)
        #else
            _ = Darwin.close(descriptor)
        #endif
        try? FileManager.default.removeItem(atPath: folder)
    }
}
