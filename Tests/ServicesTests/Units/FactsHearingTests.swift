import CarillonNet
import Testing

@testable import Services

/// When facts may be older than what is read each second.
@Suite("Hearing of facts")
struct FactsHearingTests {
    private static func at(_ seconds: Double) -> MonotonicTime {
        MonotonicTime(nanoseconds: Int64(seconds * 1e9))
    }

    private static var hearing: FactsHearing {
        var limits = ServiceLimits()
        (limits.factsHearing, limits.greatestFactsAge) = (.seconds(2), .seconds(55))
        return FactsHearing(limits)
    }

    @Test("nothing is vouched for that was read before the first answer, or in the tick in which it came")
    func first() {
        let hearing = Self.hearing
        #expect(!hearing.vouches(for: Self.at(100), now: Self.at(100)))
        hearing.heard(asked: Self.at(100), follows: false, now: Self.at(101))
        #expect(!hearing.vouches(for: Self.at(99), now: Self.at(101)))
        #expect(!hearing.vouches(for: Self.at(101), now: Self.at(101)))
        #expect(hearing.vouches(for: Self.at(101.5), now: Self.at(101.5)))
    }

    @Test("it counts from the question, not from the answer, and for two seconds")
    func hearingAge() {
        let hearing = Self.hearing
        hearing.heard(asked: Self.at(100), follows: false, now: Self.at(100))
        #expect(hearing.vouches(for: Self.at(101), now: Self.at(102)))
        #expect(!hearing.vouches(for: Self.at(101), now: Self.at(102.001)))
        hearing.heard(asked: Self.at(102.5), follows: true, now: Self.at(104))
        #expect(hearing.vouches(for: Self.at(101), now: Self.at(104.5)))
        #expect(!hearing.vouches(for: Self.at(101), now: Self.at(104.501)))
    }

    @Test("an answer that does not follow the one before begins anew")
    func row() {
        let hearing = Self.hearing
        hearing.heard(asked: Self.at(100), follows: false, now: Self.at(100))
        hearing.heard(asked: Self.at(110), follows: false, now: Self.at(110))
        #expect(!hearing.vouches(for: Self.at(101), now: Self.at(110)))
        #expect(hearing.vouches(for: Self.at(110.5), now: Self.at(111)))
    }

    @Test("however much is heard, nothing lasts for ever")
    func greatestAge() {
        let hearing = Self.hearing
        for second in 100...200 {
            hearing.heard(asked: Self.at(Double(second)), follows: true, now: Self.at(Double(second)))
        }
        #expect(hearing.vouches(for: Self.at(145), now: Self.at(200)))
        #expect(!hearing.vouches(for: Self.at(144.999), now: Self.at(200)))
    }
}
