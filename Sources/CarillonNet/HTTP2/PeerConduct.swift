/// What a session remembers of its peer's behaviour: budgets, times and identifiers, and at last why it has to end.
struct PeerConduct {
    /// Why a session ends by an error of its peer.
    struct Verdict {
        let code: HTTP2ErrorCode
        /// What the GOAWAY says.
        let debug: String
        let reason: HTTP2CloseReason
    }

    /// The time of the owner's tick, set before octets are received or gathered.
    var now: MonotonicTime
    var scanner: FrameScanner
    var budget: ConnectionBudget
    var strikes: PingStrikes
    var recent = RecentStreams()
    var late: LateFrames
    /// Since when a header block is incomplete.
    var headerBlockSince: MonotonicTime?
    /// Whether that, or the last one, is for a stream that is gone.
    var isBlockLate = false
    /// Since when no stream is open.
    var idleSince: MonotonicTime?
    /// Whether the peer acknowledged our SETTINGS.
    var hasAcknowledgedSettings = false
    /// Whether SETTINGS of the peer changed the windows of streams since the output was empty: resets may come of it.
    var hasChangedWindows = false
    /// Since when nothing is read, by our will.
    private var heldSince: MonotonicTime?
    /// How long that was altogether, until the last time that it ended.
    private var held = Duration.zero
    /// The last GOAWAY that was sent.
    var sentGoAway: HTTP2GoAway?
    private(set) var verdict: Verdict?

    init(_ limits: HTTP2Limits, ofClient: Bool, at now: MonotonicTime) {
        scanner = FrameScanner(ofClient: ofClient)
        self.now = now
        idleSince = now
        budget = ConnectionBudget(limits)
        late = LateFrames(limits, ofClient: ofClient)
        strikes = PingStrikes(
            interval: limits.pingInterval, permitsWithoutStreams: limits.permitsPingsWithoutStreams)
    }

    /// Nothing is read from now on, or it is again.
    mutating func holdInput(_ isHeld: Bool) {
        held = unread
        heldSince = isHeld ? now : nil
    }

    /// For how long nothing was read so far, by our will: the peer cannot have been late then.
    var unread: Duration { held + (heldSince?.duration(to: now) ?? .zero) }

    /// Ends the session for abuse, if there is any; the first verdict stands.
    mutating func judge(_ abuse: ConnectionAbuse?) {
        guard let abuse else { return }
        condemn(.enhanceYourCalm, abuse.rawValue, .abuse(abuse))
    }

    /// Ends the session for a break of the protocol.
    mutating func violation(_ code: HTTP2ErrorCode, _ words: String) {
        condemn(code, words, .protocolViolation("\(words) (\(code))"))
    }

    /// Ends the session because this side cannot go on.
    mutating func failure(_ words: String) {
        condemn(.internalError, "", .failed(words))
    }

    private mutating func condemn(_ code: HTTP2ErrorCode, _ debug: String, _ reason: HTTP2CloseReason) {
        guard verdict == nil else { return }
        verdict = Verdict(code: code, debug: debug, reason: reason)
    }
}
