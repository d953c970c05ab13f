/// When to ask a silent peer whether it is alive, and when to take it for dead (gRPC's keepalive.md). Any octet that comes
/// is a sign of life, not only the answer. Pure: the time comes from the caller.
///
/// States: waiting for silence → asked (a PING is under way) → waiting again, or dead.
package struct KeepaliveClock: Sendable {
    /// What to do now.
    package enum Step: Hashable, Sendable {
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
    package init(time: Duration?, timeout: Duration) {
        self.time = time
        self.timeout = timeout
    }

    /// What to do at this time, when octets came last at that time. After ``Step/ping`` the caller looks again at once.
    ///
    /// - Parameter asks: whether the peer may be asked now; it can still be found dead. If not, and nothing is under way, there
    ///   is nothing to wait for until that changes.
    package mutating func look(at now: MonotonicTime, lastReceived: MonotonicTime, asks: Bool = true) -> Step {
        guard let time else { return .wait(until: .distantFuture) }
        if let asked = askedAt {
            if lastReceived <= asked {
                let end = asked.advanced(by: timeout)
                return now >= end ? .dead : .wait(until: end)
            }
            askedAt = nil
        }
        guard asks else { return .wait(until: .distantFuture) }
        let due = lastReceived.advanced(by: time)
        guard now >= due else { return .wait(until: due) }
        askedAt = now
        return .ping
    }
}
