/// Whether a client pings more often than a server wants (gRFC A8, gRPC's keepalive.md): each PING that comes too early is a
/// strike, and the third ends the connection.
///
/// A PING that follows HEADERS or DATA of ours is always in order, and takes the strikes away: clients measure the bandwidth
/// by it. Pure: the time comes from the caller.
struct PingStrikes {
    /// Strikes that are forgiven.
    static let limit = 2
    /// How far apart PINGs must be while no stream is open and ``HTTP2Limits/permitsPingsWithoutStreams`` is false.
    static let intervalWithoutStreams = Duration.seconds(2 * 60 * 60)

    private let interval: Duration
    private let permitsWithoutStreams: Bool
    private var strikes = 0
    private var last: MonotonicTime?
    private var isForgiven = false

    /// Makes the count of a new connection.
    ///
    /// - Parameters:
    ///   - interval: how far apart PINGs must be.
    ///   - permitsWithoutStreams: whether that is so without open streams too.
    init(interval: Duration, permitsWithoutStreams: Bool) {
        self.interval = interval
        self.permitsWithoutStreams = permitsWithoutStreams
    }

    /// HEADERS or DATA were sent.
    mutating func sentPartOfCall() {
        isForgiven = true
    }

    /// A PING came.
    mutating func received(at now: MonotonicTime, hasStreams: Bool) -> ConnectionAbuse? {
        defer { last = now }
        if isForgiven {
            isForgiven = false
            strikes = 0
            return nil
        }
        let wanted = hasStreams || permitsWithoutStreams ? interval : max(interval, Self.intervalWithoutStreams)
        guard let last, last.duration(to: now) < wanted else { return nil }
        strikes += 1
        return strikes > Self.limit ? .pings : nil
    }
}
