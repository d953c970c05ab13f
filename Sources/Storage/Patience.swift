internal import Postgres

/// How long is tried again what others were in the way of, and what is waited in between.
struct Patience: Sendable {
    /// What was in the way.
    enum Obstacle: Sendable {
        /// A lock of the service, or a deadlock with it.
        case lock
        /// The database went away, or its answer got lost: for work that may be repeated though it was done.
        case outage
    }

    /// Tries for a lock: half a minute in all, of which one that waits for a table holds the service up for 200 ms each.
    static let lockTries = 40
    /// Tries while the database is away: half a minute, which a failover takes.
    static let outageTries = 15

    private var locks = 0
    private var outages = 0

    /// What an error was caused by; nil if trying again is of no use.
    static func obstacle(_ error: PostgresError) -> Obstacle? {
        switch error.code {
        case .lockTimeout, .serialization: .lock
        case .connectionFailed, .unavailable, .resourcesExhausted: .outage
        default: nil
        }
    }

    /// How long to wait before the next try; nil when it is enough. Pauses grow with each try and are spread, so that
    /// workers that met once do not meet again.
    ///
    /// - Parameter randomness: a number in 0..<1.
    mutating func pause(after obstacle: Obstacle, _ randomness: Double) -> Duration? {
        let longest: Duration
        switch obstacle {
        case .lock:
            locks += 1
            guard locks < Self.lockTries else { return nil }
            longest = .milliseconds(50 << min(locks, 5))
        case .outage:
            outages += 1
            guard outages < Self.outageTries else { return nil }
            longest = .milliseconds(250 << min(outages, 4))
        }
        // The second half is random: never at once, and never all together.
        return longest * (0.5 + randomness / 2)
    }
}
