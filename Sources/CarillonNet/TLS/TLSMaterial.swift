internal import CarillonCOpenSSL

/// One reading of a context's files (`SSL_CTX`).
///
/// Safe as `@unchecked Sendable` because it is not changed after init, and OpenSSL counts its references atomically.
final class TLSMaterial: @unchecked Sendable {
    let pointer: OpaquePointer
    /// What the files looked like right before they were read.
    let stamps: [FileStamp]
    /// Whether a client has to show a certificate.
    let requiresClientCertificate: Bool

    /// Reads the files. Blocks.
    static func load(_ role: TLSContext.Role) throws(TLSError) -> TLSMaterial {
        // Looked at first: a file that changes while it is read differs from its stamp afterwards, and is read again.
        let stamps = role.files.map { FileStamp($0) }
        return switch role {
        case .server(let settings, let keyring): try TLSMaterial(server: settings, keyring, stamps)
        case .client(let settings): try TLSMaterial(client: settings, stamps)
        }
    }

    private init(
        server settings: TLSServerSettings, _ keyring: TicketKeyring, _ stamps: [FileStamp]
    ) throws(TLSError) {
        self.stamps = stamps
        requiresClientCertificate = settings.clientAuthorities != nil && settings.clientCertificates == .required
        pointer = try Self.make(TLS_server_method())
        // From here on deinit frees the context, also when this throws.
        try loadOwn(chain: settings.certificateChain, key: settings.privateKey)
        SSL_CTX_set_options(
            pointer, carillon_ssl_op_cipher_server_preference() | carillon_ssl_op_prioritize_chacha())
        SSL_CTX_set_alpn_select_cb(pointer, TLSCallbacks.chooseProtocol, nil)
        SSL_CTX_set_info_callback(pointer, TLSCallbacks.observe)
        var trust = "no client certificates"
        if let authorities = settings.clientAuthorities {
            // What was not asked of a client must not be taken for given when its session is resumed.
            trust = requiresClientCertificate ? "required\n" : "optional\n"
            trust += try askClients(authorities, required: requiresClientCertificate)
        }
        try setUpTickets(settings.ticketKeys, keyring, trust: trust)
    }

    private init(client settings: TLSClientSettings, _ stamps: [FileStamp]) throws(TLSError) {
        self.stamps = stamps
        requiresClientCertificate = false
        pointer = try Self.make(TLS_client_method())
        // From here on deinit frees the context, also when this throws.
        if let text = settings.trustedText, settings.trustedCertificates == nil {
            try trust(text)
        } else {
            let loaded =
                settings.trustedCertificates.map { SSL_CTX_load_verify_locations(pointer, $0, nil) }
                ?? SSL_CTX_set_default_verify_paths(pointer)
            guard loaded == 1 else {
                let file = settings.trustedCertificates.map { " \($0)" } ?? ""
                throw TLSError.fromQueue(.configuration, doing: "reading the trusted certificates\(file)")
            }
        }
        SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
        SSL_CTX_set_alpn_protos(pointer, ALPN.h2, UInt32(ALPN.h2.count))
        SSL_CTX_set_info_callback(pointer, TLSCallbacks.observe)
        switch (settings.certificateChain, settings.privateKey) {
        case (nil, nil): break
        case (let chain?, let key?): try loadOwn(chain: chain, key: key)
        case (let chain?, nil): throw TLSError(.configuration, "the certificate \(chain) has no private key beside it")
        case (nil, let key?): throw TLSError(.configuration, "the private key \(key) has no certificate beside it")
        }
    }

    deinit {
        SSL_CTX_free(pointer)
    }

