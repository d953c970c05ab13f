/// When to ask a silent peer whether it is alive, and when to take it for dead (gRPC's keepalive.md). Any octet that comes
/// is a sign of life. Pure: the time comes from the caller.
///
/// States: waiting for silence → asked (a PING is under way) → waiting again, or dead.
struct KeepaliveClock {
    /// What to do now.
    enum Step: Equatable {
        /// Nothing before this time.
        case wait(until: MonotonicTime)
        /// Send a PING, then look again.
        case ping
        /// The peer did not answer in time.
        case dead
    }

    private let time: Duration?
    private let timeout: Duration
    private var askedAt: MonotonicTime?

    /// Makes a clock.
    ///
    /// - Parameters:
    ///   - time: how long the peer may be silent; `nil` never asks.
    ///   - timeout: how long it may take to answer.
    init(time: Duration?, timeout: Duration) {
        self.time = time
        self.timeout = timeout
    }

    /// What to do at this time, when octets came last at that time.
    mutating func look(at now: MonotonicTime, lastReceived: MonotonicTime) -> Step {
        guard let time else { return .wait(until: .distantFuture) }
        if let asked = askedAt {
            if lastReceived < asked {
                let end = asked.advanced(by: timeout)
                return now >= end ? .dead : .wait(until: end)
            }
            askedAt = nil
        }
        let due = lastReceived.advanced(by: time)
        guard now >= due else { return .wait(until: due) }
        askedAt = now
        return .ping
    }
}
