import Testing

@testable import CarillonNet

@Suite struct HandshakeGateTests {
    private func gate(perAddress: Int = 10, overall: Int = 10, waiting: Int = 10, burst: Int = 100) -> HandshakeGate {
        HandshakeGate(
            HandshakeLimits(
                perAddress: perAddress, overall: overall, waiting: waiting, burst: burst, perSecond: 1,
                slowPerSecond: 2,
                slowTime: .seconds(10)))
    }

    private func ask(_ gate: HandshakeGate, from last: UInt8 = 1, isSilent: Bool = false) -> HandshakeGate.Decision {
        gate.decide(on: PeerAddress([192, 0, 2, last]), isSilent: isSilent, at: .at(0))
    }

    @Test func aPermitCountsUntilItIsDropped() throws {
        let gate = gate(perAddress: 1)
        do {
            let permit = try #require(ask(gate).permit)
            #expect(ask(gate).name == "too many" && gate.underWay == 1)
            permit.serve()
            #expect(ask(gate, from: 2).permit != nil, "another address is not shut out")
        }
        #expect(gate.underWay == 0)
    }

    @Test func whoComesTooOftenIsRefusedAndOthersAreNot() {
        let gate = gate(burst: 2)
        #expect((0..<3).map { _ in ask(gate).name } == ["admitted", "admitted", "too often"])
        #expect(ask(gate, from: 2).name == "admitted")
    }

    @Test func whereAPeerWasCutOffFewerAreLetInForAWhile() {
        let gate = gate(perAddress: 100, overall: 100, burst: 50)
        let address = PeerAddress([192, 0, 2, 1])
        gate.slow(address, at: .at(0))
        var permits: [HandshakePermit?] = []
        func isLet(_ last: UInt8, at time: Double) -> Bool {
            let permit = gate.decide(on: PeerAddress([192, 0, 2, last]), isSilent: false, at: .at(time)).permit
            permits.append(permit)
            return permit != nil
        }
        #expect([0, 0, 0, 0.4, 0.6].map { isLet(1, at: $0) } == [true, true, false, false, true])
        #expect((0..<10).allSatisfy { _ in isLet(2, at: 0.6) }, "another address is not slowed")
        // However often somebody is cut off there, others are let in at that rate.
        let served = (1...40).count { tenth in
            gate.slow(address, at: .at(1 + Double(tenth) / 10))
            return isLet(1, at: 1 + Double(tenth) / 10)
        }
        #expect(served >= 8)
        #expect((0..<20).allSatisfy { _ in isLet(1, at: 16) }, "it is forgotten in time")
        withExtendedLifetime(permits) {}
    }

    @Test func whereAddressesSayNothingTheyAreNotCounted() throws {
        let gate = HandshakeGate(
            HandshakeLimits(
                countsByAddress: false, perAddress: 1, overall: 3, waiting: 10, burst: 1, perSecond: 0,
                slowPerSecond: 1,
                slowTime: .seconds(10)))
        gate.slow(PeerAddress([192, 0, 2, 1]), at: .at(0))
        let permits = try (0..<3).map { _ in try #require(ask(gate).permit) }
        // Those over all addresses count all the same.
        #expect(ask(gate).name == "too many" && ask(gate, from: 2).name == "too many")
        for permit in permits { permit.serve() }
        #expect(ask(gate).name == "admitted", "whoever keeps us waiting gives way")
    }

    @Test func itIsCrowdedWhileTooManyWait() throws {
        let gate = gate(waiting: 2)
        let first = try #require(ask(gate).permit)
        let silent = try #require(ask(gate, isSilent: true).permit)
        #expect(!gate.isCrowded)
        silent.wait()
        #expect(gate.isCrowded)
        first.serve()
        #expect(!gate.isCrowded)
    }

    @Test func whoHasToGoIsToldOnceAndAtOnceIfItIsLate() throws {
        let gate = gate(overall: 1)
        let events = Events()
        let first = try #require(ask(gate, isSilent: true).permit)
        first.onLeave { events.record("first") }
        let second = try #require(ask(gate, isSilent: true).permit)
        #expect(events.all == ["first"])
        let third = try #require(ask(gate, isSilent: true).permit)
        second.onLeave { events.record("second") }
        #expect(events.all == ["first", "second"])
        // Those who are gone do not count twice.
        withExtendedLifetime((first, second)) { #expect(gate.underWay == 1) }
        withExtendedLifetime(third) {}
    }
}

extension HandshakeGate.Decision {
    fileprivate var permit: HandshakePermit? {
        if case .admitted(let permit) = self { permit } else { nil }
    }

    fileprivate var name: String {
        switch self {
        case .admitted: "admitted"
        case .tooMany: "too many"
        case .tooOften: "too often"
        case .left: "left"
        }
    }
}
