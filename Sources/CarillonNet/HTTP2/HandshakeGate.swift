internal import Synchronization

/// How many handshakes may be under way, and how often one may begin: what a handshake costs is asked for by whoever comes,
/// before anything is known of them.
package struct HandshakeLimits: Sendable {
    /// Whether ``perAddress``, ``burst``, ``perSecond`` and ``slowPerSecond`` count. Off where all clients seem to have one
    /// address: then the limits over all addresses are the only ones.
    package var countsByAddress: Bool
    /// Handshakes that may be under way at once for one address.
    package var perAddress: Int
    /// The same over all addresses.
    package var overall: Int
    /// Handshakes that may wait for their turn before no more connections are accepted.
    package var waiting: Int
    /// Handshakes that may begin at once for one address.
    package var burst: Int
    /// How many a second after that.
    package var perSecond: Int
    /// How many a second, and at once, from an address where a peer was cut off for a flood (``HTTP2CloseReason/abuse(_:)``).
    package var slowPerSecond: Int
    /// For how long after that.
    package var slowTime: Duration

    /// Makes limits.
    package init(
        countsByAddress: Bool = true, perAddress: Int, overall: Int, waiting: Int, burst: Int, perSecond: Int,
        slowPerSecond: Int, slowTime: Duration
    ) {
        self.countsByAddress = countsByAddress
        self.perAddress = perAddress
        self.overall = overall
        self.waiting = waiting
        self.burst = burst
        self.perSecond = perSecond
        self.slowPerSecond = slowPerSecond
        self.slowTime = slowTime
    }
}

/// Decides on each connection that was accepted, and tells those that have to go for it. The rules are those of
/// ``HandshakeLedger`` and ``AddressRates``; here are their lock, and the ways to reach those who are under way. Any thread.
package final class HandshakeGate: Sendable {
    /// What becomes of a connection that was accepted.
    package enum Decision: Sendable {
        /// It is taken over; the permit is kept until the handshake is over.
        case admitted(HandshakePermit)
        /// There is no room for it.
        case tooMany
        /// Its address comes too often.
        case tooOften
        /// Its peer is gone already, without a word.
        case left
    }

    private struct State {
        var ledger: HandshakeLedger
        var rates: AddressRates
        /// How those who are under way are told to go; `nil` while they have not said how.
        var farewells: [HandshakeLedger.Ticket: @Sendable () -> Void] = [:]
    }

    private let limits: HandshakeLimits
    private let state: Mutex<State>

    /// Makes a gate with nothing under way.
    package init(_ limits: HandshakeLimits) {
        self.limits = limits
        state = Mutex(
            State(
                // As many as there may be at all are no limit of an address.
                ledger: HandshakeLedger(
                    perAddress: limits.countsByAddress ? limits.perAddress : limits.overall, overall: limits.overall),
                rates: AddressRates(
                    burst: limits.burst, perSecond: limits.perSecond, slowPerSecond: limits.slowPerSecond)))
    }

    /// Whether so many handshakes wait for their turn that none should be added.
    package var isCrowded: Bool { state.withLock { $0.ledger.waitingForUs >= limits.waiting } }

    /// Decides on a connection that was accepted.
    ///
    /// - Parameter now: the time of the loop that accepted it.
    package func decide(on descriptor: CInt, at now: MonotonicTime) -> Decision {
        let isSilent: Bool
        switch Socket.firstLook(descriptor) {
        case .left: return .left
        case .silent: isSilent = true
        case .hasSpoken: isSilent = false
        }
        return decide(on: PeerAddress(Socket.peerOctets(descriptor)), isSilent: isSilent, at: now)
    }

    func decide(on address: PeerAddress, isSilent: Bool, at now: MonotonicTime) -> Decision {
        var farewell: (@Sendable () -> Void)?
        let decision: Decision = state.withLock { state in
            guard !limits.countsByAddress || state.rates.take(address, at: now) else { return .tooOften }
            guard case .admitted(let ticket, let leaver) = state.ledger.arrive(from: address, hasBegun: !isSilent)
            else {
                return .tooMany
            }
            if let leaver { farewell = state.farewells.removeValue(forKey: leaver) }
            return .admitted(HandshakePermit(gate: self, ticket: ticket, address: address))
        }
        farewell?()
        return decision
    }

    /// A connection's peer was cut off for a flood: for a while fewer are let in from there.
    package func slow(_ address: PeerAddress, at now: MonotonicTime) {
        guard limits.countsByAddress else { return }
        state.withLock { $0.rates.slow(address, until: now.advanced(by: limits.slowTime)) }
    }

    /// How many handshakes are under way.
    var underWay: Int { state.withLock { $0.ledger.underWay } }

    fileprivate func wait(_ ticket: HandshakeLedger.Ticket) {
        state.withLock { $0.ledger.wait(ticket) }
    }

    fileprivate func serve(_ ticket: HandshakeLedger.Ticket) {
        state.withLock { $0.ledger.serve(ticket) }
    }

    fileprivate func setFarewell(_ ticket: HandshakeLedger.Ticket, _ farewell: @escaping @Sendable () -> Void) {
        let isUnderWay = state.withLock { state in
            guard state.ledger.isUnderWay(ticket) else { return false }
            state.farewells[ticket] = farewell
            return true
        }
        if !isUnderWay { farewell() }
    }

    fileprivate func end(_ ticket: HandshakeLedger.Ticket) {
        state.withLock { state in
            state.ledger.end(ticket)
            state.farewells[ticket] = nil
        }
    }
}

/// One handshake that is under way; it counts until the last reference is dropped. Any thread.
package final class HandshakePermit: Sendable {
    private let gate: HandshakeGate
    private let ticket: HandshakeLedger.Ticket
    /// Whom the connection comes from.
    package let address: PeerAddress

    fileprivate init(gate: HandshakeGate, ticket: HandshakeLedger.Ticket, address: PeerAddress) {
        self.gate = gate
        self.ticket = ticket
        self.address = address
    }

    /// Something came from the peer, and the handshake waits for its turn.
    func wait() { gate.wait(ticket) }

    /// Its turn has come.
    func serve() { gate.serve(ticket) }

    /// Says what to do when the handshake has to go for a newer one: called at most once, from any thread, at once if it is
    /// too late already. It is forgotten with the permit, so that who keeps the permit may be kept by it until then.
    func onLeave(_ farewell: @escaping @Sendable () -> Void) { gate.setFarewell(ticket, farewell) }

    deinit {
        gate.end(ticket)
    }
}
