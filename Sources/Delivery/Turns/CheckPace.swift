/// How often one tenant's queue is looked at while nobody says that there is work.
///
/// A queue that had work is looked at again after ``floor``, then less and less often until the idle pause is reached.
struct CheckPace: Equatable {
    /// The shortest pause: the poll floor.
    static let floor: Duration = .milliseconds(250)
    /// The shortest pause of an idle tenant: how late a lost hint can make work while there are few tenants.
    static let idleFloor: Duration = .seconds(1)
    /// How many looks at idle queues a worker makes in a second, at most.
    static let looksPerSecond = 50

    private(set) var pause: Duration = Self.floor

    /// The pause of a tenant that has been idle for long, when the worker has so many tenants.
    static func idlePause(tenants: Int) -> Duration {
        max(idleFloor, .milliseconds(tenants * 1_000 / looksPerSecond))
    }

    /// Work was found, or somebody said that there is some.
    mutating func foundWork() {
        pause = Self.floor
    }

    /// No work was found.
    mutating func foundNothing(tenants: Int) {
        pause = min(pause * 2, Self.idlePause(tenants: tenants))
    }

    /// How long until the next look.
    ///
    /// - Parameters:
    ///   - due: how long until the next known work is due; nil when none is known.
    ///   - tenants: how many tenants the worker has.
    ///   - randomness: 0..<1; idle tenants are spread over a quarter of their pause.
    func nextLook(due: Duration?, tenants: Int, randomness: Double) -> Duration {
        let spread = pause > Self.floor ? pause * (0.75 + 0.25 * randomness) : pause
        guard let due else { return spread }
        return min(max(due, .zero), spread)
    }
}
