internal import CarillonNet
internal import Synchronization

/// How often something may happen: so often on average, and so much at once.
struct Rate: Sendable, Hashable {
    /// The time that one of them stands for, in nanoseconds.
    fileprivate let interval: Int64
    /// How far ahead of the time it may be counted, in nanoseconds.
    fileprivate let tolerance: Int64
    /// The longest time that may be counted at once: years ahead of any clock, and far from the end of the numbers.
    private static let longest = Int64.max / 8

    /// A rate of which two seconds' worth may come at once.
    ///
    /// - Parameter perSecond: at least 1; beyond a thousand millions there is no difference.
    init(perSecond: Int) {
        interval = max(1, 1_000_000_000 / Int64(max(1, perSecond)))
        tolerance = max(2_000_000_000, interval)
    }

    /// A rate below one a second.
    ///
    /// - Parameters:
    ///   - interval: the time that one of them stands for, at least a nanosecond.
    ///   - burst: how many may come at once, at least 1.
    init(every interval: Duration, burst: Int) {
        let parts = interval.components
        let nanoseconds = parts.seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let whole = nanoseconds.overflow ? Self.longest : nanoseconds.partialValue + parts.attoseconds / 1_000_000_000
        self.interval = min(max(1, whole), Self.longest)
        let (product, overflow) = self.interval.multipliedReportingOverflow(by: Int64(max(1, burst)))
        tolerance = overflow ? Self.longest : min(product, Self.longest)
    }

    /// What so many of them stand for.
    fileprivate func cost(_ count: Int) -> Int64 {
        let (product, overflow) = interval.multipliedReportingOverflow(by: Int64(max(0, count)))
        return overflow ? Self.longest : min(product, Self.longest)
    }
}

/// Counts what one party does against a ``Rate``, over all loops that share the meter.
///
/// It is the generic cell rate algorithm: the meter is one point in time, that at which all that was counted is paid for, and
/// counting moves it on by a single exchange of one word. There is no lock to wait for, and nothing to refill. Since the rate is
/// not part of the meter, it may change at any time, and loops that have not heard of it yet do no harm.
///
/// Any thread.
final class RateMeter: Sendable {
    /// In nanoseconds of the monotonic clock.
    private let paidAt = Atomic<Int64>(.min / 2)

    /// Nothing was counted.
    init() {}

    /// Counts some of them, or refuses.
    ///
    /// - Parameters:
    ///   - count: how many. More than the rate allows at once go when nothing else is to be paid for, and whoever comes next
    ///     waits the longer.
    ///   - rate: what is allowed.
    ///   - now: the time; loops may be a tick apart.
    /// - Returns: whether they were counted. If not, nothing was.
    func take(_ count: Int = 1, of rate: Rate, at now: MonotonicTime) -> Bool {
        let now = now.nanoseconds
        let cost = rate.cost(count)
        var seen = paidAt.load(ordering: .relaxed)
        while true {
            let start = max(seen, now)
            guard start - now <= rate.tolerance - min(cost, rate.tolerance) else { return false }
            // Nothing else is read by this word, hence relaxed.
            let (exchanged, original) = paidAt.weakCompareExchange(
                expected: seen, desired: start + cost, ordering: .relaxed)
            if exchanged { return true }
            seen = original
        }
    }

    /// Takes back what was counted and did not happen.
    func giveBack(_ count: Int = 1, of rate: Rate) {
        paidAt.subtract(rate.cost(count), ordering: .relaxed)
    }

    /// Counts some that are not refused any more, however many they are: what comes next waits until they are paid for.
    func charge(_ count: Int, of rate: Rate, at now: MonotonicTime) {
        let cost = rate.cost(count)
        var seen = paidAt.load(ordering: .relaxed)
        while true {
            let (exchanged, original) = paidAt.weakCompareExchange(
                expected: seen, desired: max(seen, now.nanoseconds) + cost, ordering: .relaxed)
            if exchanged { return }
            seen = original
        }
    }
}
