/// How much is kept. What comes above is counted by `metrics_dropped_total` and nothing else.
package struct MetricLimits: Sendable {
    /// The most series of one name.
    package var seriesPerFamily = 4_000
    /// The most series in all.
    package var series = 10_000
    /// The most names.
    package var families = 500
    /// The longest value of a label, in octets of UTF-8.
    package var labelOctets = 128
    /// The most handles of one series that count apart from each other; further ones share those.
    package var cellsPerSeries = 64

    /// The usual limits.
    package init() {}
}
