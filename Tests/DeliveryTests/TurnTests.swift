import CarillonNet
import Domain
import Testing

@testable import Delivery

@Suite struct TurnTests {
    private struct Turn: Equatable {
        let member: String
        let allowance: Int
        init(_ member: String, _ allowance: Int) {
            self.member = member
            self.allowance = allowance
        }
    }

    private func next(_ ring: inout TurnRing<String>, _ free: Int) -> Turn? {
        ring.next(free: free).map { Turn($0.member, $0.allowance) }
    }

    @Test func everybodyGetsTheSameWhateverTheBacklog() {
        var ring = TurnRing<String>(quantum: 8)
        var backlog = ["flood": 100_000, "busy": 900, "quiet": 3]
        var served: [String: Int] = [:]
        var turnOfQuiet: Int?
        for name in backlog.keys.sorted() { ring.enter(name) }
        for turn in 1...200 {
            guard let (name, allowance) = ring.next(free: 64) else { break }
            let cost = min(allowance, backlog[name, default: 0])
            backlog[name, default: 0] -= cost
            served[name, default: 0] += cost
            if name == "quiet" { turnOfQuiet = turnOfQuiet ?? turn }
            if backlog[name, default: 0] > 0 { ring.spent(cost, by: name) } else { ring.leave(name) }
        }
        #expect(served["quiet"] == 3)
        #expect((turnOfQuiet ?? .max) <= 3)
        let (flood, busy) = (served["flood", default: 0], served["busy", default: 0])
        #expect(abs(flood - busy) <= 8)
        #expect(flood > 700)
    }

    @Test func whatCouldNotBeSpentIsKeptForOneTurn() throws {
        var ring = TurnRing<String>(quantum: 10)
        ring.enter("a")
        ring.enter("b")
        let first = try #require(next(&ring, 4))
        #expect(first == Turn("a", 4))
        ring.spent(4, by: "a")
        #expect(next(&ring, 100) == Turn("b", 10))
        ring.spent(10, by: "b")
        // Six of the first turn and ten of this one.
        #expect(next(&ring, 100) == Turn("a", 16))
        ring.spent(0, by: "a")
        #expect(next(&ring, 100) == Turn("b", 10))
        // However little was spent, never more than two turns at once.
        #expect(next(&ring, 100) == Turn("a", 20))
    }

    @Test func membersStandInTheRingOnce() throws {
        var ring = TurnRing<String>(quantum: 5)
        for _ in 0..<3 { ring.enter("a") }
        ring.enter("b")
        #expect(ring.count == 2)
        ring.leave("a")
        ring.enter("a")
        #expect(next(&ring, 1)?.member == "b")
        #expect(next(&ring, 1)?.member == "a")
        #expect(next(&ring, 1) == nil)
        ring.enter("c")
        #expect(next(&ring, 0) == nil)
        #expect(ring.contains("c"))
        // Who leaves loses what was saved.
        _ = ring.next(free: 1)
        ring.spent(1, by: "c")
        ring.leave("c")
        ring.enter("c")
        #expect(next(&ring, 100) == Turn("c", 5))
    }

    @Test func idleQueuesAreLookedAtLessAndLess() {
        var pace = CheckPace()
        var pauses: [Duration] = []
        for _ in 0..<5 {
            pauses.append(pace.nextLook(due: nil, tenants: 10, randomness: 1))
            pace.foundNothing(tenants: 10)
        }
        #expect(pauses == [.milliseconds(250), .milliseconds(500), .seconds(1), .seconds(1), .seconds(1)])
        #expect(pace.nextLook(due: nil, tenants: 10, randomness: 0) == .milliseconds(750))
        #expect(pace.nextLook(due: .milliseconds(20), tenants: 10, randomness: 0) == .milliseconds(20))
        #expect(pace.nextLook(due: .seconds(-4), tenants: 10, randomness: 0) == .zero)
        #expect(pace.nextLook(due: .seconds(60), tenants: 10, randomness: 1) == .seconds(1))
        pace.foundWork()
        #expect(pace.nextLook(due: nil, tenants: 10, randomness: 0) == .milliseconds(250))
    }

