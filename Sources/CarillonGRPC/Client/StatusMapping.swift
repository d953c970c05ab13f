internal import CarillonNet

/// What an end that carries no gRPC status means.
enum StatusMapping {
    /// The code for an answer that is not gRPC
    /// (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md).
    static func code(ofHTTP status: Int?) -> StatusCode {
        switch status {
        case 400, 431: .internalError
        case 401: .unauthenticated
        case 403: .permissionDenied
        case 404: .unimplemented
        case 429, 502, 503, 504: .unavailable
        default: .unknown
        }
    }

    /// The status for a stream that the server reset (gRPC over HTTP/2, "Errors").
    static func status(ofReset code: HTTP2ErrorCode) -> Status {
        switch code {
        case .refusedStream: Status(.unavailable, "the server refused the call; it was not processed")
        case .cancel: Status(.cancelled, "the server cancelled the call")
        case .enhanceYourCalm: Status(.resourceExhausted, "the server asks for fewer calls")
        case .inadequateSecurity: Status(.permissionDenied, "the server asks for stronger TLS")
        default: Status(.internalError, "the server reset the stream: \(code)")
        }
    }
}
