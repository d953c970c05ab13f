import CarillonNet
import Testing

@testable import CarillonGRPC

@Suite struct ConnectionBackoffTests {
    /// The times of the specification: 1 s, then × 1.6 with a fifth of jitter, at most 120 s.
    @Test func timesGrowAsTheSpecificationSays() {
        var backoff = ConnectionBackoff(.init())
        let now = MonotonicTime(nanoseconds: 1_000_000_000_000)
        func wait(_ random: Double) -> Double {
            now.duration(to: backoff.begin(now: now, random: random).nextAttempt) / .seconds(1)
        }
        #expect(wait(0.99) == 1)
        for expected in [1.6, 2.56, 4.096] { #expect(abs(wait(0.5) - expected) < 0.001) }
        #expect(abs(wait(0) - 6.5536 * 0.8) < 0.001)
        #expect(abs(wait(1) - 10.48576 * 1.2) < 0.001)
        for _ in 0..<10 { _ = wait(0.5) }
        #expect(wait(0.5) == 120)
        #expect(wait(1) == 144)
        backoff.reset()
        #expect(wait(1) == 1)
    }

    /// An attempt gets twenty seconds, and more when the next one is later than that anyway.
    @Test func anAttemptHasTimeEnough() {
        var backoff = ConnectionBackoff(.init())
        let now = MonotonicTime(nanoseconds: 0)
        #expect(backoff.begin(now: now, random: 0.5).connectBy == now.advanced(by: .seconds(20)))
        for _ in 0..<20 { _ = backoff.begin(now: now, random: 0.5) }
        #expect(backoff.begin(now: now, random: 0.5).connectBy == now.advanced(by: .seconds(120)))
    }
}

@Suite struct KeepaliveTests {
    @Test func noPolicyAsksMoreOftenThanEveryTenSeconds() {
        var policy = KeepalivePolicy(time: .seconds(1))
        #expect(policy.time == .seconds(10))
        policy.slowDown()
        #expect(policy.time == .seconds(20))
    }
}
