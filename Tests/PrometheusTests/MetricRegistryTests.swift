import CoreMetrics
import Prometheus
import Testing

@Suite("The registry of metrics")
struct MetricRegistryTests {
    private static let bells = MetricFamily("bells_total", .counter, "Bells that rang.", labels: ["tower", "tone"])
    private static let open = MetricFamily("doors_open", .gauge, "Doors that are open.")
    private static let times = MetricFamily("ring_seconds", .histogram, "How long they rang.", bounds: [0.1, 1, 10])

    private static func registry(_ limits: MetricLimits = MetricLimits()) -> MetricRegistry {
        MetricRegistry([bells, open, times], limits: limits)
    }

    private static func text(_ registry: MetricRegistry) async -> String {
        String(decoding: await registry.text(), as: UTF8.self)
    }

    /// The lines of one name, with the names of a histogram's parts.
    private static func lines(_ registry: MetricRegistry, _ name: String) async -> [String] {
        await text(registry).split(separator: "\n").map(String.init).filter { line in
            line.hasPrefix(name) && !line.hasPrefix("#")
        }
    }

    private static func ring(_ registry: MetricRegistry, _ tower: String, _ tone: String = "c", times: Int64 = 1) {
        registry.makeCounter(label: "bells_total", dimensions: [("tower", tower), ("tone", tone)]).increment(by: times)
    }

