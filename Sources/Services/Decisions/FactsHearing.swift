internal import CarillonNet

/// Whether a loop would have heard if facts that it keeps had been changed by another process.
///
/// ``FactsKeeper`` asks the registry twice a second, and says here what came of it. What was read since the first of a row of
/// answers is vouched for: whatever has changed since was told before it was answered, and heard with the next question. An
/// answer that does not follow the one before begins a new row, and nothing that was read before is vouched for any more.
///
/// Confined to its loop.
final class FactsHearing {
    // In nanoseconds: it is asked for each check.
    private let hearingAge: Int64
    private let greatestAge: Int64
    /// Since when the row of answers goes on; nil before the first.
    private var since: MonotonicTime?
    /// When the last question that was answered was asked.
    private var askedAt = MonotonicTime(nanoseconds: .min)

    init(_ limits: ServiceLimits) {
        hearingAge = limits.factsHearing.wholeNanoseconds
        greatestAge = limits.greatestFactsAge.wholeNanoseconds
    }

    /// Takes note of an answer, after what it tells has been obeyed.
    ///
    /// - Parameters:
    ///   - asked: when the question was asked, at the latest.
    ///   - follows: whether it tells all that has changed since the answer before.
    ///   - now: the time of the loop's tick.
    func heard(asked: MonotonicTime, follows: Bool, now: MonotonicTime) {
        // What was read in this tick may have been read before the answer came.
        if !follows || since == nil { since = now.advanced(byNanoseconds: 1) }
        askedAt = asked
    }

    /// Whether facts still hold, as far as can be known without asking.
    ///
    /// - Parameters:
    ///   - readAt: when the read of them began.
    ///   - now: the time of the loop's tick.
    func vouches(for readAt: MonotonicTime, now: MonotonicTime) -> Bool {
        guard let since, since <= readAt else { return false }
        return now <= askedAt.advanced(byNanoseconds: hearingAge) && now <= readAt.advanced(byNanoseconds: greatestAge)
    }
}
