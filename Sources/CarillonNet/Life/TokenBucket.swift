/// A limit on how often something may happen: some at once, and one more for each interval after that.
///
/// It is the generic cell rate algorithm: the bucket is one point in time, that at which it would be full again, and
/// counting is an addition. Pure: the time comes from the caller.
package struct TokenBucket {
    private let interval: Int64
    private let tolerance: Int64
    /// When the bucket is full again, in nanoseconds of the caller's clock; it is full when that has passed.
    private var fullAt = Self.always
    /// Before any time of any clock, and far enough from the end of the numbers to be counted on from.
    private static let always = Int64.min / 2

    /// Makes a full bucket.
    ///
    /// - Parameters:
    ///   - burst: how many tokens it holds; at least one.
    ///   - perSecond: how many come back in a second; 0 lets one come back in a day, beside what ``earn(_:)`` gives.
    package init(burst: Int, perSecond: Int) {
        interval = perSecond > 0 ? max(1, 1_000_000_000 / Int64(perSecond)) : 86_400_000_000_000
        // A million and more of them a day apart would be longer than the clock counts.
        tolerance = interval * Int64(min(max(1, burst), 50_000))
    }

    /// Takes tokens out; false, and nothing is taken, when there are not enough.
    package mutating func take(_ count: Int = 1, at now: MonotonicTime) -> Bool {
        let next = max(fullAt, now.nanoseconds) + interval * Int64(count)
        guard next - now.nanoseconds <= tolerance else { return false }
        fullAt = next
        return true
    }

    /// Whether there is a token to be taken out.
    package func hasToken(at now: MonotonicTime) -> Bool {
        max(fullAt, now.nanoseconds) + interval - now.nanoseconds <= tolerance
    }

    /// Gives tokens back for something useful; the bucket never holds more than its burst.
    mutating func earn(_ count: Int = 1) {
        fullAt = max(Self.always, fullAt - interval * Int64(count))
    }
}
