import Testing

@testable import CarillonNet

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// One port for all addresses, or nothing.
@Suite struct ListeningSocketsTests {
    @Test func aPortThatIsTakenOnAFurtherAddressIsGivenUpForAnother() throws {
        guard MachineAddresses.has("::1") else { return }
        var ports: [UInt16] = []
        let sockets = try ListeningSockets.open(at: MachineAddresses.of("127.0.0.1", "::1"), port: 0) {
            address, onlyIPv6 throws(SocketError) in
            #expect(onlyIPv6)
            if address.isIPv6 {
                ports.append(address.port)
                if ports.count < 4 { throw SocketError(doing: "bind \(address)", errno: EADDRINUSE) }
            }
            return try Socket.listen(at: address, onlyIPv6: onlyIPv6)
        }
        #expect(ports.count == 4 && sockets.port == ports.last)
        #expect(sockets.descriptors.map { Socket.localPort($0) } == [sockets.port, sockets.port])
        for descriptor in sockets.descriptors { Socket.close(descriptor) }
    }

    @Test func theSearchForAPortEnds() throws {
        var tries = 0
        let error = #expect(throws: SocketError.self) {
            try ListeningSockets.open(at: MachineAddresses.of("127.0.0.1"), port: 0) {
                address, _ throws(SocketError) in
                tries += 1
                throw SocketError(doing: "bind \(address)", errno: EADDRINUSE)
            }
        }
        #expect(tries == ListeningSockets.attempts)
        #expect(error?.description == "bind 127.0.0.1:0: Address already in use")
    }

    @Test func anAddressThatIsTakenIsNamedAndNothingStaysOpen() throws {
        let first = try ListeningSockets.open(at: MachineAddresses.of("127.0.0.1"), port: 0)
        let error = #expect(throws: SocketError.self) {
            // The first of the two is free.
            try ListeningSockets.open(at: MachineAddresses.of("127.0.0.2", "127.0.0.1"), port: first.port)
        }
        #expect(error?.description == "bind 127.0.0.1:\(first.port): Address already in use")
        // The port is still held, so that no other test's server gets it.
        let again = try ListeningSockets.open(at: MachineAddresses.of("127.0.0.2"), port: first.port)
        for descriptor in first.descriptors + again.descriptors { Socket.close(descriptor) }
    }

    /// Where a name has addresses of both families, a machine without IPv6 listens on the others; an address that was asked
    /// for by itself must be there.
    @Test(arguments: [EADDRNOTAVAIL, EAFNOSUPPORT])
    func whatTheMachineHasNotGotIsLeftOut(errno: CInt) throws {
        func listen(_ address: NetworkAddress, _ onlyIPv6: Bool) throws(SocketError) -> CInt {
            if address.isIPv6 { throw SocketError(doing: "bind \(address)", errno: errno) }
            return try Socket.listen(at: address, onlyIPv6: onlyIPv6)
        }
        let sockets = try ListeningSockets.open(at: MachineAddresses.of("::1", "127.0.0.1"), port: 0, listen: listen)
        #expect(sockets.descriptors.count == 1)
        for descriptor in sockets.descriptors { Socket.close(descriptor) }
        #expect(throws: SocketError.self) {
            try ListeningSockets.open(at: MachineAddresses.of("::1"), port: 0, listen: listen)
        }
    }
}

extension NetworkAddress {
    fileprivate var port: UInt16 { withUnsafeBytes(of: socketAddress.storage) { UInt16($0[2]) << 8 | UInt16($0[3]) } }
}

/// The addresses of this machine.
enum MachineAddresses {
    static func of(_ texts: String..., port: UInt16 = 0) throws -> [NetworkAddress] {
        try texts.flatMap { try NetworkAddress.resolve(host: $0, port: port) }
    }

    /// Whether this machine has the address; without IPv6 half of the tests has nothing to look at.
    static func has(_ address: String) -> Bool {
        guard let found = try? of(address).first, let socket = try? Socket.listen(at: found, onlyIPv6: false) else {
            return false
        }
        Socket.close(socket)
        return true
    }
}
