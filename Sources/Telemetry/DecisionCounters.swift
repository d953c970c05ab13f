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

    /// Makes counters.
    ///
    /// - Parameter factory: where they count.
    package init(_ place: DecisionPlace, _ factory: any MetricsFactory) {
        self.place = place
        self.factory = factory
        handles = Array(repeating: nil, count: DecisionSeries.count)
    }

    /// Counts what was decided for a channel.
    package func count(_ decided: ChannelDecision, on channel: Channel) {
        let index = DecisionSeries.index(of: decided, on: channel)
        if let handle = handles[index] { return handle.increment(by: 1) }
        let labels = DecisionSeries.labels(of: index)
        let made = factory.makeCounter(
            label: Self.name,
            dimensions: [
                ("where", place.rawValue), ("verdict", labels.verdict), ("reason", labels.reason),
                ("channel", labels.channel),
            ])
        handles[index] = made
        made.increment(by: 1)
    }
}
