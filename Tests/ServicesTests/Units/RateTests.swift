import CarillonNet
import Testing

@testable import Services

@Suite("Rates")
struct RateTests {
    private static func moment(_ seconds: Double) -> MonotonicTime {
        MonotonicTime(nanoseconds: 1_000_000_000_000 + Int64(seconds * 1_000_000_000))
    }

    private static func taken(_ meter: RateMeter, _ tries: Int, of rate: Rate, at seconds: Double) -> Int {
        (0..<tries).count { _ in meter.take(of: rate, at: moment(seconds)) }
    }

    @Test("two seconds' worth go at once, then as many as time allows", arguments: [1, 7, 100, 50_000])
    func burst(perSecond: Int) {
        let (meter, rate) = (RateMeter(), Rate(perSecond: perSecond))
        // What is left of a second that is not divided evenly is not lost to the caller.
        let burst = 2_000_000_000 / (1_000_000_000 / perSecond)
        #expect(Self.taken(meter, 3 * burst, of: rate, at: 0) == burst)
        #expect(Self.taken(meter, burst, of: rate, at: 0) == 0)
        #expect((perSecond...perSecond + 1).contains(Self.taken(meter, 3 * burst, of: rate, at: 1)))
        // Longer rest does not gather more.
        #expect(Self.taken(meter, 3 * burst, of: rate, at: 1000) == burst)
    }

    @Test("less than one a second, with a burst of its own")
    func slow() {
        let (meter, rate) = (RateMeter(), Rate(every: .seconds(30), burst: 4))
        #expect(Self.taken(meter, 10, of: rate, at: 0) == 4)
        #expect(Self.taken(meter, 10, of: rate, at: 29) == 0)
        #expect(Self.taken(meter, 10, of: rate, at: 30) == 1)
        #expect(Self.taken(meter, 10, of: rate, at: 90) == 2)
        #expect(Self.taken(meter, 10, of: rate, at: 86_400) == 4, "longer rest does not gather more")
    }

    @Test("steady use at the rate is never refused")
    func steady() {
        let (meter, rate) = (RateMeter(), Rate(perSecond: 100))
        #expect((0..<1000).allSatisfy { meter.take(of: rate, at: Self.moment(Double($0) / 100)) })
    }

    @Test("a batch counts what it holds, and is refused as a whole")
    func batches() {
        let (meter, rate) = (RateMeter(), Rate(perSecond: 10))
        #expect(meter.take(15, of: rate, at: Self.moment(0)))
        #expect(!meter.take(6, of: rate, at: Self.moment(0)))
        #expect(meter.take(5, of: rate, at: Self.moment(0)))
        #expect(!meter.take(of: rate, at: Self.moment(0)))
    }

    @Test("a batch that is more than may come at once goes alone, and is paid for afterwards")
    func largeBatch() {
        let (meter, rate) = (RateMeter(), Rate(perSecond: 10))
        #expect(meter.take(of: rate, at: Self.moment(0)))
        #expect(!meter.take(100, of: rate, at: Self.moment(0)))
        #expect(meter.take(100, of: rate, at: Self.moment(0.1)))
        #expect(!meter.take(of: rate, at: Self.moment(8.1)))
        #expect(meter.take(of: rate, at: Self.moment(8.3)))
    }

    @Test("a new rate counts at once")
    func change() {
        let meter = RateMeter()
        #expect(Self.taken(meter, 100, of: Rate(perSecond: 10), at: 0) == 20)
        // A loop that has heard of it already is not held up by the others, nor they by it.
        #expect(Self.taken(meter, 10_000, of: Rate(perSecond: 1000), at: 0.5) == 500)
        #expect(Self.taken(meter, 100, of: Rate(perSecond: 10), at: 0.5) == 0)
    }

    @Test("no number is too large", arguments: [1, 1_000_000_000, Int.max])
    func extremes(perSecond: Int) {
        let (meter, rate) = (RateMeter(), Rate(perSecond: perSecond))
        #expect(meter.take(.max, of: rate, at: Self.moment(0)))
        #expect(!meter.take(of: rate, at: Self.moment(0)))
        #expect(!meter.take(.max, of: rate, at: Self.moment(0)))
    }

    @Test("threads that meet at one meter get no more than one would")
    func race() async {
        let (meter, rate) = (RateMeter(), Rate(perSecond: 50_000))
        let now = Self.moment(0)
        let taken = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<4 {
                group.addTask { (0..<100_000).count { _ in meter.take(of: rate, at: now) } }
            }
            return await group.reduce(0, +)
        }
        #expect(taken == 100_000)
    }
}
