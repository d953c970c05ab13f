import CarillonNet
import Testing

@testable import CarillonGRPC

@Suite struct PickerTests {
    private static func picks(_ policy: Picker.Policy, _ loads: [(Int, Int)], count: Int) -> [Int?] {
        var picker = Picker(policy)
        var loads = loads
        return (0..<count).map { _ in
            let place = picker.pick(count: loads.count) { Picker.Candidate(streams: loads[$0].0, limit: loads[$0].1) }
            if let place { loads[place].0 += 1 }
            return place
        }
    }

    @Test func turnsGoRound() {
        #expect(Self.picks(.roundRobin, [(0, 9), (5, 9), (0, 9)], count: 5) == [0, 1, 2, 0, 1])
    }

    @Test func fullConnectionsAreSkipped() {
        #expect(Self.picks(.roundRobin, [(0, 1), (0, 3), (0, 0)], count: 5) == [0, 1, 1, 1, nil])
    }

    @Test func theLeastLoadedIsTaken() {
        #expect(Self.picks(.leastStreams, [(2, 9), (0, 9), (1, 9)], count: 4) == [1, 2, 1, 2])
    }

    @Test func noneIsTakenOfNone() {
        #expect(Self.picks(.leastStreams, [], count: 1) == [nil])
    }
}

@Suite struct AddressGroupsTests {
    private static func address(_ host: String) throws -> NetworkAddress {
        try NetworkAddress.resolve(host: host, port: 1)[0]
    }

    @Test func addressesOfOneFamilyAreAllUsed() throws {
        let addresses = try ["127.0.0.1", "127.0.0.2"].map(Self.address)
        let groups = AddressGroups(addresses)
        #expect(groups.active == addresses)
        #expect(!groups.canWiden)
    }

    @Test func theFamilyThatConnectsFirstIsTheWay() throws {
        let (six, four) = (try Self.address("::1"), try Self.address("127.0.0.1"))
        var groups = AddressGroups([six, four])
        #expect(groups.active == [six])
        groups.widen()
        #expect(groups.active == [six, four])
        groups.connected(four)
        #expect(groups.active == [four])
        // The other one comes into play again when it fails.
        let widened1 = groups.failed()
        #expect(widened1)
        #expect(groups.active == [six, four])
        let widened2 = groups.failed()
        #expect(!widened2)
    }

    @Test func aFamilyThatFailsMakesWayAtOnce() throws {
        let (six, four) = (try Self.address("::1"), try Self.address("127.0.0.1"))
        var groups = AddressGroups([six, four])
        let widened3 = groups.failed()
        #expect(widened3)
        #expect(groups.active == [six, four])
    }

    @Test func newerAddressesKeepTheFamily() throws {
        let (six, four, other) = (
            try Self.address("::1"), try Self.address("127.0.0.1"), try Self.address("127.0.0.2")
        )
        var groups = AddressGroups([six, four])
        groups.widen()
        groups.connected(four)
        groups.update([six, four, other])
        #expect(groups.active == [four, other])
        groups.update([six])
        #expect(groups.active == [six])
    }

    @Test func addressesSayWhereTheyLead() throws {
        #expect(try NetworkAddress.resolve(host: "127.0.0.1", port: 443)[0].description == "127.0.0.1:443")
        #expect(try NetworkAddress.resolve(host: "::1", port: 80)[0].description == "[::1]:80")
        #expect(throws: ResolutionError.self) { try NetworkAddress.resolve(host: "no such name", port: 1) }
    }
}
