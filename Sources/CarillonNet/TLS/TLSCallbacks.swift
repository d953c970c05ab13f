internal import CarillonCOpenSSL

/// The functions that OpenSSL calls during a handshake. Each finds its session by the pointer that the session left in
/// its `SSL`.
enum TLSCallbacks {
    private static func session(_ ssl: OpaquePointer?) -> TLSSession? {
        // Safe unretained: the session frees its SSL before it goes, and OpenSSL calls only while the session calls it.
        SSL_get_ex_data(ssl, 0).map { Unmanaged<TLSSession>.fromOpaque($0).takeUnretainedValue() }
    }

    static let chooseProtocol: SSL_CTX_alpn_select_cb_func = { ssl, chosen, length, offered, offeredLength, _ in
        // Without `h2` in the offer the handshake ends with the alert no_application_protocol (RFC 7301 §3.2).
        guard let chosen, let offered else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        guard let position = ALPN.positionOfH2(offered, Int(offeredLength)) else {
            session(ssl)?.offeredProtocols = ALPN.names(offered, Int(offeredLength))
            return SSL_TLSEXT_ERR_ALERT_FATAL
        }
        chosen.pointee = position
        length?.pointee = 2
        return SSL_TLSEXT_ERR_OK
    }

    /// Counts the handshake messages that come after the handshake.
    static let observe: @convention(c) (OpaquePointer?, CInt, CInt) -> Void = { ssl, place, _ in
        guard place & SSL_CB_LOOP != 0 else { return }
        session(ssl)?.handshakeMessages += 1
    }

    /// Looks at a client's own certificate once its chain was found good: what is no SPIFFE identity is refused with an
    /// alert while the handshake still goes on.
    static let verifyClient: SSL_verify_cb = { verified, store in
        guard verified == 1, X509_STORE_CTX_get_error_depth(store) == 0 else { return verified }
        guard let certificate = X509_STORE_CTX_get_current_cert(store) else { return 0 }
        do throws(PeerIdentity.Refusal) {
            _ = try PeerIdentity(certificate: certificate)
            return 1
        } catch {
            session(carillon_ssl_of_store(store))?.identityRefusal = error
            X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION)
            return 0
        }
    }

    static let ticketKey:
        @convention(c) (
            OpaquePointer?, UnsafeMutablePointer<UInt8>?, UnsafeMutablePointer<UInt8>?, OpaquePointer?, OpaquePointer?,
            CInt
        ) -> CInt = { ssl, name, vector, cipher, mac, isSealing in
            guard let name, let vector, let keyring = session(ssl)?.keyring else { return -1 }
            return isSealing == 1
                ? keyring.seal(name: name, vector: vector, cipher, mac)
                : keyring.open(name: name, vector: vector, cipher, mac)
        }
}
