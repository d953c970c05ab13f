/// Who owns a connection's calls and hears of its life. All calls come on the connection's loop.
package protocol HTTP2ConnectionDelegate: AnyObject {
    /// The handshake is complete, the peer's SETTINGS have come, and streams may be opened.
    func connectionIsReady(_ connection: HTTP2Connection)
    /// The peer changed its SETTINGS later on, such as ``HTTP2Connection/peerConcurrentStreams``.
    func connectionReceivedSettings(_ connection: HTTP2Connection)
    /// The peer answered a PING of ``HTTP2Connection/sendPing()``.
    func connectionReceivedPingAnswer(_ connection: HTTP2Connection)
    /// A peer opened a stream (servers only); the answer handles it.
    func connection(_ connection: HTTP2Connection, opened stream: HTTP2Stream) -> (any HTTP2StreamHandler)?
    /// The peer or this side has begun to drain: no new streams.
    func connectionIsDraining(_ connection: HTTP2Connection)
    /// ``HTTP2Connection/queuedOutput`` is another at the end of a flush than it was at the end of the one before.
    func connectionOutputMoved(_ connection: HTTP2Connection)
    /// The peer broke the rules or took too long: it is told so, and the connection is going to be closed.
    func connectionIsCutOff(_ connection: HTTP2Connection, _ reason: HTTP2CloseReason)
    /// It is over and its descriptor is closed. The last call.
    func connectionClosed(_ connection: HTTP2Connection, _ reason: HTTP2CloseReason)
}

extension HTTP2ConnectionDelegate {
    /// Does nothing, for those who do not care.
    package func connectionReceivedSettings(_ connection: HTTP2Connection) {}
    /// Does nothing, for those who do not count it.
    package func connectionOutputMoved(_ connection: HTTP2Connection) {}
    /// Does nothing, for those who remember nobody.
    package func connectionIsCutOff(_ connection: HTTP2Connection, _ reason: HTTP2CloseReason) {}
    /// Does nothing, for those who send no PING.
    package func connectionReceivedPingAnswer(_ connection: HTTP2Connection) {}
}
