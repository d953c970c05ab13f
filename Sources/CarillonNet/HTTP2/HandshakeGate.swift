internal import Synchronization

/// Counts the handshakes that are under way, over all and for each address of peers: what a handshake costs is asked for by
/// whoever comes, before anything is known of them.
///
/// The table has an entry only for addresses with a handshake under way, so the limit over all bounds it too.
package final class HandshakeGate: Sendable {
    private struct State {
        var underWay = 0
        var byAddress: [PeerAddress: Int] = [:]
    }

    private let perAddress: Int
    private let overall: Int
    private let state = Mutex(State())

    /// Makes a gate with nothing under way.
    ///
    /// - Parameters:
    ///   - perAddress: handshakes that may be under way at once for one address.
    ///   - overall: the same over all addresses.
    package init(perAddress: Int, overall: Int) {
        self.perAddress = perAddress
        self.overall = overall
    }

    /// Asks for a permit for a connection that was accepted. Any thread.
    ///
    /// - Returns: a permit, to be kept until the handshake is over; `nil` when there are too many.
    package func ask(_ descriptor: CInt) -> HandshakePermit? {
        ask(PeerAddress(Socket.peerOctets(descriptor)))
    }

    func ask(_ address: PeerAddress) -> HandshakePermit? {
        state.withLock { state in
            guard state.underWay < overall, state.byAddress[address, default: 0] < perAddress else { return nil }
            state.underWay += 1
            state.byAddress[address, default: 0] += 1
            return HandshakePermit(gate: self, address: address)
        }
    }

    /// How many handshakes are under way. Any thread.
    var underWay: Int { state.withLock { $0.underWay } }

    fileprivate func end(_ address: PeerAddress) {
        state.withLock { state in
            state.underWay -= 1
            let rest = state.byAddress[address, default: 1] - 1
            state.byAddress[address] = rest > 0 ? rest : nil
        }
    }
}

/// One handshake that is under way; it counts until the last reference is dropped.
package final class HandshakePermit: Sendable {
    private let gate: HandshakeGate
    private let address: PeerAddress

    fileprivate init(gate: HandshakeGate, address: PeerAddress) {
        self.gate = gate
        self.address = address
    }

    deinit {
        gate.end(address)
    }
}

/// Whom a connection comes from, for counting: an IPv4 address, or the network of 64 bits of an IPv6 address, since one
/// subscriber has at least that many.
struct PeerAddress: Hashable, Sendable {
    private let high: UInt64
    private let low: UInt64

    /// Takes the octets of an address, 4 or 16; IPv4 within IPv6 (`::ffff:a.b.c.d`) counts as IPv4.
    init(_ octets: some Collection<UInt8>) {
        func number(_ octets: some Collection<UInt8>) -> UInt64 { octets.reduce(0) { $0 << 8 | UInt64($1) } }
        let isMapped =
            octets.count == 16 && octets.prefix(10).allSatisfy { $0 == 0 }
            && number(octets.dropFirst(10).prefix(2)) == 0xffff
        if octets.count == 4 || isMapped {
            (high, low) = (0, 0xffff_0000_0000 | number(octets.suffix(4)))
        } else {
            (high, low) = (number(octets.prefix(8)), 0)
        }
    }
}
