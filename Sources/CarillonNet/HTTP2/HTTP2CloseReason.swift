/// Why a connection is over.
package enum HTTP2CloseReason: Sendable, CustomStringConvertible {
    /// Both sides are done with it, or the peer left.
    case finished
    /// The peer did not finish the handshake in time.
    case handshakeTimeout
    /// TLS failed.
    case tls(TLSError)
    /// The peer does not speak HTTP/2: no ALPN `h2`, or no preface.
    case notHTTP2
    /// The peer broke the protocol.
    case protocolViolation(String)
    /// It was cut off by its owner.
    case aborted

    /// One line for the log.
    package var description: String {
        switch self {
        case .finished: "finished"
        case .handshakeTimeout: "the handshake took too long"
        case .tls(let error): error.description
        case .notHTTP2: "the peer does not speak HTTP/2; this port takes HTTP/2 over TLS with ALPN h2"
        case .protocolViolation(let what): what
        case .aborted: "cut off"
        }
    }
}
