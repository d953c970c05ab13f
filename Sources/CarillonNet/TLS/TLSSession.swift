internal import CarillonCOpenSSL

/// What came of an attempt to move bytes.
package enum TLSProgress {
    /// So many bytes were moved; for a handshake, it is complete.
    case moved(Int)
    /// Nothing more until the descriptor is readable.
    case wantsRead
    /// Nothing more until the descriptor is writable.
    case wantsWrite
    /// The peer closed the connection.
    case closed
    /// It broke; the session is of no further use.
    case failed(TLSError)
}

/// TLS over one non-blocking socket (`SSL`). Confined to its connection's loop.
///
/// OpenSSL reads and writes the socket itself, so nothing is copied twice; want-read and want-write come out as values.
final class TLSSession {
    private let ssl: OpaquePointer
    // OpenSSL holds a counted reference of its own; this one keeps the ALPN list and the rules visible in a debugger.
    private let context: TLSContext

    /// Takes over a connected socket for TLS; the descriptor stays the caller's and must outlive the session.
    ///
    /// - Parameter serverName: for a client, the name that the certificate must carry; also sent as SNI.
    init(context: TLSContext, descriptor: CInt, serverName: String? = nil) throws(TLSError) {
        self.context = context
        ERR_clear_error()
        guard let ssl = SSL_new(context.pointer), SSL_set_fd(ssl, descriptor) == 1 else {
            throw TLSError.fromQueue(.configuration, doing: "making a TLS session")
        }
        self.ssl = ssl
        if context.isServer {
            SSL_set_accept_state(ssl)
        } else {
            SSL_set_connect_state(ssl)
        }
        if let serverName {
            // An address is matched against the certificate's IP entries (RFC 6125); SNI carries names only (RFC 6066 §3).
            if X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), serverName) != 1 {
                _ = carillon_ssl_set_tlsext_host_name(ssl, serverName)
                SSL_set1_host(ssl, serverName)
            }
            ERR_clear_error()
        }
    }

    deinit {
        SSL_free(ssl)
    }

    /// Goes on with the handshake.
    func handshake() -> TLSProgress {
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        return result == 1 ? .moved(0) : progress(after: result, doing: "handshake", code: .handshake)
    }

    /// Whether the peer chose `h2` by ALPN.
    var negotiatedH2: Bool {
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &name, &length)
        guard let name, length == 2 else { return false }
        return name[0] == ALPN.h2[1] && name[1] == ALPN.h2[2]
    }

    /// Whether bytes were read from the socket that ``read(into:)`` has not returned yet: readiness will not tell of them.
    var hasPending: Bool { SSL_has_pending(ssl) == 1 }

    /// Reads at most a record.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> TLSProgress {
        ERR_clear_error()
        let result = SSL_read(ssl, buffer.baseAddress, CInt(buffer.count))
        return result > 0 ? .moved(Int(result)) : progress(after: result, doing: "read", code: .connection)
    }

    /// Writes the start of the bytes. After ``TLSProgress/wantsWrite`` the same bytes must come again, more may follow.
    func write(_ bytes: UnsafeRawBufferPointer) -> TLSProgress {
        ERR_clear_error()
        let result = SSL_write(ssl, bytes.baseAddress, CInt(bytes.count))
        return result > 0 ? .moved(Int(result)) : progress(after: result, doing: "write", code: .connection)
    }

    /// Says goodbye (close_notify) without waiting for the answer.
    func sendCloseNotify() {
        ERR_clear_error()
        SSL_shutdown(ssl)
        ERR_clear_error()
    }

    private func progress(after result: CInt, doing what: String, code: TLSError.Code) -> TLSProgress {
        switch SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: return .wantsRead
        case SSL_ERROR_WANT_WRITE: return .wantsWrite
        case SSL_ERROR_ZERO_RETURN: return .closed
        case SSL_ERROR_SYSCALL where ERR_peek_error() == 0:
            // The socket ended without close_notify; HTTP/2 frames its own ends, so this is a plain close.
            return .closed
        default: return .failed(failure(doing: what, code: code))
        }
    }

    private func failure(doing what: String, code: TLSError.Code) -> TLSError {
        let verification = SSL_get_verify_result(ssl)
        let error = TLSError.fromQueue(code, doing: what)
        guard code == .handshake, !context.isServer, verification != X509_V_OK else { return error }
        let reason = String(cString: X509_verify_cert_error_string(verification))
        return TLSError(.handshake, "the server's certificate is not trusted: \(reason)")
    }
}
