/// What a peer may do on a connection without a call being served by it. Every kind of frame that costs this side something
/// and brings nothing takes from a bucket; every call that goes its way puts something back.
///
/// Pure: no I/O, no clock; one value in a session, counted by additions only. Says `nil` or why the connection has to end.
///
/// **Resets by the peer.** A gRPC client cancels legitimately, and often: deadlines, hedging, a view that was left. What
/// tells the attack apart (CVE-2023-44487) is that nothing of an answer was sent and the stream did not live, so that the
/// number of streams at once bounds nothing. It counts in two buckets: a small one for *hasty* resets, which came with the
/// same read of the socket as the stream, and a larger one for *brief* ones, which came within a second: two segments
/// instead of one must not make the attack free, and a good client's deadlines may be short. Each call that this side
/// answered to its end, and that the peer did not reset, puts one back into both, so that a client whose calls mostly succeed
/// may cancel as it likes. The reset's code means nothing. Resets of streams that lived or were being answered take from the
/// largest bucket alone (``HTTP2Limits/resetBurst``), and the number of streams at once bounds what they can cost.
///
/// **Frames that carry no call.** WINDOW_UPDATE, PING and empty DATA are part of good traffic, but in proportion to it: a
/// client may answer each frame of ours with a window update for the stream, one for the connection and a PING that measures
/// the bandwidth. So each frame of ours and each header block of a call earns four tokens; who only takes runs dry. DATA with
/// octets costs nothing while its stream is open, as small messages are as good as large ones and flow control bounds them,
/// and earns a token for each 256 octets, as else one octet could pay for four floods. What comes late, for a stream
/// that this side reset, is free as far as it can have been under way (``LateFrames``). Trailers cost what they earn, so
/// that those which libnghttp2 decodes and drops are not free; header blocks that are decoded for nothing cost by what they
/// are decoded to.
struct ConnectionBudget {
    /// What earns and takes, in tokens.
    private enum Price {
        /// For each header block that belongs to a call, and each frame of an answer; at most so much for DATA of the peer.
        static let frameOfCall = 4
        /// DATA of the peer earns a token for so many octets, as a power of two.
        static let octetsToken = 8
        /// For fields that are decoded and thrown away: a header list that is larger than we said we would take, or one for
        /// a stream that is gone.
        static let wastedHeaders = 10
        /// And a token for so many octets of them, as a power of two, counted as the size of a header list.
        static let octetsDiscarded = 10
        /// The same where only the frames are seen: an octet may stand for a field.
        static let octetsUnseen = 5
        /// For a reset because the peer sent more than its window: what it sent is read all the same, and no client does so by
        /// mistake.
        static let windowIgnored = 10
    }

    /// What is known of a stream that the peer resets.
    enum Reset {
        /// It began with the same read, and nothing of an answer was sent.
        case hasty
        /// It lived less than ``HTTP2Limits/briefStreamTime``, and nothing of an answer was sent.
        case brief
        /// It lived, or was being answered.
        case late
    }

    private var idleFrames: TokenBucket
    private var resets: TokenBucket
    private var briefResets: TokenBucket
    private var hastyResets: TokenBucket
    private var provokedResets: TokenBucket

    init(_ limits: HTTP2Limits) {
        idleFrames = TokenBucket(burst: limits.idleFrameBurst, perSecond: limits.idleFramesPerSecond)
        resets = TokenBucket(burst: limits.resetBurst, perSecond: limits.resetsPerSecond)
        briefResets = TokenBucket(burst: limits.briefResetBurst, perSecond: limits.briefResetsPerSecond)
        hastyResets = TokenBucket(burst: limits.hastyResetBurst, perSecond: limits.hastyResetsPerSecond)
        provokedResets = TokenBucket(burst: limits.provokedResetBurst, perSecond: limits.provokedResetsPerSecond)
    }

    /// A header block of a call was received, or a HEADERS or DATA frame was sent.
    mutating func frameOfCall() {
        idleFrames.earn(Price.frameOfCall)
    }

    /// A DATA frame that is not empty was received as a whole for an open stream.
    ///
    /// - Parameter octets: its octets without the padding.
    mutating func data(_ octets: Int, at now: MonotonicTime) -> ConnectionAbuse? {
        // Nothing but padding is as good as nothing.
        guard octets > 0 else { return idleFrame(at: now) }
        idleFrames.earn(min(Price.frameOfCall, octets >> Price.octetsToken))
        return nil
    }

    /// A header block begins for a stream that is open already.
    mutating func trailers(at now: MonotonicTime) -> ConnectionAbuse? {
        idleFrames.take(Price.frameOfCall, at: now) ? nil : .idleFrames
    }

    /// A frame came that carries no call.
    mutating func idleFrame(at now: MonotonicTime) -> ConnectionAbuse? {
        idleFrames.take(at: now) ? nil : .idleFrames
    }

    /// A header list came that is larger than ``HTTP2Limits/headerListSize``.
    mutating func wastedHeaders(at now: MonotonicTime) -> ConnectionAbuse? {
        idleFrames.take(Price.wastedHeaders, at: now) ? nil : .idleFrames
    }

    /// The block of such a list is complete.
    ///
    /// - Parameter octets: how much of the list was decoded and thrown away.
    mutating func discarded(_ octets: Int, at now: MonotonicTime) -> ConnectionAbuse? {
        idleFrames.take(octets >> Price.octetsDiscarded, at: now) ? nil : .idleFrames
    }

    /// DATA came for a stream that is gone, and more than can have been under way.
    mutating func lateData(_ payload: Int, at now: MonotonicTime) -> ConnectionAbuse? {
        idleFrames.take(1 + payload >> Price.octetsDiscarded, at: now) ? nil : .idleFrames
    }

    /// A header block begins for a stream that is gone.
    ///
    /// - Parameter payload: octets of its first frame.
    mutating func lateHeaders(_ payload: Int, at now: MonotonicTime) -> ConnectionAbuse? {
        idleFrames.take(Price.wastedHeaders + payload >> Price.octetsUnseen, at: now) ? nil : .idleFrames
    }

    /// It goes on in another frame.
    mutating func lateContinuation(_ payload: Int, at now: MonotonicTime) -> ConnectionAbuse? {
        idleFrames.take(payload >> Price.octetsUnseen, at: now) ? nil : .idleFrames
    }

    /// The peer reset a stream that was open.
    mutating func resetByPeer(_ kind: Reset, at now: MonotonicTime) -> ConnectionAbuse? {
        guard resets.take(at: now) else { return .hastyResets }
        switch kind {
        case .hasty: return hastyResets.take(at: now) ? nil : .hastyResets
        case .brief: return briefResets.take(at: now) ? nil : .hastyResets
        case .late: return nil
        }
    }

    /// A stream was refused because there are too many, before the peer could know how many it may open.
    mutating func refusedEarly(at now: MonotonicTime) -> ConnectionAbuse? {
        hastyResets.take(at: now) ? nil : .hastyResets
    }

    /// A stream ended without an error, and not by a reset of the peer.
    mutating func streamCompleted() {
        hastyResets.earn()
        briefResets.earn()
    }

    /// This side reset a stream because the peer broke the protocol on it.
    mutating func resetProvoked(at now: MonotonicTime) -> ConnectionAbuse? {
        provokedResets.take(at: now) ? nil : .provokedResets
    }

    /// This side reset a stream because the peer did not keep to a window.
    mutating func windowIgnored(at now: MonotonicTime) -> ConnectionAbuse? {
        provokedResets.take(Price.windowIgnored, at: now) ? nil : .provokedResets
    }
}
