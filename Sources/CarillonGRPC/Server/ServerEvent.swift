package import CarillonNet

/// Something that the operator of a server may want to see in the log: one line each.
package enum ServerEvent: Sendable {
    /// A connection ended otherwise than by one side being done with it.
    case connectionFailed(peer: String, HTTP2CloseReason)
    /// The limit of connections is reached.
    case tooManyConnections(limit: Int)
    /// So many handshakes are under way, for the peer's address or over all, that one more was not begun.
    case tooManyHandshakes(peer: String)
    /// The peer's address begins so many handshakes that one more was not begun.
    case tooFrequentHandshakes(peer: String)
    /// So many handshakes wait for their turn that no connection is accepted for a moment.
    case acceptingRests(waiting: Int)
}
