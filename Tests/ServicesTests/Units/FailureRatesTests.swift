import CarillonNet
import Domain
import Testing

@testable import Services

@Suite("Rates of failures")
struct FailureRatesTests {
    private static func limits(_ change: (inout ServiceLimits) -> Void = { _ in }) -> ServiceLimits {
        var limits = ServiceLimits()
        (limits.failures, limits.failuresPerSecond, limits.countedFailures) = (3, 1, 8)
        change(&limits)
        return limits
    }

    private static func second(_ number: Int64) -> MonotonicTime { MonotonicTime(nanoseconds: number * 1_000_000_000) }

    /// Whether each of some failures of one address is let through.
    private static func takes<Key>(
        _ count: Int, of key: Key, _ rates: inout FailureRates<Key>, at time: Int64
    ) -> [Bool] {
        (0..<count).map { _ in rates.take(key, at: second(time)) }
    }

    @Test("let some come at once and more with time, for each address by itself")
    func rates() {
        var rates = FailureRates<String>(limits: Self.limits())
        let burst = Self.takes(5, of: "a", &rates, at: 0)
        let spent = [rates.isSpent("a", at: Self.second(0)), rates.isSpent("b", at: Self.second(0))]
        let other = rates.take("b", at: Self.second(0))
        let recovered = !rates.isSpent("a", at: Self.second(1))
        let later = Self.takes(2, of: "a", &rates, at: 1)
        let muchLater = Self.takes(4, of: "a", &rates, at: 9)
        #expect(burst == [true, true, true, false, false])
        #expect(spent == [true, false] && other && recovered)
        #expect(later == [true, false])
        #expect(muchLater == [true, true, true, false])
    }

    @Test("take no more memory however many come")
    func memory() {
        var rates = FailureRates<Int>(limits: Self.limits())
        let all = (0..<10_000).allSatisfy { number in rates.take(number, at: Self.second(0)) }
        let newest = Self.takes(3, of: 9_999, &rates, at: 0)
        #expect(all)
        #expect(newest == [true, true, false], "the newest are still counted")
    }

    @Test(
        "count networks of IPv6, and all that is no address as one",
        arguments: [
            ("192.0.2.1", "192.0.2.1", true), ("192.0.2.1", "192.0.2.2", false),
            ("::ffff:192.0.2.1", "192.0.2.1", true),
            ("2001:db8::1", "2001:db8::2", true), ("2001:db8:0:1::1", "2001:db8:0:2::1", false),
            ("fe80::1%eth0", "fe80::2%eth1", true), ("", "nonsense", true),
        ])
    func addresses(left: String, right: String, isSame: Bool) {
        #expect((PeerAddress(left) == PeerAddress(right)) == isSame)
    }

    @Test("of keys' uses are gathered up to a bound")
    func uses() {
        var uses = KeyUses(limit: 2)
        for (key, second) in [("a", 1), ("b", 2), ("c", 3), ("a", 4)] as [(String, Int64)] {
            uses.note(key, at: Instant(seconds: second))
        }
        let (taken, left) = (uses.take(), uses.take())
        #expect(taken == ["a": Instant(seconds: 4), "b": Instant(seconds: 2)])
        #expect(left.isEmpty)
    }
}
