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
    private let isServer: Bool
    private let requiresClientCertificate: Bool
    private var isEstablished = false
    /// The keys of session tickets, for servers.
    let keyring: TicketKeyring?
    /// What a client offered by ALPN when `h2` was not among it.
    var offeredProtocols: String?
    /// Why a client's certificate is no identity, when that ended the handshake.
    var identityRefusal: PeerIdentity.Refusal?
    /// Handshake messages so far; each passes OpenSSL's state machine once or a few times.
    var handshakeMessages = 0
    private var received = 0
    private var messagesOfHandshake = 0

    /// Takes over a connected socket for TLS; the descriptor stays the caller's and must outlive the session.
    ///
    /// - Parameter serverName: for a client, the name that the certificate must carry; also sent as SNI. It may be another
    ///   than the host that was dialled.
    init(context: TLSContext, descriptor: CInt, serverName: String? = nil) throws(TLSError) {
        isServer = context.isServer
        keyring = if case .server(_, let keyring) = context.role { keyring } else { nil }
        ERR_clear_error()
        let material = context.current
        requiresClientCertificate = material.requiresClientCertificate
        // OpenSSL holds a counted reference of the material from here on, also when the context has a newer one.
        guard let ssl = SSL_new(material.pointer) else {
            throw TLSError.fromQueue(.configuration, doing: "making a TLS session")
        }
        self.ssl = ssl
        // From here on deinit frees it, also when this throws.
        guard SSL_set_fd(ssl, descriptor) == 1 else {
            throw TLSError.fromQueue(.configuration, doing: "making a TLS session")
        }
        // Safe unretained: the callbacks come only from calls of this session, and the SSL goes with it.
        SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque())
        if context.isServer {
            SSL_set_accept_state(ssl)
        } else {
            SSL_set_connect_state(ssl)
        }
        if let serverName { expect(serverName) }
    }

    private func expect(_ serverName: String) {
        // RFC 9525 §6: only the alternative names count, and a wildcard is a whole label.
        SSL_set_hostflags(ssl, UInt32(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
        // An address is matched against the certificate's IP entries; SNI carries names only (RFC 6066 §3).
        if X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), serverName) != 1 {
            _ = carillon_ssl_set_tlsext_host_name(ssl, serverName)
            SSL_set1_host(ssl, serverName)
        }
        ERR_clear_error()
    }

    deinit {
        SSL_free(ssl)
    }

    /// Goes on with the handshake.
    func handshake() -> TLSProgress {
        ERR_clear_error()
        let result = SSL_do_handshake(ssl)
        guard result == 1 else { return progress(after: result, doing: "handshake", code: .handshake) }
        isEstablished = true
        messagesOfHandshake = handshakeMessages
        return .moved(0)
    }

    /// Whether the peer chose `h2` by ALPN.
    var negotiatedH2: Bool {
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &name, &length)
        guard let name, length == 2 else { return false }
        return name[0] == ALPN.h2[1] && name[1] == ALPN.h2[2]
    }

    /// Whether the handshake resumed an earlier session by its ticket.
    var isResumed: Bool { SSL_session_reused(ssl) == 1 }

    /// Who a client is by the certificate it showed; `nil` when it showed none. After the handshake, for servers.
    ///
    /// - Throws: ``TLSError`` when a certificate that was good when the session began is so no longer, and when there is none
    ///   although one is required.
    func clientIdentity() throws(TLSError) -> PeerIdentity? {
        guard isServer else { return nil }
        guard let certificate = SSL_get0_peer_certificate(ssl) else {
            guard requiresClientCertificate else { return nil }
            throw TLSError(.peerCertificate, "the client shows no certificate, and one is required")
        }
        do throws(PeerIdentity.Refusal) {
            return try PeerIdentity(certificate: certificate)
        } catch {
            throw TLSError(.peerCertificate, "the client's certificate is refused: \(error)")
        }
    }

    /// Whether bytes were read from the socket that ``read(into:)`` has not returned yet: readiness will not tell of them.
    var hasPending: Bool { SSL_has_pending(ssl) == 1 }

    /// Reads at most a record.
    func read(into buffer: UnsafeMutableRawBufferPointer) -> TLSProgress {
        while true {
            let before = handshakeMessages
            ERR_clear_error()
            let result = SSL_read(ssl, buffer.baseAddress, CInt(buffer.count))
            if result > 0 {
                received &+= Int(result)
                return .moved(Int(result))
            }
            let progress = progress(after: result, doing: "read", code: .connection)
            // OpenSSL comes back after each handshake message, and there may be more behind it.
            guard case .wantsRead = progress, handshakeMessages != before else { return progress }
            let after = handshakeMessages - messagesOfHandshake
            guard after <= TLSLimits.messagesAfterHandshake + received >> 20 else {
                return .failed(TLSError(.connection, "the peer sends handshake messages (key updates) without end"))
            }
        }
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
        let queued = ERR_peek_error()
        let reason = queued == 0 ? 0 : carillon_err_get_reason(queued)
        let error = TLSError.fromQueue(code, doing: what)
        if let refusal = identityRefusal {
            return TLSError(.peerCertificate, "the client's certificate is refused: \(refusal)")
        }
        if reason == SSL_R_NO_APPLICATION_PROTOCOL, let offeredProtocols {
            return TLSError(
                .noApplicationProtocol,
                "the client offers only \(offeredProtocols) by ALPN; this port takes HTTP/2 (h2)")
        }
        if let explained = TLSError.explaining(reason, isServer: isServer) { return explained }
        guard code == .handshake, verification != X509_V_OK else { return error }
        let why = String(cString: X509_verify_cert_error_string(verification))
        let peer = isServer ? "client" : "server"
        return TLSError(.peerCertificate, "the \(peer)'s certificate is not trusted: \(why)")
    }
}