    private static func make(_ method: OpaquePointer?) throws(TLSError) -> OpaquePointer {
        ERR_clear_error()
        guard let context = SSL_CTX_new(method) else {
            throw TLSError.fromQueue(.configuration, doing: "making a TLS context")
        }
        _ = carillon_ssl_ctx_set_min_proto_version(context, TLS1_2_VERSION)
        // HTTP/2 frames its own ends, so a peer that leaves without close_notify has cut nothing off unseen.
        SSL_CTX_set_options(
            context,
            carillon_ssl_op_no_renegotiation() | carillon_ssl_op_no_compression()
                | carillon_ssl_op_ignore_unexpected_eof())
        // Idle connections give their record buffers back; a write may end early and go on from another address.
        _ = carillon_ssl_ctx_set_mode(
            context,
            Int(SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER))
        // A read comes back after each handshake message, where they are counted.
        carillon_ssl_ctx_clear_mode(context, Int(SSL_MODE_AUTO_RETRY))
        // One read takes the record's header and body together.
        carillon_ssl_ctx_set_read_ahead(context, 1)
        // RFC 9113 App. A forbids all ciphers of TLS 1.2 but these: ephemeral keys with authenticated encryption.
        SSL_CTX_set_cipher_list(
            context,
            "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
                + "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384")
        SSL_CTX_set_ciphersuites(
            context, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384")
        _ = carillon_ssl_ctx_set_groups_list(context, "X25519:P-256:P-384")
        SSL_CTX_set_verify_depth(context, TLSLimits.chainDepth)
        carillon_ssl_ctx_set_max_cert_list(context, TLSLimits.chainBytes)
        SSL_CTX_set_max_early_data(context, 0)
        return context
    }

    /// Trusts the certificates of a PEM text.
    private func trust(_ text: String) throws(TLSError) {
        var text = text
        // OpenSSL reads from the octets themselves for as long as its BIO lives: both end within the closure.
        let count = text.withUTF8 { octets -> Int in
            guard let memory = BIO_new_mem_buf(octets.baseAddress, CInt(octets.count)) else { return 0 }
            defer { BIO_free(memory) }
            var count = 0
            while let certificate = PEM_read_bio_X509(memory, nil, nil, nil) {
                X509_STORE_add_cert(SSL_CTX_get_cert_store(pointer), certificate)
                X509_free(certificate)
                count += 1
            }
            return count
        }
        // The end of the text is an error of its own ("no start line").
        guard count > 0 else { throw TLSError.fromQueue(.configuration, doing: "the trusted certificates' text") }
        ERR_clear_error()
    }

    private func loadOwn(chain: String, key: String) throws(TLSError) {
        guard SSL_CTX_use_certificate_chain_file(pointer, chain) == 1 else {
            throw TLSError.fromQueue(.configuration, doing: "reading the certificate \(chain)")
        }
        guard SSL_CTX_use_PrivateKey_file(pointer, key, SSL_FILETYPE_PEM) == 1 else {
            throw TLSError.fromQueue(.configuration, doing: "reading the private key \(key)")
        }
        guard SSL_CTX_check_private_key(pointer) == 1 else {
            throw TLSError.fromQueue(.configuration, doing: "the private key does not belong to the certificate")
        }
    }

    /// Asks clients for certificates of these authorities; returns the text of the authorities' file.
    private func askClients(_ authorities: String, required: Bool) throws(TLSError) -> String {
        guard let names = SSL_load_client_CA_file(authorities), carillon_x509_names_count(names) > 0,
            SSL_CTX_load_verify_locations(pointer, authorities, nil) == 1
        else {
            throw TLSError.fromQueue(.configuration, doing: "reading the authorities of clients \(authorities)")
        }
        // The context takes the list of names over; clients with several certificates choose by it.
        SSL_CTX_set_client_CA_list(pointer, names)
        let required = required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0
        SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER | required, TLSCallbacks.verifyClient)
        let content = try FileContent.read(authorities, limit: 1 << 20)
        return String(decoding: content, as: UTF8.self)
    }

    /// Turns session tickets on and the cache of sessions off: what a client may resume is with the client.
    private func setUpTickets(_ file: String?, _ keyring: TicketKeyring, trust: String) throws(TLSError) {
        _ = carillon_ssl_ctx_set_session_cache_mode(pointer, Int(SSL_SESS_CACHE_OFF))
        SSL_CTX_set_num_tickets(pointer, TLSLimits.ticketsPerHandshake)
        SSL_CTX_set_timeout(pointer, TLSLimits.sessionSeconds)
        if let file { keyring.adopt(try TicketKey.read(file)) }
        guard SSL_CTX_set_tlsext_ticket_key_evp_cb(pointer, TLSCallbacks.ticketKey) == 1 else {
            throw TLSError.fromQueue(.configuration, doing: "setting the keys of session tickets")
        }
        // A session that other authorities vouched for, or of which no certificate was demanded, is not resumed where one
        // is: its ticket carries the digest of both.
        var name = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
        let trust = Array(trust.utf8)
        SHA256(trust, trust.count, &name)
        SSL_CTX_set_session_id_context(pointer, name, UInt32(name.count))
    }

    /// What the own certificate says of itself: its subject and the day it ends.
    var summary: String {
        guard let certificate = SSL_CTX_get0_certificate(pointer) else { return "trusted certificates" }
        return "\(X509Text.subject(certificate)), good until \(X509Text.time(X509_get0_notAfter(certificate)))"
    }
}
