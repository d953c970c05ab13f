/// Who is in a handshake, and who has to go when there is no room for one more. A value without I/O and without a clock.
///
/// A handshake is *silent* until the first octets of its peer have come, then it has *begun*. While its turn has not come
/// it *waits for us*; else we wait for its peer. When there is no room, whoever has been silent longest gives way to the
/// newcomer, and if nobody is silent, whoever began first, unless it waits for us: then it is us who are slow, and the
/// newcomer is refused. An honest peer is done within two round trips, so it is never the oldest one but in a flood that
/// fills all the room in that time. Peers that send an octet now and then do not become younger by it.
///
/// The tables have entries for handshakes under way only, so the limit over all bounds them.
struct HandshakeLedger {
    /// A handshake that was let in; tickets grow in the order of arrival and are never given out twice.
    typealias Ticket = UInt64

    /// What becomes of a newcomer.
    enum Decision: Equatable {
        /// It is let in; the other one, if any, has to go for it, and is not under way any more.
        case admitted(Ticket, insteadOf: Ticket?)
        /// There is no room, and nobody who keeps us waiting.
        case refused
    }

    private struct Handshake {
        let address: PeerAddress
        var hasBegun: Bool
        var waitsForUs: Bool
    }

    /// Tickets in the order in which they came; those that do not belong here any more are dropped when they are met.
    private struct Row {
        private var tickets: [Ticket] = []
        private var head = 0
        private var limit = Self.least
        private static let least = 16

        mutating func first(where belongs: (Ticket) -> Bool) -> Ticket? {
            while head < tickets.count {
                if belongs(tickets[head]) { return tickets[head] }
                head += 1
            }
            return nil
        }

        mutating func append(_ ticket: Ticket, where belongs: (Ticket) -> Bool) {
            if tickets.count >= limit {
                tickets = tickets[head...].filter(belongs)
                head = 0
                limit = max(Self.least, 2 * tickets.count)
            }
            tickets.append(ticket)
        }
    }

    /// Those of one address, or all.
    private struct Line {
        var count = 0
        private var silent = Row()
        private var begun = Row()

        /// Who has to go first; `nil` when all wait for us, or as good as all.
        mutating func oldest(in handshakes: [Ticket: Handshake]) -> Ticket? {
            if let ticket = silent.first(where: { handshakes[$0]?.hasBegun == false }) { return ticket }
            guard let ticket = begun.first(where: { handshakes[$0] != nil }) else { return nil }
            return handshakes[ticket]?.waitsForUs == false ? ticket : nil
        }

        mutating func add(_ ticket: Ticket, hasBegun: Bool, to handshakes: [Ticket: Handshake]) {
            if hasBegun {
                begun.append(ticket) { handshakes[$0] != nil }
            } else {
                silent.append(ticket) { handshakes[$0]?.hasBegun == false }
            }
        }
    }

    private let perAddress: Int
    private let overall: Int
    private var next: Ticket = 0
    private var handshakes: [Ticket: Handshake] = [:]
    private var all = Line()
    private var byAddress: [PeerAddress: Line] = [:]
    /// How many handshakes wait for their turn.
    private(set) var waitingForUs = 0
    /// How many handshakes are under way.
    var underWay: Int { handshakes.count }

    /// Makes a ledger with nothing in it.
    ///
    /// - Parameters:
    ///   - perAddress: handshakes that may be under way at once for one address.
    ///   - overall: the same over all addresses.
    init(perAddress: Int, overall: Int) {
        self.perAddress = max(1, perAddress)
        self.overall = max(1, overall)
    }

    /// A connection was accepted.
    ///
    /// - Parameter hasBegun: whether its first octets have come; then it waits for its turn.
    mutating func arrive(from address: PeerAddress, hasBegun: Bool) -> Decision {
        var leaver: Ticket?
        // Who shares the newcomer's address stands in its way first.
        if byAddress[address, default: Line()].count >= perAddress {
            leaver = byAddress[address]?.oldest(in: handshakes)
            guard leaver != nil else { return .refused }
        } else if underWay >= overall {
            leaver = all.oldest(in: handshakes)
            guard leaver != nil else { return .refused }
        }
        if let leaver { end(leaver) }
        next += 1
        handshakes[next] = Handshake(address: address, hasBegun: hasBegun, waitsForUs: hasBegun)
        if hasBegun { waitingForUs += 1 }
        byAddress[address, default: Line()].count += 1
        add(next, of: address, hasBegun: hasBegun)
        return .admitted(next, insteadOf: leaver)
    }

    private mutating func add(_ ticket: Ticket, of address: PeerAddress, hasBegun: Bool) {
        all.add(ticket, hasBegun: hasBegun, to: handshakes)
        byAddress[address]?.add(ticket, hasBegun: hasBegun, to: handshakes)
    }

    /// Whether the handshake is neither over nor had to go.
    func isUnderWay(_ ticket: Ticket) -> Bool { handshakes[ticket] != nil }

    /// Something came from the peer, and the handshake waits for its turn.
    mutating func wait(_ ticket: Ticket) {
        guard var handshake = handshakes[ticket], !handshake.waitsForUs else { return }
        let isFirst = !handshake.hasBegun
        handshake.hasBegun = true
        handshake.waitsForUs = true
        handshakes[ticket] = handshake
        waitingForUs += 1
        if isFirst { add(ticket, of: handshake.address, hasBegun: true) }
    }

    /// Its turn has come.
    mutating func serve(_ ticket: Ticket) {
        guard handshakes[ticket]?.waitsForUs == true else { return }
        handshakes[ticket]?.waitsForUs = false
        waitingForUs -= 1
    }

    /// It is over, whatever came of it. Harmless for one that had to go.
    mutating func end(_ ticket: Ticket) {
        guard let handshake = handshakes.removeValue(forKey: ticket) else { return }
        if handshake.waitsForUs { waitingForUs -= 1 }
        byAddress[handshake.address]?.count -= 1
        if byAddress[handshake.address]?.count == 0 { byAddress[handshake.address] = nil }
    }
}
