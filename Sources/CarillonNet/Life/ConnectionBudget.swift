/// What a peer may do on a connection without a call being served by it. Every kind of frame that costs this side something
/// and brings nothing takes from a bucket; every call that goes its way puts something back.
///
/// Pure: no I/O, no clock; one value in a session, counted by additions only. Says `nil` or why the connection has to end.
///
/// **Resets by the peer.** A gRPC client cancels legitimately, and often: deadlines, hedging, a view that was left. What
/// tells the attack apart (CVE-2023-44487) is that the stream is opened and reset *in the same breath*: both frames come
/// with one read of the socket and nothing of an answer was sent, so that the number of streams at once bounds nothing. Only
/// such hasty resets take from the small bucket, and each call that ends well puts one back, so that a client whose calls
/// mostly succeed may cancel as it likes. Resets of streams that lived take from libnghttp2's own, much larger bucket
/// (``HTTP2Limits/resetBurst``), and the number of streams at once bounds what they can cost.
///
/// **Frames that carry no call.** WINDOW_UPDATE, PING and empty DATA are part of good traffic, but in proportion to it: a
/// client may answer each frame of ours with a window update for the stream, one for the connection and a PING that measures
/// the bandwidth. So each frame of a call, either way, earns four tokens; who only takes runs dry.
struct ConnectionBudget {
    /// What earns and takes, in tokens.
    private enum Price {
        /// For each HEADERS or DATA frame that belongs to a call.
        static let frameOfCall = 4
        /// For a header list that is larger than we said we would take: its fields were decoded and thrown away.
        static let oversizedHeaderList = 10
    }

    private var idleFrames: TokenBucket
    private var hastyResets: TokenBucket
    private var provokedResets: TokenBucket

    init(_ limits: HTTP2Limits) {
        idleFrames = TokenBucket(burst: limits.idleFrameBurst, perSecond: limits.idleFramesPerSecond)
        hastyResets = TokenBucket(burst: limits.hastyResetBurst, perSecond: limits.hastyResetsPerSecond)
        provokedResets = TokenBucket(burst: limits.provokedResetBurst, perSecond: limits.provokedResetsPerSecond)
    }

    /// A HEADERS or DATA frame of a call was received or sent.
    mutating func frameOfCall() {
        idleFrames.earn(Price.frameOfCall)
    }

    /// A frame came that carries no call.
    mutating func idleFrame(at now: MonotonicTime) -> ConnectionAbuse? {
        idleFrames.take(at: now) ? nil : .idleFrames
    }

    /// A header list came that is larger than ``HTTP2Limits/headerListSize``.
    mutating func oversizedHeaderList(at now: MonotonicTime) -> ConnectionAbuse? {
        idleFrames.take(Price.oversizedHeaderList, at: now) ? nil : .idleFrames
    }

    /// The peer reset a stream.
    ///
    /// - Parameter isHasty: whether the stream began with the same read and nothing of an answer was sent.
    mutating func resetByPeer(isHasty: Bool, at now: MonotonicTime) -> ConnectionAbuse? {
        guard isHasty else { return nil }
        return hastyResets.take(at: now) ? nil : .hastyResets
    }

    /// A stream was refused because there are too many, before the peer could know how many it may open.
    mutating func refusedEarly(at now: MonotonicTime) -> ConnectionAbuse? {
        hastyResets.take(at: now) ? nil : .hastyResets
    }

    /// A stream ended without an error.
    mutating func streamCompleted() {
        hastyResets.earn()
    }

    /// This side reset a stream because the peer broke the protocol on it.
    mutating func resetProvoked(at now: MonotonicTime) -> ConnectionAbuse? {
        provokedResets.take(at: now) ? nil : .provokedResets
    }
}
