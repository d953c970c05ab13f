import Testing

@testable import CarillonNet

@Suite struct TokenBucketTests {
    @Test func holdsItsBurstAndGetsBackItsRate() {
        var bucket = TokenBucket(burst: 3, perSecond: 2)
        let taken = [0.0, 0, 0, 0, 0.49, 0.51, 0.52, 1.01, 1.02].map { bucket.take(at: .at($0)) }
        #expect(taken == [true, true, true, false, false, true, false, true, false])
        // Full again after a second and a half, and never more than full.
        let later = (0..<4).map { _ in bucket.take(at: .at(1000)) }
        #expect(later == [true, true, true, false])
    }

    @Test func whatIsEarnedComesBackAtOnceAndIsLostWhenFull() {
        var bucket = TokenBucket(burst: 2, perSecond: 0)
        bucket.earn(100)
        let atFirst = (0..<3).map { _ in bucket.take(at: .at(0)) }
        #expect(atFirst == [true, true, false])
        bucket.earn()
        // None comes back by time alone, within a day.
        let then = [0.0, 0, 80_000].map { bucket.take(at: .at($0)) }
        #expect(then == [true, false, false])
    }

    /// However long a connection earns and takes nothing, it has its burst and no more, also where a token is worth a day.
    @Test(arguments: [0, 1, 1000])
    func earnsWithoutEnd(rate: Int) {
        var bucket = TokenBucket(burst: 3, perSecond: rate)
        for _ in 0..<200_000 { bucket.earn(4) }
        let atOnce = (0..<4).map { _ in bucket.take(at: .at(1)) }
        #expect(atOnce == [true, true, true, false])
        for _ in 0..<200_000 { bucket.earn(4) }
        let again = (0..<4).map { _ in bucket.take(at: .at(1)) }
        #expect(again == [true, true, true, false])
    }

    @Test func takesSeveralOrNone() {
        var bucket = TokenBucket(burst: 10, perSecond: 1)
        let taken = [8, 8, 2].map { bucket.take($0, at: .at(0)) }
        #expect(taken == [true, false, true])
    }

    /// Against the obvious model: a count that grows with time up to the burst.
    @Test(arguments: 0..<20)
    func countsLikeAPlainCounter(seed: UInt64) {
        var random = SplitMix(seed: seed)
        let (burst, rate) = (Int.random(in: 1...50, using: &random), [1, 2, 4, 5, 8, 10][Int(seed % 6)])
        var bucket = TokenBucket(burst: burst, perSecond: rate)
        var (tokens, now, last) = (Double(burst), 0.0, 0.0)
        for _ in 0..<500 {
            now += Double.random(in: 0...0.5, using: &random)
            tokens = min(Double(burst), tokens + (now - last) * Double(rate))
            last = now
            // Not where rounding decides.
            if abs(tokens - tokens.rounded()) < 1e-6 { continue }
            let expected = tokens >= 1
            if expected { tokens -= 1 }
            let taken = bucket.take(at: .at(now))
            #expect(taken == expected)
        }
    }
}
