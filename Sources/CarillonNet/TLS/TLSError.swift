internal import CarillonCOpenSSL

/// Why TLS could not be set up or went on no longer. Carries OpenSSL's own words, never data of the connection.
package struct TLSError: Error, CustomStringConvertible {
    /// What kind of trouble it is.
    package enum Code: Sendable {
        /// A certificate, key or CA file cannot be read or does not fit.
        case configuration
        /// The handshake failed: no common version, cipher or protocol, or a certificate that is not trusted.
        case handshake
        /// The peer spoke plain HTTP to the TLS port.
        case plaintextPeer
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

    /// Takes the first entry of this thread's OpenSSL error queue and empties the queue.
    static func fromQueue(_ code: Code, doing what: String) -> TLSError {
        let error = ERR_get_error()
        ERR_clear_error()
        guard error != 0 else { return TLSError(code, what) }
        if code == .handshake, carillon_err_get_reason(error) == SSL_R_HTTP_REQUEST {
            return TLSError(.plaintextPeer, "the peer spoke plain HTTP to the TLS port")
        }
        let reason = ERR_reason_error_string(error).map { String(cString: $0) } ?? "error \(error)"
        return TLSError(code, "\(what): \(reason)")
    }
}
