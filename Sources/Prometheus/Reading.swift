/// What one series comes to at one time, from somebody who counts it himself.
package struct Reading: Sendable {
    /// The name of the family, which must have been described.
    package let family: String
    /// The values of the family's labels, in their order.
    package let labels: [String]
    /// What it comes to.
    package let value: MetricValue

    /// A number that only grows, or that is whole.
    package init(_ family: String, _ labels: String..., value: Int) {
        (self.family, self.labels, self.value) = (family, labels, .whole(value))
    }

    /// A number.
    package init(_ family: String, _ labels: String..., value: Double) {
        (self.family, self.labels, self.value) = (family, labels, .number(value))
    }

    /// Observations.
    package init(_ family: String, _ labels: String..., value: HistogramValue) {
        (self.family, self.labels, self.value) = (family, labels, .histogram(value))
    }
}

/// What a series comes to.
package enum MetricValue: Sendable, Equatable {
    /// A whole number.
    case whole(Int)
    /// A number.
    case number(Double)
    /// Observations.
    case histogram(HistogramValue)
}

/// Observations in buckets.
package struct HistogramValue: Sendable, Equatable {
    /// How many fell into each bucket and none before it: one for each bound, and one for what is greater than all of them.
    package var counts: [Int]
    /// The sum of all.
    package var sum: Double

    /// Takes observations.
    package init(counts: [Int], sum: Double) {
        self.counts = counts
        self.sum = sum
    }
}
