package import CoreMetrics
package import Domain

/// Counts decisions by verdict, reason and channel, at one place on one loop.
///
/// A handle is made when it is needed for the first time; from then on it is found by arithmetic. Handles are this loop's own, so that
/// counting costs a few nanoseconds whatever other loops do.
///
/// Confined to its loop.
package final class DecisionCounters {
    /// The name of the counter.
    package static let name = "carillon_decisions_total"
    /// Its labels, in order.
    package static let labels = ["where", "verdict", "reason", "channel"]

    private let place: DecisionPlace
    private let factory: any MetricsFactory
    private var handles: [(any CounterHandler)?]

    private static let verdicts = 4
    /// See ``Reason/index``.
    private static let reasons = 64
    private static let channels = Channel.allCases.count

    /// Makes counters.
    ///
    /// - Parameter factory: where they count.
    package init(_ place: DecisionPlace, _ factory: any MetricsFactory) {
        self.place = place
        self.factory = factory
        handles = Array(repeating: nil, count: Self.verdicts * Self.reasons * Self.channels)
    }

    /// Counts what was decided for a channel.
    package func count(_ decided: ChannelDecision, on channel: Channel) {
        let verdict = Self.index(of: decided.verdict)
        let index = (channel.index * Self.verdicts + verdict) * Self.reasons + Int(decided.reason.index)
        if let handle = handles[index] { return handle.increment(by: 1) }
        let made = factory.makeCounter(
            label: Self.name,
            dimensions: [
                ("where", place.rawValue), ("verdict", Self.words[verdict]), ("reason", decided.reason.rawValue),
                ("channel", channel.rawValue),
            ])
        handles[index] = made
        made.increment(by: 1)
    }

    /// The values of the label `verdict`.
    private static let words = ["deliver", "defer", "digest", "suppress"]

    private static func index(of verdict: Verdict) -> Int {
        switch verdict {
        case .deliver: 0
        case .defer: 1
        case .digest: 2
        case .suppress: 3
        }
    }
}
