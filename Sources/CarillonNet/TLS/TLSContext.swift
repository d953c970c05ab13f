internal import CarillonCOpenSSL

/// Keys, certificates and rules that many connections share (`SSL_CTX`).
///
/// The rules are those of RFC 9113 §9.2 and of the security notes: TLS 1.2 or newer, forward-secret AEAD ciphers only,
/// no renegotiation, no compression, no early data, ALPN `h2` and nothing else.
///
/// Safe as `@unchecked Sendable` because it is not changed after init, and OpenSSL counts its references atomically.
package final class TLSContext: @unchecked Sendable {
    let pointer: OpaquePointer
    /// Whether connections made from it are servers.
    package let isServer: Bool

    /// Makes a server's context from PEM files: the certificate with its chain, and its private key.
    package init(serverCertificateChain chain: String, privateKey: String) throws(TLSError) {
        isServer = true
        pointer = try Self.make(TLS_server_method())
        // From here on deinit frees the context, also when this throws.
        try Self.load(chain: chain, key: privateKey, into: pointer)
        SSL_CTX_set_options(
            pointer, carillon_ssl_op_cipher_server_preference() | carillon_ssl_op_prioritize_chacha())
        SSL_CTX_set_alpn_select_cb(
            pointer,
            { _, chosen, length, offered, offeredLength, _ in
                // Without `h2` in the offer the handshake ends with the alert no_application_protocol (RFC 7301 §3.2).
                guard let chosen, let offered, let position = ALPN.positionOfH2(offered, Int(offeredLength)) else {
                    return SSL_TLSEXT_ERR_ALERT_FATAL
                }
                chosen.pointee = position
                length?.pointee = 2
                return SSL_TLSEXT_ERR_OK
            }, nil)
        _ = carillon_ssl_ctx_set_session_cache_mode(pointer, Int(SSL_SESS_CACHE_OFF))
        SSL_CTX_set_max_early_data(pointer, 0)
    }

    /// Makes a client's context that trusts the given CA file, or the system's CAs when it is `nil`.
    package init(trustedCertificates: String?) throws(TLSError) {
        isServer = false
        pointer = try Self.make(TLS_client_method())
        let loaded =
            trustedCertificates.map { SSL_CTX_load_verify_locations(pointer, $0, nil) }
            ?? SSL_CTX_set_default_verify_paths(pointer)
        guard loaded == 1 else {
            throw TLSError.fromQueue(.configuration, doing: "reading the trusted certificates")
        }
        SSL_CTX_set_verify(pointer, SSL_VERIFY_PEER, nil)
        SSL_CTX_set_alpn_protos(pointer, ALPN.h2, UInt32(ALPN.h2.count))
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
        SSL_CTX_set_options(
            context, carillon_ssl_op_no_renegotiation() | carillon_ssl_op_no_compression())
        // Idle connections give their record buffers back; a write may end early and go on from another address.
        _ = carillon_ssl_ctx_set_mode(
            context,
            Int(SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER))
        // One read takes the record's header and body together.
        carillon_ssl_ctx_set_read_ahead(context, 1)
        SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20")
        SSL_CTX_set_ciphersuites(
            context, "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384")
        _ = carillon_ssl_ctx_set_groups_list(context, "X25519:P-256:P-384")
        return context
    }

    private static func load(chain: String, key: String, into context: OpaquePointer) throws(TLSError) {
        guard SSL_CTX_use_certificate_chain_file(context, chain) == 1 else {
            throw TLSError.fromQueue(.configuration, doing: "reading the certificate \(chain)")
        }
        guard SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 else {
            throw TLSError.fromQueue(.configuration, doing: "reading the private key \(key)")
        }
        guard SSL_CTX_check_private_key(context) == 1 else {
            throw TLSError.fromQueue(.configuration, doing: "the private key does not belong to the certificate")
        }
    }
}

/// Application-Layer Protocol Negotiation (RFC 7301): a list of length-prefixed names.
enum ALPN {
    /// The offer of a client: `h2` alone.
    static let h2: [UInt8] = [2, UInt8(ascii: "h"), UInt8(ascii: "2")]

    /// Where the name `h2` stands in an offered list; `nil` when it is absent or the list is malformed.
    static func positionOfH2(_ list: UnsafePointer<UInt8>, _ count: Int) -> UnsafePointer<UInt8>? {
        var offset = 0
        while offset < count {
            let length = Int(list[offset])
            guard length > 0, offset + 1 + length <= count else { return nil }
            if length == 2, list[offset + 1] == h2[1], list[offset + 2] == h2[2] { return list + offset + 1 }
            offset += 1 + length
        }
        return nil
    }
}
