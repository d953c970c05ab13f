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

    /// What a gate says of a connection that wants to begin.
    enum Answer {
        /// It may; the permit is kept until the handshake is over.
        case begin(HandshakePermit)
        /// Its own address has too many under way.
        case tooManyOfAddress
        /// There are too many under way altogether.
        case tooMany
    }

    private let limits: ListenerLimits
    private let state = Mutex(State())

    init(_ limits: ListenerLimits) {
        self.limits = limits
    }

    /// How many handshakes are under way. Any thread.
    package var underWay: Int { state.withLock { $0.underWay } }

    /// Asks for a permit. Any thread.
    func ask(_ address: PeerAddress) -> Answer {
        state.withLock { state in
            guard state.byAddress[address, default: 0] < limits.handshakesPerAddress else { return .tooManyOfAddress }
            guard state.underWay < limits.handshakes else { return .tooMany }
            state.underWay += 1
            state.byAddress[address, default: 0] += 1
            return .begin(HandshakePermit(gate: self, address: address))
        }
    }

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
package struct PeerAddress: Hashable, Sendable {
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