    @Test(arguments: [1, 50, 51, 2_000, 10_000])
    func looksAtIdleQueuesAreBounded(tenants: Int) {
        var pace = CheckPace()
        for _ in 0..<20 { pace.foundNothing(tenants: tenants) }
        let shortest = pace.nextLook(due: nil, tenants: tenants, randomness: 0)
        let perSecond = Double(tenants) * 1_000 / Double(shortest.wholeNanoseconds / 1_000_000)
        #expect(perSecond <= Double(CheckPace.looksPerSecond) * 1.34)
    }

    @Test func theBoxHoldsEachTenantOnceAndKnowsWhenItIsFull() throws {
        let box = WakeBox(limit: 2)
        let tenants = try ["one", "two", "three"].map { try #require(TenantID($0)) }
        #expect(box.put(tenants[0]))
        #expect(!box.put(tenants[0]))
        #expect(!box.put(tenants[1]))
        #expect(!box.put(tenants[1]))
        #expect(box.take() == WakeBox.Contents(tenants: [tenants[0], tenants[1]], isOverfull: false))
        #expect(box.take() == WakeBox.Contents())
        for tenant in tenants { _ = box.put(tenant) }
        #expect(box.take() == WakeBox.Contents(tenants: [tenants[0], tenants[1]], isOverfull: true))
        #expect(box.put(tenants[2]))
    }
}

@Suite struct ProviderRestTests {
    private let provider = ProviderID(unchecked: "smtp-1")
    private let other = ProviderID(unchecked: "smtp-2")
    private func at(_ seconds: Double) -> MonotonicTime {
        MonotonicTime(nanoseconds: 0).advanced(by: .seconds(seconds))
    }

    @Test func aDeadProviderIsNotHammered() {
        let rests = Held(ProviderRests())
        #expect(rests { $0.take(provider, at: at(0)) })
        #expect(rests { $0.take(provider, at: at(0)) })
        #expect(rests { $0.failed(provider, at: at(1), randomness: 1) } == .seconds(1))
        // The other message that was on its way fails too: that is the same failure.
        rests.value.failed(provider, at: at(1.1), randomness: 1)
        #expect(!rests { $0.take(provider, at: at(1.9)) })
        #expect(rests { $0.take(other, at: at(1.9)) })
        #expect(rests { $0.wait(for: [provider], at: at(1.5)) } == .milliseconds(500))
        #expect(rests { $0.wait(for: [provider, other], at: at(1.5)) } == .zero)
        // One message tries, the others wait for it.
        #expect(rests { $0.take(provider, at: at(2)) })
        #expect(!rests { $0.take(provider, at: at(2)) })
        #expect(rests { $0.failed(provider, at: at(3), randomness: 1) } == .seconds(2))
        #expect(!rests { $0.take(provider, at: at(4.9)) })
        #expect(rests { $0.take(provider, at: at(5)) })
        rests.value.answered(provider)
        #expect(rests { $0.take(provider, at: at(5)) })
        #expect(rests { $0.take(provider, at: at(5)) })
    }

    @Test func restsGrowToAMinuteAndAreSpread() {
        let rests = Held(ProviderRests())
        var now = 0.0
        var pauses: [Duration] = []
        for _ in 0..<9 {
            pauses.append(rests.value.failed(provider, at: at(now), randomness: 1))
            now += 100
            #expect(rests { $0.take(provider, at: at(now)) })
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60].map { .seconds($0) })
        #expect(rests { $0.failed(provider, at: at(now), randomness: 0) } == .seconds(30))
        #expect(rests { $0.take(provider, at: at(now + 30)) })
        // What the provider asks for counts, within the longest rest.
        #expect(rests { $0.failed(provider, at: at(now + 30), asked: .seconds(1e9), randomness: 0) } == .seconds(60))
    }

    @Test func aTrialThatWasGivenUpFreesThePlace() {
        let rests = Held(ProviderRests())
        rests.value.failed(provider, at: at(0), randomness: 0)
        #expect(rests { $0.take(provider, at: at(10)) })
        #expect(!rests { $0.take(provider, at: at(10)) })
        rests.value.gaveUp(provider)
        #expect(rests { $0.take(provider, at: at(10)) })
        rests.value.keep(only: [other])
        #expect(rests { $0.take(provider, at: at(10)) })
        #expect(rests { $0.take(provider, at: at(10)) })
    }
}
