internal import CarillonCOpenSSL

/// Why TLS could not be set up or went on no longer. Carries OpenSSL's own words, never data of the connection.
package struct TLSError: Error, CustomStringConvertible {
    /// What kind of trouble it is.
    package enum Code: Sendable {
        /// A certificate, key or CA file cannot be read or does not fit.
        case configuration
        /// The handshake failed for a reason that has no case of its own.
        case handshake
        /// The peer did not speak TLS at all.
        case plaintextPeer
        /// The peer speaks only versions that are older than TLS 1.2.
        case oldVersion
        /// The peer offers no cipher that HTTP/2 allows.
        case noCommonCipher
        /// One side speaks no HTTP/2 within TLS: no `h2` in the offer or in the answer.
        case noApplicationProtocol
        /// The peer sent an alert about the certificate of this side, or asks for one that this side does not have.
        case rejectedByPeer
        /// The peer's certificate is missing, not trusted, for another name, or no identity.
        case peerCertificate
        /// The connection broke after the handshake.
        case connection
    }

    /// What kind of trouble it is.
    package let code: Code
    /// One line for the log.
    package let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }

    /// The client began a handshake and left before its end, without an alert.
    static let leftHandshake = TLSError(
        .rejectedByPeer, "the client left within the handshake; it may not trust this server's certificate")

    /// Takes the first entry of this thread's OpenSSL error queue and empties the queue.
    static func fromQueue(_ code: Code, doing what: String) -> TLSError {
        let error = ERR_get_error()
        ERR_clear_error()
        guard error != 0 else { return TLSError(code, what) }
        let reason = ERR_reason_error_string(error).map { String(cString: $0) } ?? "error \(error)"
        return TLSError(code, "\(what): \(reason)")
    }

    /// What a reason of OpenSSL means to who runs the server or the client; `nil` when OpenSSL says it well enough.
    static func explaining(_ reason: CInt, isServer: Bool) -> TLSError? {
        let (peer, own) = isServer ? ("client", "server") : ("server", "client")
        switch reason {
        case SSL_R_UNSUPPORTED_PROTOCOL, SSL_R_VERSION_TOO_LOW, SSL_R_INAPPROPRIATE_FALLBACK,
            alert(SSL_AD_PROTOCOL_VERSION):
            return TLSError(
                .oldVersion, "the \(peer) speaks only TLS older than 1.2; this side takes TLS 1.2 and 1.3")
        case SSL_R_NO_SHARED_CIPHER:
            return TLSError(
                .noCommonCipher, "the client offers no cipher that HTTP/2 allows (RFC 9113 appendix A)")
        case SSL_R_NO_APPLICATION_PROTOCOL:
            return TLSError(.noApplicationProtocol, "the client does not offer HTTP/2 (h2) by ALPN")
        case alert(SSL_AD_NO_APPLICATION_PROTOCOL):
            return TLSError(.noApplicationProtocol, "the server does not speak HTTP/2 (no h2 by ALPN)")
        case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
            return TLSError(.peerCertificate, "the client shows no certificate, and one is required")
        case SSL_R_EXCESSIVE_MESSAGE_SIZE:
            return TLSError(.peerCertificate, "the \(peer) sends longer certificates than are taken")
        case SSL_R_WRONG_VERSION_NUMBER where !isServer:
            return TLSError(.plaintextPeer, "the server does not speak TLS on this port")
        case SSL_R_HTTP_REQUEST, SSL_R_WRONG_VERSION_NUMBER: return PlaintextPeer.other.error
        default: return rejection(reason, peer: peer, own: own)
        }
    }

    /// What the peer's alert says of this side's certificate or name.
    private static func rejection(_ reason: CInt, peer: String, own: String) -> TLSError? {
        let words: String
        switch reason {
        case alert(SSL_AD_UNKNOWN_CA):
            words = "the \(peer) does not trust this \(own)'s certificate: it does not know the authority (unknown_ca)"
        case alert(SSL_AD_BAD_CERTIFICATE), alert(SSL_AD_CERTIFICATE_UNKNOWN), alert(SSL_AD_UNSUPPORTED_CERTIFICATE):
            words = "the \(peer) refuses this \(own)'s certificate"
        case alert(SSL_AD_CERTIFICATE_EXPIRED): words = "the \(peer) says that this \(own)'s certificate has expired"
        case alert(SSL_AD_CERTIFICATE_REVOKED): words = "the \(peer) says that this \(own)'s certificate is revoked"
        case alert(SSL_AD_CERTIFICATE_REQUIRED): words = "the server requires a client certificate"
        case alert(SSL_AD_UNRECOGNIZED_NAME): words = "the server does not know the name that it was called by"
        default: return nil
        }
        return TLSError(.rejectedByPeer, words)
    }

    /// OpenSSL's reason for an alert that the peer sent.
    private static func alert(_ number: CInt) -> CInt { SSL_AD_REASON_OFFSET + number }
}
