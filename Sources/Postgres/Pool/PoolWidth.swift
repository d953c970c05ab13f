internal import CarillonNet

/// Over how many of a pool's connections its units are spread: as few as keep up with them. Pure.
///
/// A backend has what it needs for each unit in the processor's cache if it has just run one, and keeps what it has learnt of
/// every tenant it worked for. So few that are busy do more than many that take turns: with 2,000 tenants that publish at
/// random, one after the other, four backends take 15 % more processor time than one.
///
/// The width doubles when more units are on their way than connections share them, which is looked at every few dozen units,
/// and is halved when there were hardly any for a minute. Affinities are spread so that a doubling moves half of them and a
/// halving only those that come back.
struct PoolWidth {
    /// How long units are counted at least, and how many, until they say something.
    private static let leastTime = Duration.milliseconds(100)
    private static let leastUnits = 32

    private let most: Int
    private let calm: Duration
    /// How many connections share the units: the first ones of the pool.
    private(set) var width = 1
    private var began: MonotonicTime
    private var units = 0
    /// For each unit those that were on their way before it.
    private var ahead = 0
    private var calmSince: MonotonicTime?

    /// Makes a width of one.
    ///
    /// - Parameters:
    ///   - most: how many connections there are.
    ///   - calm: how long there must have been little to do before fewer connections share it.
    init(most: Int, calm: Duration = .seconds(60), at now: MonotonicTime) {
        self.most = most
        self.calm = calm
        began = now
    }

    /// Counts a unit that is about to go.
    ///
    /// - Parameter ahead: how many of the pool are on their way or wait.
    /// - Returns: whether the width has changed.
    mutating func count(ahead: Int, at now: MonotonicTime) -> Bool {
        units += 1
        self.ahead += ahead
        guard units >= Self.leastUnits, began.advanced(by: Self.leastTime) <= now else { return false }
        let before = width
        if self.ahead > units * width {
            width = min(most, width * 2)
            calmSince = nil
        } else if self.ahead * 8 >= units * width {
            calmSince = nil
        } else if let since = calmSince {
            if since.advanced(by: calm) <= now {
                // The widths are the powers of two below the most, and the most.
                width = width == most ? Self.half(of: most) : max(1, width / 2)
                calmSince = now
            }
        } else {
            calmSince = began
        }
        (began, units, self.ahead) = (now, 0, 0)
        return width != before
    }

    /// The place of the connection that an affinity names.
    func home(of affinity: Int) -> Int {
        // Multiplied by 2^64 over the golden ratio, so that neighbouring numbers spread.
        let mixed = UInt64(truncatingIfNeeded: affinity) &* 0x9e37_79b9_7f4a_7c15
        return Int(mixed >> 32) % width
    }

    /// The greatest power of two below a number; 1 for 1.
    private static func half(of most: Int) -> Int {
        most > 1 ? 1 << (Int.bitWidth - 1 - (most - 1).leadingZeroBitCount) : 1
    }
}
