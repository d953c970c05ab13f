package import Domain

/// How often it was decided in one way or another at one place, as plain numbers by verdict, reason and channel: for who counts on one
/// loop what many others ask for seldom.
///
/// A value; ``DecisionCounters`` is for who counts into metrics at once.
package struct DecisionCounts: Sendable {
    private var numbers = [Int](repeating: 0, count: DecisionSeries.count)

    /// Nothing was decided.
    package init() {}

    /// Counts what was decided for a channel.
    ///
    /// - Parameter times: how often, at least 0.
    package mutating func add(_ decided: ChannelDecision, on channel: Channel, times: Int = 1) {
        numbers[DecisionSeries.index(of: decided, on: channel)] &+= times
    }

    /// Adds what was counted elsewhere.
    package mutating func add(_ others: DecisionCounts) {
        for index in numbers.indices { numbers[index] &+= others.numbers[index] }
    }

    /// Calls a closure for each number that is not 0, with the values of its labels: those of ``DecisionCounters/labels`` behind the
    /// first, in their order.
    package func visit(_ body: (_ labels: (verdict: String, reason: String, channel: String), _ count: Int) -> Void) {
        for index in numbers.indices where numbers[index] != 0 {
            body(DecisionSeries.labels(of: index), numbers[index])
        }
    }
}
