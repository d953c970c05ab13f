#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// An IP address with its port: what a connection is made to.
package struct NetworkAddress: Hashable, Sendable, CustomStringConvertible {
    /// As text, such as `192.0.2.1:443` or `[2001:db8::1]:443`; it names the address fully, so equality and hash use it.
    package let description: String
    let socketAddress: Socket.Address

    init(_ address: Socket.Address) {
        socketAddress = address
        let name = Socket.name(of: address)
        let port = withUnsafeBytes(of: address.storage) { Int($0[2]) << 8 | Int($0[3]) }
        description = address.family == AF_INET6 ? "[\(name)]:\(port)" : "\(name):\(port)"
    }

    /// Whether it is an IPv6 address.
    package var isIPv6: Bool { socketAddress.family == AF_INET6 }

    package static func == (lhs: NetworkAddress, rhs: NetworkAddress) -> Bool { lhs.description == rhs.description }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(description)
    }

    /// Turns a host name or address and a port into addresses, in the order of the system's preference (RFC 6724), each
    /// once. Blocks: call it by ``EventLoop/offload(_:)``.
    ///
    /// - Parameters:
    ///   - host: a name or address; empty for this machine.
    ///   - port: what the addresses get.
    ///   - forListening: whether an empty host stands for all addresses of the machine, rather than for its loopback.
    /// - Throws: ``ResolutionError``.
    package static func resolve(host: String, port: UInt16, forListening: Bool = false) throws -> [NetworkAddress] {
        var seen: Set<NetworkAddress> = []
        return try Socket.resolve(host: host, port: port, passive: forListening).map { NetworkAddress($0) }
            .filter { seen.insert($0).inserted }
    }

    /// The same address with another port.
    func with(port: UInt16) -> NetworkAddress {
        var address = socketAddress
        // The port stands at the same place in IPv4 and IPv6 addresses, in network byte order.
        withUnsafeMutableBytes(of: &address.storage) {
            $0[2] = UInt8(port >> 8)
            $0[3] = UInt8(truncatingIfNeeded: port)
        }
        return NetworkAddress(address)
    }
}
