package import CoreMetrics
internal import Synchronization

/// Everything that is counted in a process, and its text for Prometheus: a factory behind swift-metrics.
///
/// Any thread. Making a handle takes a lock and looks a series up by its name and labels, so whoever counts often makes handles
/// once and keeps them; counting with a handle takes no lock.
package final class MetricRegistry: MetricsFactory, Sendable {
    /// The name of the counter of what is not kept.
    package static let droppedName = "metrics_dropped_total"

    /// A series that handles count into.
    private struct Series {
        var counters: [CounterCell] = []
        var histograms: [HistogramCell] = []
        var gauge: GaugeCell?
        /// How many handles were made.
        var handles = 0

        func value(of family: MetricFamily) -> MetricValue {
            if let gauge { return .number(gauge.value) }
            guard family.kind == .histogram else { return .whole(Int(counters.reduce(0) { $0 &+ $1.value })) }
            var sum = HistogramValue(counts: Array(repeating: 0, count: family.bounds.count + 1), sum: 0)
            for cell in histograms { cell.add(to: &sum) }
            return .histogram(sum)
        }
    }

    private struct Contents {
        var families: [String: MetricFamily] = [:]
        /// The names in the order in which they are written.
        var order: [String] = []
        /// By name and written labels.
        var series: [String: [String: Series]] = [:]
        /// How many series there are in all.
        var count = 0
    }

    private let limits: MetricLimits
    private let contents: Mutex<Contents>
    private let sources = Mutex<[@Sendable () async -> [Reading]]>([])
    private let drops = CounterCell()
    private let dropped: DroppedCell

    /// Makes a registry.
    ///
    /// - Parameters:
    ///   - families: what is counted. Others may count more under names of their own, without words of what it means.
    ///   - limits: how much is kept.
    package init(_ families: [MetricFamily], limits: MetricLimits = MetricLimits()) {
        self.limits = limits
        dropped = DroppedCell(drops)
        let own = MetricFamily(
            Self.droppedName, .counter,
            "Uses of metrics that are not kept: beyond the limits, or not as they were described.")
        let all = families + [own]
        contents = Mutex(
            Contents(
                families: Dictionary(all.map { ($0.name, $0) }) { first, _ in
                    preconditionFailure("\(first.name) is described twice")
                }, order: all.map(\.name)))
    }

    /// Asks somebody who counts for himself, each time that the text is written.
    package func add(_ source: @escaping @Sendable () async -> [Reading]) {
        sources.withLock { $0.append(source) }
    }

    // MARK: The text

    /// What is sent as `content-type` of ``text()``.
    package static let contentType = TextFormat.contentType

    /// Everything that is known now, in Prometheus' text format 0.0.4. Takes as long as the sources take.
    package func text() async -> [UInt8] {
        let asked = sources.withLock { $0 }
        var readings: [Reading] = []
        for source in asked { readings += await source() }
        return write(readings)
    }

    private func write(_ readings: [Reading]) -> [UInt8] {
        let contents = contents.withLock { $0 }
        var found: [String: [String: MetricValue]] = [:]
        for (name, series) in contents.series {
            guard let family = contents.families[name] else { continue }
            found[name] = series.mapValues { $0.value(of: family) }
        }
        var count = contents.count
        for reading in readings {
            guard let family = contents.families[reading.family], isFit(reading, for: family), count < limits.series,
                found[family.name, default: [:]].count < limits.seriesPerFamily
            else {
                drops.increment(by: 1)
                continue
            }
            let labels = TextFormat.labels(family.labels, reading.labels)
            if found[family.name, default: [:]].updateValue(reading.value, forKey: labels) == nil { count += 1 }
        }
        found[Self.droppedName] = ["": .whole(Int(drops.value))]
        var format = TextFormat()
        for name in contents.order {
            guard let family = contents.families[name] else { continue }
            format.describe(family)
            for (labels, value) in (found[name] ?? [:]).sorted(by: { $0.key < $1.key }) {
                format.write(family, labels, value)
            }
        }
        return format.octets
    }

    private func isFit(_ reading: Reading, for family: MetricFamily) -> Bool {
        guard reading.labels.count == family.labels.count, areShort(reading.labels) else { return false }
        switch (family.kind, reading.value) {
        case (.histogram, .histogram(let value)): return value.counts.count == family.bounds.count + 1
        case (.counter, .whole), (.gauge, .whole), (.counter, .number), (.gauge, .number): return true
        default: return false
        }
    }

    private func areShort(_ values: [String]) -> Bool { values.allSatisfy { $0.utf8.count <= limits.labelOctets } }

    // MARK: Handles

    /// Finds or makes a series and lets `body` take a handle from it; nil when it is not kept.
    private func withSeries<Handle: Sendable>(
        _ label: String, _ dimensions: [(String, String)], _ kind: MetricFamily.Kind,
        _ body: (inout Series, MetricFamily) -> sending Handle?
    ) -> Handle? {
        let name = MetricName.isValid(label) ? label : MetricName.sanitized(label)
        let values = Dictionary(dimensions) { first, _ in first }
        guard areShort(Array(values.values)) else { return nil }
        return contents.withLock { contents in
            guard let family = Self.family(name, kind, Array(values.keys), &contents, limits), family.kind == kind,
                values.count == family.labels.count
            else { return nil }
            let ordered = family.labels.compactMap { values[$0] }
            guard ordered.count == family.labels.count else { return nil }
            let key = TextFormat.labels(family.labels, ordered)
            if contents.series[name]?[key] == nil {
                guard contents.count < limits.series, contents.series[name, default: [:]].count < limits.seriesPerFamily
                else { return nil }
                contents.count += 1
                contents.series[name, default: [:]][key] = Series()
            }
            guard var series = contents.series[name]?[key] else { return nil }
            let handle = body(&series, family)
            series.handles &+= 1
            contents.series[name]?[key] = series
            return handle
        }
    }

    /// What was described under a name, or what is described by being used for the first time.
    private static func family(
        _ name: String, _ kind: MetricFamily.Kind, _ labels: [String], _ contents: inout Contents,
        _ limits: MetricLimits
    ) -> MetricFamily? {
        if let known = contents.families[name] { return known }
        guard contents.families.count < limits.families, labels.allSatisfy(MetricName.isValidLabel) else { return nil }
        let made = MetricFamily(name, kind, "Not described.", labels: labels.sorted())
        contents.families[name] = made
        contents.order.append(name)
        return made
    }

    /// A handle that counts apart from those made before, so that threads that have one each do not get in each other's way.
    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        withSeries(label, dimensions, .counter) { series, _ in
            if series.counters.count < limits.cellsPerSeries { series.counters.append(CounterCell()) }
            return series.counters[series.handles % series.counters.count]
        } ?? dropped
    }

    /// A handle of a histogram, or of a gauge for what is not to be aggregated.
    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        if aggregate { return makeHistogram(label, dimensions) ?? dropped }
        return makeGauge(label, dimensions) ?? dropped
    }

    /// A handle of a gauge.
    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        makeGauge(label, dimensions) ?? dropped
    }

    /// A handle of a histogram of seconds.
    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        makeHistogram(label, dimensions) ?? dropped
    }

    private func makeGauge(_ label: String, _ dimensions: [(String, String)]) -> GaugeCell? {
        withSeries(label, dimensions, .gauge) { series, _ in
            let gauge = series.gauge ?? GaugeCell()
            series.gauge = gauge
            return gauge
        }
    }

    private func makeHistogram(_ label: String, _ dimensions: [(String, String)]) -> HistogramCell? {
        withSeries(label, dimensions, .histogram) { series, family in
            if series.histograms.count < limits.cellsPerSeries {
                series.histograms.append(HistogramCell(bounds: family.bounds))
            }
            return series.histograms[series.handles % series.histograms.count]
        }
    }

    // What was counted stays: a counter that went would seem to have begun anew. Handles that come and go share their series' cells.

    /// Nothing: what was counted stays.
    package func destroyCounter(_ handler: any CounterHandler) {}
    /// Nothing: what was set stays.
    package func destroyMeter(_ handler: any MeterHandler) {}
    /// Nothing: what was recorded stays.
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    /// Nothing: what was measured stays.
    package func destroyTimer(_ handler: any TimerHandler) {}
}
