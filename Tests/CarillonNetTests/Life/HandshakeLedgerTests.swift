import Testing

@testable import CarillonNet

@Suite struct HandshakeLedgerTests {
    private func address(_ last: UInt8) -> PeerAddress { PeerAddress([192, 0, 2, last]) }

    /// Of those who say nothing the oldest goes, and those who have begun stay.
    @Test func silentOnesGiveWayInTheOrderOfTheirArrival() {
        var ledger = HandshakeLedger(perAddress: 10, overall: 3)
        #expect(ledger.arrive(from: address(1), hasBegun: false) == .admitted(1, insteadOf: nil))
        #expect(ledger.arrive(from: address(2), hasBegun: false) == .admitted(2, insteadOf: nil))
        #expect(ledger.arrive(from: address(3), hasBegun: false) == .admitted(3, insteadOf: nil))
        ledger.wait(1)
        #expect(ledger.arrive(from: address(4), hasBegun: false) == .admitted(4, insteadOf: 2))
        #expect(!ledger.isUnderWay(2) && ledger.underWay == 3)
        ledger.end(3)
        #expect(ledger.arrive(from: address(5), hasBegun: true) == .admitted(5, insteadOf: nil))
        #expect(ledger.arrive(from: address(6), hasBegun: true) == .admitted(6, insteadOf: 4))
    }

    @Test func thoseWhoHaveBegunGiveWayUnlessTheyWaitForUs() {
        var ledger = HandshakeLedger(perAddress: 10, overall: 2)
        _ = ledger.arrive(from: address(1), hasBegun: true)
        _ = ledger.arrive(from: address(1), hasBegun: true)
        #expect(ledger.waitingForUs == 2)
        #expect(ledger.arrive(from: address(2), hasBegun: true) == .refused)
        ledger.serve(1)
        #expect(ledger.arrive(from: address(2), hasBegun: true) == .admitted(3, insteadOf: 1))
        #expect(ledger.waitingForUs == 2 && ledger.underWay == 2)
    }

    /// An octet now and then does not make a handshake younger than those that came after it.
    @Test func whoDripsDoesNotStayForThat() {
        var ledger = HandshakeLedger(perAddress: 10, overall: 2)
        _ = ledger.arrive(from: address(1), hasBegun: true)
        _ = ledger.arrive(from: address(2), hasBegun: true)
        ledger.serve(1)
        ledger.serve(2)
        for _ in 0..<3 {
            ledger.wait(1)
            ledger.serve(1)
        }
        #expect(ledger.arrive(from: address(3), hasBegun: true) == .admitted(3, insteadOf: 1))
    }

    @Test func anAddressWithoutRoomMakesItAmongItsOwn() {
        var ledger = HandshakeLedger(perAddress: 2, overall: 10)
        _ = ledger.arrive(from: address(9), hasBegun: false)
        _ = ledger.arrive(from: address(1), hasBegun: true)
        _ = ledger.arrive(from: address(1), hasBegun: false)
        #expect(ledger.arrive(from: address(1), hasBegun: true) == .admitted(4, insteadOf: 3))
        // Both wait for us; that somebody else is silent is not the newcomer's gain.
        #expect(ledger.arrive(from: address(1), hasBegun: true) == .refused)
        #expect(ledger.arrive(from: address(2), hasBegun: true) == .admitted(5, insteadOf: nil))
    }

    @Test func whatIsOverIsNotCounted() {
        var ledger = HandshakeLedger(perAddress: 1, overall: 10)
        _ = ledger.arrive(from: address(1), hasBegun: true)
        #expect(ledger.arrive(from: address(1), hasBegun: true) == .refused)
        ledger.end(1)
        ledger.end(1)
        ledger.wait(1)
        ledger.serve(1)
        #expect(ledger.underWay == 0 && ledger.waitingForUs == 0)
        #expect(ledger.arrive(from: address(1), hasBegun: true) == .admitted(2, insteadOf: nil))
    }

    /// Against lists that are searched from end to end.
    @Test(arguments: 0..<30)
    func agreesWithPlainLists(seed: UInt64) {
        struct Entry {
            let ticket: UInt64
            let address: UInt8
            var begunAt: Int?
            var waits: Bool
        }
        var random = SplitMix(seed: seed)
        let (perAddress, overall) = (Int.random(in: 1...6, using: &random), Int.random(in: 1...20, using: &random))
        var ledger = HandshakeLedger(perAddress: perAddress, overall: overall)
        var entries: [Entry] = []
        for step in 0..<3000 {
            let chosen = entries.indices.randomElement(using: &random)
            switch (Int.random(in: 0..<8, using: &random), chosen) {
            case (0, let index?):
                ledger.end(entries[index].ticket)
                entries.remove(at: index)
            case (1, let index?), (2, let index?):
                ledger.wait(entries[index].ticket)
                entries[index].begunAt = entries[index].begunAt ?? step
                entries[index].waits = true
            case (3, let index?), (4, let index?):
                ledger.serve(entries[index].ticket)
                entries[index].waits = false
            default:
                let (last, hasBegun) = (UInt8.random(in: 0..<5, using: &random), Bool.random(using: &random))
                let own = entries.filter { $0.address == last }
                let rivals = own.count >= perAddress ? own : entries.count >= overall ? entries : []
                let begun = rivals.filter { $0.begunAt != nil }.min { ($0.begunAt ?? 0) < ($1.begunAt ?? 0) }
                let leaver = rivals.first { $0.begunAt == nil } ?? begun.flatMap { $0.waits ? nil : $0 }
                let decision = ledger.arrive(from: address(last), hasBegun: hasBegun)
                guard rivals.isEmpty || leaver != nil else {
                    #expect(decision == .refused)
                    continue
                }
                guard case .admitted(let ticket, let other) = decision, other == leaver?.ticket else {
                    Issue.record("step \(step): \(decision) instead of \(leaver?.ticket ?? 0)")
                    return
                }
                entries.removeAll { $0.ticket == other }
                entries.append(
                    Entry(ticket: ticket, address: last, begunAt: hasBegun ? step : nil, waits: hasBegun))
            }
            #expect(ledger.underWay == entries.count)
            #expect(ledger.waitingForUs == entries.count { $0.waits })
        }
    }
}