    @Test("The whole text")
    func whole() async {
        let registry = Self.registry()
        Self.ring(registry, "north", "g", times: 2)
        Self.ring(registry, "east")
        registry.makeMeter(label: "doors_open", dimensions: []).set(3 as Int64)
        let timer = registry.makeTimer(label: "ring_seconds", dimensions: [])
        for nanoseconds in [50_000_000, 100_000_000, 2_000_000_000, 60_000_000_000] as [Int64] {
            timer.recordNanoseconds(nanoseconds)
        }
        #expect(
            await Self.text(registry) == """
                # HELP bells_total Bells that rang.
                # TYPE bells_total counter
                bells_total{tower="east",tone="c"} 1
                bells_total{tower="north",tone="g"} 2
                # HELP doors_open Doors that are open.
                # TYPE doors_open gauge
                doors_open 3.0
                # HELP ring_seconds How long they rang.
                # TYPE ring_seconds histogram
                ring_seconds_bucket{le="0.1"} 2
                ring_seconds_bucket{le="1.0"} 2
                ring_seconds_bucket{le="10.0"} 3
                ring_seconds_bucket{le="+Inf"} 4
                ring_seconds_sum 62.15
                ring_seconds_count 4
                # HELP metrics_dropped_total Uses of metrics that are not kept: beyond the limits, or not as they were described.
                # TYPE metrics_dropped_total counter
                metrics_dropped_total 0

                """)
    }

    @Test("What would end a line or a value is escaped")
    func escaping() async {
        let registry = MetricRegistry([
            MetricFamily("odd_total", .counter, "One \\ and\nanother \"line\".", labels: ["what"])
        ])
        registry.makeCounter(label: "odd_total", dimensions: [("what", "a\"b\\c\nd\r}é")]).increment(by: 1)
        let text = await Self.text(registry)
        #expect(text.contains(#"# HELP odd_total One \\ and\nanother "line"."# + "\n"))
        #expect(text.contains(#"odd_total{what="a\"b\\c\nd"# + "\r" + #"}é"} 1"# + "\n"))
    }

    @Test("Numbers are written as Go reads them")
    func numbers() async {
        let registry = Self.registry()
        let gauge = registry.makeRecorder(label: "doors_open", dimensions: [], aggregate: false)
        for (number, text) in [
            (Double.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"), (1e21, "1e+21"), (0.1, "0.1"),
        ] {
            gauge.record(number)
            #expect(await Self.lines(registry, "doors_open") == ["doors_open \(text)"])
        }
    }

    @Test("A gauge goes up and down, and its handles share it")
    func gauge() async {
        let registry = Self.registry()
        let (one, other) = (
            registry.makeMeter(label: "doors_open", dimensions: []),
            registry.makeMeter(label: "doors_open", dimensions: [])
        )
        one.set(5 as Int64)
        other.increment(by: 2)
        one.decrement(by: 4)
        #expect(await Self.lines(registry, "doors_open") == ["doors_open 3.0"])
    }

    @Test("A counter only grows, whatever becomes of its handles")
    func growth() async {
        let registry = Self.registry()
        let handle = registry.makeCounter(label: "bells_total", dimensions: [("tone", "c"), ("tower", "east")])
        handle.increment(by: 7)
        handle.increment(by: -3)
        registry.destroyCounter(handle)
        Self.ring(registry, "east")
        #expect(await Self.lines(registry, "bells_total") == [#"bells_total{tower="east",tone="c"} 8"#])
    }

    @Test("Handles beyond the cells of a series count as well")
    func sharedCells() async {
        var limits = MetricLimits()
        limits.cellsPerSeries = 3
        let registry = Self.registry(limits)
        for _ in 0..<100 { Self.ring(registry, "east") }
        #expect(await Self.lines(registry, "bells_total") == [#"bells_total{tower="east",tone="c"} 100"#])
    }

    @Test("Beyond the limits nothing is kept, and each use is counted")
    func limits() async {
        var limits = MetricLimits()
        limits.seriesPerFamily = 2
        limits.series = 3
        limits.families = 5
        limits.labelOctets = 8
        let registry = Self.registry(limits)
        for tower in ["a", "b", "c", "c"] { Self.ring(registry, tower) }
        registry.makeMeter(label: "doors_open", dimensions: []).set(1 as Int64)
        // The fourth series in all.
        registry.makeTimer(label: "ring_seconds", dimensions: []).recordNanoseconds(1)
        // A label that is too long, and a name too many.
        Self.ring(registry, "steeple-of-nine")
        for name in ["first_total", "second_total"] {
            registry.makeCounter(label: name, dimensions: []).increment(by: 1)
        }
        let text = await Self.text(registry)
        #expect(text.contains("metrics_dropped_total 6\n"))
        #expect(await Self.lines(registry, "bells_total").count == 2)
        #expect(await Self.lines(registry, "ring_seconds").isEmpty)
        #expect(!text.contains("steeple") && !text.contains("second_total"))
    }

    @Test("What contradicts its description is not kept")
    func contradictions() async {
        let registry = Self.registry()
        registry.makeCounter(label: "doors_open", dimensions: []).increment(by: 1)
        registry.makeCounter(label: "bells_total", dimensions: [("tower", "east")]).increment(by: 1)
        registry.makeCounter(label: "bells_total", dimensions: [("tower", "east"), ("user", "ann")]).increment(by: 1)
        registry.makeTimer(label: "bells_total", dimensions: [("tower", "east"), ("tone", "c")]).recordNanoseconds(1)
        registry.makeCounter(label: "own_total", dimensions: [("__name__", "x")]).increment(by: 1)
        registry.add {
            [
                Reading("bells_total", "east", value: 1), Reading("unheard_total", value: 1),
                Reading("ring_seconds", value: HistogramValue(counts: [1], sum: 1)),
            ]
        }
        let text = await Self.text(registry)
        #expect(text.contains("metrics_dropped_total 8\n"))
        #expect(!text.contains("ann") && !text.contains("east") && !text.contains("unheard"))
    }

    @Test("What nobody has described is counted under the nearest name")
    func undescribed() async {
        let registry = Self.registry()
        registry.makeCounter(label: "http.requests-2", dimensions: [("b", "1"), ("a", "2")]).increment(by: 4)
        #expect(await Self.lines(registry, "http") == [#"http_requests_2{a="2",b="1"} 4"#])
    }

    @Test("Sources are asked each time")
    func sources() async {
        let registry = Self.registry()
        let counter = registry.makeCounter(label: "own_total", dimensions: [])
        registry.add {
            counter.increment(by: 1)
            return [
                Reading("bells_total", "west", "d", value: 11),
                Reading("ring_seconds", value: HistogramValue(counts: [1, 0, 2, 1], sum: 20.5)),
            ]
        }
        _ = await registry.text()
        #expect(await Self.lines(registry, "bells_total") == [#"bells_total{tower="west",tone="d"} 11"#])
        #expect(
            await Self.lines(registry, "ring_seconds") == [
                #"ring_seconds_bucket{le="0.1"} 1"#, #"ring_seconds_bucket{le="1.0"} 1"#,
                #"ring_seconds_bucket{le="10.0"} 3"#, #"ring_seconds_bucket{le="+Inf"} 4"#, "ring_seconds_sum 20.5",
                "ring_seconds_count 4",
            ])
        #expect(await Self.lines(registry, "own_total") == ["own_total 4"])
    }

    @Test("Threads that count at once lose nothing, also when they share a cell", arguments: [1, 64])
    func concurrency(cells: Int) async {
        var limits = MetricLimits()
        limits.cellsPerSeries = cells
        let registry = Self.registry(limits)
        await withTaskGroup { group in
            for task in 0..<8 {
                group.addTask {
                    let counter = registry.makeCounter(
                        label: "bells_total", dimensions: [("tower", "east"), ("tone", "c")])
                    let timer = registry.makeTimer(label: "ring_seconds", dimensions: [])
                    let gauge = registry.makeMeter(label: "doors_open", dimensions: [])
                    for number in 0..<400_000 {
                        counter.increment(by: 1)
                        timer.recordNanoseconds(500_000_000)
                        gauge.increment(by: 1)
                        if number.isMultiple(of: 40_000) { Self.ring(registry, "west", "\(task)") }
                    }
                }
                group.addTask {
                    for _ in 0..<20 { _ = await registry.text() }
                }
            }
        }
        let lines = await Self.lines(registry, "bells_total")
        #expect(lines.first == #"bells_total{tower="east",tone="c"} 3200000"#)
        #expect(lines.count == 9)
        #expect(await Self.lines(registry, "doors_open") == ["doors_open 3200000.0"])
        let times = await Self.lines(registry, "ring_seconds")
        #expect(times.contains(#"ring_seconds_bucket{le="0.1"} 0"#))
        #expect(times.contains("ring_seconds_sum 1600000.0") && times.contains("ring_seconds_count 3200000"))
    }
}
