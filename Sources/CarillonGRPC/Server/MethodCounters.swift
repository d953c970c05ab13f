internal import Synchronization

/// What became of the calls of each method on one loop, and how long those with one message each way took.
///
/// One writer, the loop; any thread reads. See ``ServerCounters`` for why an addition costs no more than to a plain variable.
///
/// Safe as `@unchecked Sendable` because the pointer does not change and all that it points to is atomic.
final class MethodCounters: @unchecked Sendable {
    /// The bounds of the buckets that durations are counted in, in nanoseconds. What is greater than all has one more.
    static let bounds: [Int64] = [
        1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000, 250_000_000, 500_000_000,
        1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000,
    ]
    private static let codes = StatusCode.allCases.count
    private static let buckets = 14
    /// One for each code and bucket, and the sum of the durations in nanoseconds.
    private static let stride = codes + buckets + 1

    private let cells: UnsafeMutablePointer<Atomic<Int>>
    private let count: Int

    /// - Parameter methods: how many there are.
    init(methods: Int) {
        count = methods * Self.stride
        cells = .allocate(capacity: count)
        for place in 0..<count { (cells + place).initialize(to: Atomic(0)) }
    }

    deinit {
        cells.deinitialize(count: count)
        cells.deallocate()
    }

    /// A call that was admitted ended.
    ///
    /// - Parameter duration: since its header block came, in nanoseconds by the loop's clock, which is read once a tick.
    func callEnded(_ method: RPCMethod, _ code: StatusCode, after duration: Int64) {
        let first = method.number * Self.stride
        add(1, first + Int(code.rawValue))
        guard method.isUnary else { return }
        add(1, first + Self.codes + Self.bucket(of: duration))
        add(Int(duration), first + Self.codes + Self.buckets)
    }

    private static func bucket(of duration: Int64) -> Int {
        // Answers from memory, within a tick.
        if duration <= 1_000_000 { return 0 }
        return bounds.firstIndex { duration <= $0 } ?? bounds.count
    }

    private func add(_ amount: Int, _ place: Int) {
        let cell = cells + place
        cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
    }

    /// Adds what was counted here of one method.
    func add(to counts: inout MethodCounts, number: Int) {
        let first = number * Self.stride
        for code in StatusCode.allCases {
            counts.ended[code, default: 0] += value(first + Int(code.rawValue))
        }
        for bucket in 0..<Self.buckets { counts.durations[bucket] += value(first + Self.codes + bucket) }
        counts.nanoseconds += value(first + Self.codes + Self.buckets)
    }

    private func value(_ place: Int) -> Int { (cells + place).pointee.load(ordering: .relaxed) }
}
