/// All the times of an open connection in one look: what is due now, and when to look again. Pure: the facts come from the
/// connection, which carries the steps out.
struct ConnectionLife {
    /// What there is to know about a connection at a look.
    struct Facts {
        /// The time of the look.
        var now: MonotonicTime
        /// When octets came last.
        var lastReceived: MonotonicTime
        /// Since when no stream is open; `nil` while one is.
        var idleSince: MonotonicTime?
        /// Since when a header block is incomplete.
        var headerBlockSince: MonotonicTime?
        /// Since when the peer owes the acknowledgement of our SETTINGS.
        var settingsSince: MonotonicTime?
        /// Since when octets of ours wait for the socket.
        var blockedSince: MonotonicTime?
        /// Whether streams are open, whose pace has to be looked at.
        var hasStreams = false
    }

    /// What to do now. The caller looks again after each step but ``wait(until:)``, ``end(_:_:)`` and ``endOfAge``.
    enum Step: Equatable {
        /// Nothing before this time.
        case wait(until: MonotonicTime)
        /// Send a PING.
        case ping
        /// Take no more streams, and say why.
        case drain(DrainReason)
        /// End the connection, with this code in the GOAWAY and these words in the log.
        case end(HTTP2ErrorCode, String)
        /// End the connection, whose grace is over (``HTTP2Limits/ageGrace``): nobody did anything wrong.
        case endOfAge
    }

    /// How often open streams are looked at.
    static let pause = Duration.seconds(2)

    private var keepalive: KeepaliveClock
    private var age: ConnectionAge

    /// Makes the life of a connection that begins now; see ``ConnectionAge`` for the chance.
    init(_ limits: HTTP2Limits, bornAt now: MonotonicTime, chance: Double) {
        keepalive = KeepaliveClock(time: limits.keepaliveTime, timeout: limits.keepaliveTimeout)
        age = ConnectionAge(limits, bornAt: now, chance: chance)
    }

    /// What to do now.
    mutating func look(_ facts: Facts, _ limits: HTTP2Limits) -> Step {
        let now = facts.now
        var next = facts.hasStreams ? now.advanced(by: Self.pause) : .distantFuture
        for (since, limit, code, words) in [
            (
                facts.headerBlockSince, limits.headerBlockTime, HTTP2ErrorCode.enhanceYourCalm,
                "a header block did not end in time"
            ),
            (
                facts.settingsSince, limits.settingsTime, .settingsTimeout,
                "the peer did not acknowledge SETTINGS in time"
            ),
            (
                limits.outputStall.flatMap { _ in facts.blockedSince }, limits.outputStall ?? .zero, .enhanceYourCalm,
                "the peer does not read"
            ),
        ] {
            guard let since else { continue }
            let end = since.advanced(by: limit)
            if now >= end { return .end(code, words) }
            next = min(next, end)
        }
        switch keepalive.look(at: now, lastReceived: facts.lastReceived) {
        case .wait(let until): next = min(next, until)
        case .ping: return .ping
        case .dead: return .end(.noError, "the peer does not answer: no octet since the keepalive PING")
        }
        switch age.look(at: now, idleSince: facts.idleSince) {
        case .wait(let until): next = min(next, until)
        case .drain(let reason): return .drain(reason)
        case .end: return .endOfAge
        }
        return .wait(until: next)
    }
}
