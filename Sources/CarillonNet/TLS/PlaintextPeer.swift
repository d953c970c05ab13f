/// Who speaks something else than TLS to the TLS port, told by the first octets, and what is said to them in their own
/// language: a person who mistook the port reads why instead of a closed connection.
package enum PlaintextPeer: Equatable, Sendable {
    /// A request of HTTP/1.
    case http1
    /// HTTP/2 without TLS: a gRPC client with plaintext credentials.
    case http2
    /// Neither.
    case other

    /// How many octets tell one from another.
    static let octetsNeeded = 4

    /// Looks at the first octets of a connection; `nil` when they begin a TLS handshake (RFC 8446 §5.1: content type 22).
    init?(firstOctets octets: UnsafeRawBufferPointer) {
        guard let first = octets.first, first != 22 else { return nil }
        if octets.starts(with: "PRI ".utf8) {
            self = .http2
        } else if octets.allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) || $0 == 0x20 }) {
            self = .http1
        } else {
            self = .other
        }
    }

    /// Looks at what has come on a connection, and leaves it there.
    ///
    /// - Returns: whether anything has come, and who it is if it is not TLS.
    static func look(_ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer) -> (hasCome: Bool, PlaintextPeer?) {
        let octets = UnsafeMutableRawBufferPointer(rebasing: buffer[..<octetsNeeded])
        let count = Socket.peek(descriptor, octets)
        return (count > 0, PlaintextPeer(firstOctets: .init(rebasing: octets[..<count])))
    }

    /// What a client is told, within TLS, that asks for no protocol by ALPN: it speaks HTTP/1.1.
    static let answerWithoutALPN = http1Answer(
        status: "505 HTTP Version Not Supported", "This port speaks HTTP/2 only (ALPN h2).")

    /// What the log says.
    package var error: TLSError {
        switch self {
        case .http1: TLSError(.plaintextPeer, "the peer spoke plain HTTP to the TLS port")
        case .http2: TLSError(.plaintextPeer, "the peer spoke plain HTTP/2 (gRPC without TLS) to the TLS port")
        case .other: TLSError(.plaintextPeer, "the peer did not speak TLS")
        }
    }

    /// What the peer is told.
    var answer: [UInt8] {
        switch self {
        case .http1: Self.http1Answer(status: "400 Bad Request", "This port speaks TLS: use https.")
        case .http2: Self.goAway("this port speaks TLS: use a secure channel")
        case .other: []
        }
    }

    /// A whole answer of HTTP/1.1.
    static func http1Answer(status: String, _ text: String) -> [UInt8] {
        let body = text + "\n"
        return Array(
            """
            HTTP/1.1 \(status)\r
            content-type: text/plain\r
            content-length: \(body.utf8.count)\r
            connection: close\r
            \r
            \(body)
            """.utf8)
    }

    /// An empty SETTINGS frame, then GOAWAY with the code INADEQUATE_SECURITY and words (RFC 9113 §6.5, §6.8).
    private static func goAway(_ words: String) -> [UInt8] {
        let words = Array(words.utf8)
        let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
        let head: [UInt8] = [0, 0, UInt8(8 + words.count), 7, 0, 0, 0, 0, 0]
        let code = UInt8(truncatingIfNeeded: HTTP2ErrorCode.inadequateSecurity.rawValue)
        return settings + head + [0, 0, 0, 0, 0, 0, 0, code] + words
    }
}
