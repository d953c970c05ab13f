/// Why a connection is over.
package enum HTTP2CloseReason: Sendable, CustomStringConvertible {
    /// Both sides are done with it, or the peer left.
    case finished
    /// The peer did not finish the handshake or begin with HTTP/2 in time.
    case handshakeTimeout
    /// Too many handshakes were under way, and the peer's was the one that kept us waiting.
    case gaveWay
    /// TLS failed, or the peer did not speak it.
    case tls(TLSError)
    /// The peer speaks TLS, and said nothing of HTTP/2 in the handshake.
    case noALPN
    /// The peer does not speak HTTP/2 within TLS: no preface.
    case notHTTP2
    /// The peer broke the protocol.
    case protocolViolation(String)
    /// The peer behaved in a way that causes excessive load; it was told so.
    case abuse(ConnectionAbuse)
    /// The peer took too long over something.
    case timedOut(String)
    /// This side could not go on with it, for want of memory.
    case failed(String)
    /// It got old, and the grace for the calls that were open then is over (``HTTP2Limits/ageGrace``).
    case aged
    /// It was cut off by its owner.
    case aborted

    /// One line for the log.
    package var description: String {
        switch self {
        case .finished: "finished"
        case .handshakeTimeout: "the handshake took too long"
        case .gaveWay: "the handshake had to go for a newer one: too many are under way"
        case .tls(let error): error.description
        case .noALPN: "the peer offers no protocol by ALPN; this port takes HTTP/2 over TLS with ALPN h2"
        case .notHTTP2: "the peer does not speak HTTP/2; this port takes HTTP/2 over TLS with ALPN h2"
        case .protocolViolation(let what): what
        case .abuse(let abuse): "the peer was cut off: \(abuse.rawValue)"
        case .timedOut(let what): what
        case .failed(let what): what
        case .aged: "the grace of an aged connection is over"
        case .aborted: "cut off"
        }
    }
}
