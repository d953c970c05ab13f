import Testing

@testable import CarillonNet

@Suite struct AddressRatesTests {
    private func address(_ number: Int) -> PeerAddress {
        PeerAddress([10, UInt8(number >> 16 & 0xff), UInt8(number >> 8 & 0xff), UInt8(number & 0xff)])
    }

    @Test func anAddressHasItsBurstAndItsRate() {
        var rates = AddressRates(burst: 3, perSecond: 2, slowPerSecond: 1)
        let taken = [0.0, 0, 0, 0, 0.49, 0.51, 0.52].map { rates.take(address(1), at: .at($0)) }
        #expect(taken == [true, true, true, false, false, true, false])
    }

    /// Among a hundred addresses that ask without end, of ten thousand others at most a few share both buckets with them.
    @Test func othersAreHardlyEverShutOut() {
        var rates = AddressRates(burst: 5, perSecond: 1, slowPerSecond: 1)
        for number in 0..<100 {
            for _ in 0..<20 { _ = rates.take(address(number), at: .at(0)) }
        }
        #expect((0..<100).allSatisfy { !rates.take(address($0), at: .at(0)) })
        let shutOut = (1_000..<11_000).count { number in
            var own = rates
            return !own.take(address(number), at: .at(0))
        }
        // Six are to be expected; more than forty within the life of no test.
        #expect(shutOut < 40)
    }

    @Test func aSubscriberOfIPv6IsOneAddress() {
        let network: [UInt8] = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 1]
        let one = PeerAddress(network + [0, 0, 0, 0, 0, 0, 0, 1])
        #expect(one == PeerAddress(network + [9, 9, 9, 9, 9, 9, 9, 9]))
        #expect(one != PeerAddress([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 1]))
        #expect(
            PeerAddress([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1]) == PeerAddress([192, 0, 2, 1]))
    }
}
