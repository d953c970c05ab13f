internal import CarillonNet

/// How many of a pool's connections share its units: few while there is little to do. Pure.
///
/// A backend has what it needs for each unit in the processor's cache if it has just run one, and keeps what it has learnt of
/// every tenant it worked for. So one that is busy does more than several that take turns: with 2,000 tenants that publish one
/// after the other, at random, four backends take a sixth more processor time for each than one.
///
/// The width doubles when units find more than one unit ahead of them for each connection, which is looked at every few dozen
/// units. It is halved when those of a whole minute found less than a quarter of one. Where the number of connections is a power
/// of two, a doubling moves half of the affinities, and a halving moves none but those that come back.
struct PoolWidth {
    /// For how long at least units are counted, from the first one, and how many, until they say that there are too few connections.
    private static let leastTime = Duration.milliseconds(100)
    private static let leastUnits = 32
    /// How many statements one connection keeps at most, whatever its share: they are looked through when there is no more room.
    private static let mostStatements = 32_768
    /// How many those keep at least that have no share.
    private static let fewStatements = 32

    /// Units, and for each of them those that were ahead of it.
    private struct Tally {
        var units = 0
        var ahead = 0

        mutating func add(_ ahead: Int) {
            units += 1
            self.ahead += ahead
        }
    }

    private let most: Int
    /// How many connections share the units: the first ones of the pool.
    private(set) var width = 1
    private var began = MonotonicTime(nanoseconds: 0)
    /// Those since ``began``, and those since the last ``narrow()``.
    private var now = Tally()
    private var lately = Tally()

    /// Makes a width of one.
    ///
    /// - Parameter most: how many connections there are.
    init(most: Int) {
        self.most = most
    }

    /// Counts a unit that is about to go.
    ///
    /// - Parameter ahead: how many of the pool are on their way or wait.
    /// - Returns: whether more connections are to share.
    mutating func count(ahead: Int, at time: MonotonicTime) -> Bool {
        if now.units == 0 { began = time }
        now.add(ahead)
        lately.add(ahead)
        guard now.units >= Self.leastUnits, began.advanced(by: Self.leastTime) <= time else { return false }
        defer { now = Tally() }
        guard now.ahead > now.units * width, width < most else { return false }
        // Nobody looked back while there was one: the minute begins with those that made it more.
        if width == 1 { lately = now }
        width = min(most, width * 2)
        return true
    }

    /// Looks back at the time since the last such look. To be called each minute while several share.
    ///
    /// - Returns: whether fewer connections are to share.
    mutating func narrow() -> Bool {
        defer { lately = Tally() }
        guard width > 1, lately.ahead * 4 < max(1, lately.units) * width else { return false }
        // The widths are the powers of two below the number of connections, and that number.
        width = 1 << (Int.bitWidth - 1 - (width - 1).leadingZeroBitCount)
        return true
    }

    /// The place of the connection that an affinity names.
    func home(of affinity: Int) -> Int {
        // Multiplied by 2^64 over the golden ratio, so that neighbouring numbers spread.
        let mixed = UInt64(truncatingIfNeeded: affinity) &* 0x9e37_79b9_7f4a_7c15
        return Int(mixed >> 32) % width
    }

    /// How many statements a connection keeps.
    ///
    /// - Parameters:
    ///   - number: its place.
    ///   - each: how many each keeps while all share the units; fewer that share keep those of all, the others an eighth.
    func statements(of number: Int, each: Int) -> Int {
        number < width ? min(each * most / width, max(each, Self.mostStatements)) : max(each / 8, Self.fewStatements)
    }
}
