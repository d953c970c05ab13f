import Testing

@testable import CarillonNet

@Suite struct HandshakeGateTests {
    private func address(_ last: UInt8) -> PeerAddress { PeerAddress([192, 0, 2, last]) }

    @Test func oneAddressHasItsShareAndOthersTheirs() {
        let gate = HandshakeGate(perAddress: 2, overall: 10)
        var held = [gate.ask(address(1)), gate.ask(address(1))]
        #expect(held.allSatisfy { $0 != nil })
        #expect(gate.ask(address(1)) == nil)
        #expect(gate.ask(address(2)) != nil, "another address is not shut out")
        held.removeLast()
        #expect(gate.ask(address(1)) != nil, "an end makes room")
    }

    @Test func allTogetherHaveALimitToo() {
        let gate = HandshakeGate(perAddress: 10, overall: 2)
        let held = [gate.ask(address(1)), gate.ask(address(2))]
        #expect(held.allSatisfy { $0 != nil } && gate.underWay == 2)
        #expect(gate.ask(address(3)) == nil)
    }

    @Test func whatWasRefusedIsNotCounted() {
        let gate = HandshakeGate(perAddress: 1, overall: 10)
        do {
            let held = gate.ask(address(1))
            #expect(held != nil && gate.ask(address(1)) == nil && gate.underWay == 1)
        }
        #expect(gate.underWay == 0)
    }

    @Test func aSubscriberOfIPv6IsOneAddress() {
        let network: [UInt8] = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1]
        let one = PeerAddress(network + [0, 0, 0, 0, 0, 0, 0, 1])
        #expect(one == PeerAddress(network + [9, 9, 9, 9, 9, 9, 9, 9]))
        #expect(one != PeerAddress([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1]))
        #expect(PeerAddress([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1]) == address(1))
    }
}
