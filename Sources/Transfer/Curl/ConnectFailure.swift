internal import CLibCurl

/// What a libcurl result says about a connection that did not come to be. Pure.
enum ConnectFailure {
    /// The kind of failure; `reply` is the last SMTP reply that was seen, if any.
    static func code(
        _ result: CURLcode, wasAddressRefused: Bool, reply: SMTPReply? = nil
    ) -> TransferError.Code {
        switch result {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: .resolve
        case CURLE_COULDNT_CONNECT: wasAddressRefused ? .addressForbidden : .connect
        case CURLE_OPERATION_TIMEDOUT: .timeout
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_SSL_CACERT_BADFILE, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_CRL_BADFILE, CURLE_SSL_INVALIDCERTSTATUS,
            CURLE_SSL_PINNEDPUBKEYNOTMATCH:
            .tls
        case CURLE_USE_SSL_FAILED: .encryptionRefused
        case CURLE_LOGIN_DENIED: .authenticationRefused
        case CURLE_WEIRD_SERVER_REPLY, CURLE_REMOTE_ACCESS_DENIED:
            (reply?.code ?? 0) >= 400 ? .refused : .protocolViolation
        case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE, CURLE_SEND_FAIL_REWIND:
            .connectionLost
        case CURLE_HTTP2, CURLE_HTTP2_STREAM, CURLE_HTTP3, CURLE_UNSUPPORTED_PROTOCOL: .protocolViolation
        case CURLE_URL_MALFORMAT, CURLE_BAD_FUNCTION_ARGUMENT: .invalidRequest
        default: .library
        }
    }
}
