internal import CoreMetrics
internal import Synchronization

// What the handles of swift-metrics count into. Any thread; no locks.

/// So much lies between what two cells count that no two processors ever want the same line of their caches.
private typealias Spacing = InlineArray<8, Int>

/// One handle's part of a counter. A loop that has a handle of its own shares it with nobody, so an addition costs a few nanoseconds.
final class CounterCell: CounterHandler {
    private let count = Atomic<Int64>(0)
    private let spacing = Spacing(repeating: 0)

    /// A counter only grows: an amount below nothing is not counted.
    func increment(by amount: Int64) {
        guard amount > 0 else { return }
        count.wrappingAdd(amount, ordering: .relaxed)
    }

    /// Begins anew, which Prometheus takes for a start of the process.
    func reset() { count.store(0, ordering: .relaxed) }

    var value: Int64 { count.load(ordering: .relaxed) }
}

/// The value of a gauge, which all its handles share: who sets it last is right.
final class GaugeCell: MeterHandler, RecorderHandler {
    private let number = AtomicNumber()

    func set(_ value: Int64) { number.set(Double(value)) }
    func set(_ value: Double) { number.set(value) }
    func increment(by amount: Double) { number.add(amount) }
    func decrement(by amount: Double) { number.add(-amount) }
    func record(_ value: Int64) { number.set(Double(value)) }
    func record(_ value: Double) { number.set(value) }

    var value: Double { number.value }
}

/// One handle's part of a histogram.
final class HistogramCell: RecorderHandler, TimerHandler {
    private let bounds: [Double]
    private let counts: InlineArray<24, Count>
    private let sum = AtomicNumber()
    private let spacing = Spacing(repeating: 0)

    private struct Count: ~Copyable {
        let value = Atomic<Int64>(0)
    }

    init(bounds: [Double]) {
        self.bounds = bounds
        counts = InlineArray { _ in Count() }
    }

    func record(_ value: Int64) { record(Double(value)) }

    /// What is no number is not observed.
    func record(_ value: Double) {
        guard !value.isNaN else { return }
        var place = 0
        while place < bounds.count, value > bounds[place] { place += 1 }
        counts[place].value.wrappingAdd(1, ordering: .relaxed)
        sum.add(value)
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    /// Adds what was observed.
    func add(to histogram: inout HistogramValue) {
        for place in 0...bounds.count { histogram.counts[place] += Int(counts[place].value.load(ordering: .relaxed)) }
        histogram.sum += sum.value
    }
}

/// A number that several threads change.
private struct AtomicNumber: ~Copyable {
    private let bits = Atomic<UInt64>(0)

    var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

    func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }

    func add(_ amount: Double) {
        var known = bits.load(ordering: .relaxed)
        while true {
            let next = (Double(bitPattern: known) + amount).bitPattern
            let (isDone, found) = bits.weakCompareExchange(expected: known, desired: next, ordering: .relaxed)
            if isDone { return }
            known = found
        }
    }
}

/// Stands for what is not kept: every use is counted.
final class DroppedCell: CounterHandler, MeterHandler, RecorderHandler, TimerHandler {
    private let drops: CounterCell

    init(_ drops: CounterCell) {
        self.drops = drops
    }

    func increment(by amount: Int64) { drops.increment(by: 1) }
    func reset() {}
    func set(_ value: Int64) { drops.increment(by: 1) }
    func set(_ value: Double) { drops.increment(by: 1) }
    func increment(by amount: Double) { drops.increment(by: 1) }
    func decrement(by amount: Double) { drops.increment(by: 1) }
    func record(_ value: Int64) { drops.increment(by: 1) }
    func record(_ value: Double) { drops.increment(by: 1) }
    func recordNanoseconds(_ duration: Int64) { drops.increment(by: 1) }
}
