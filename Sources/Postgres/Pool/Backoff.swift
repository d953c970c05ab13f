internal import CarillonNet

/// Pauses that double with each failure, each a random part of the whole ("full jitter"), so that many clients of one
/// database do not come back at the same moment.
struct Backoff {
    private let range: ClosedRange<Duration>
    private var failures = 0

    /// Pauses up to the range's lower bound at first, up to its upper bound at last.
    init(_ range: ClosedRange<Duration>) {
        self.range = range
    }

    /// The next pause, for a random number in 0..<1.
    mutating func next(_ random: Double) -> Duration {
        // 2^30 times any useful first pause lies beyond any useful last one.
        let longest = min(range.upperBound, range.lowerBound * (1 << min(failures, 30)))
        failures += 1
        return longest * random
    }

    /// The next pause is the first one again.
    mutating func reset() {
        failures = 0
    }
}
