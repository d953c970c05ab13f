/// What is wrong with the header fields of a call. The words come later, so that a head is copied without counting references.
enum RequestProblem {
    case unknownEncoding
    case brokenBase64
    case brokenGRPCTimeout
    case brokenConnectTimeout
    case unknownConnectVersion

    /// What the caller is told.
    var status: Status {
        switch self {
        case .unknownEncoding:
            Status(.unimplemented, "the encoding of the messages is not supported; identity and gzip are")
        case .brokenBase64:
            Status(.internalError, "the value of a header field with the suffix -bin is not base64")
        case .brokenGRPCTimeout: Status(.internalError, "the header grpc-timeout is malformed")
        case .brokenConnectTimeout: Status(.invalidArgument, "the header connect-timeout-ms is malformed")
        case .unknownConnectVersion: Status(.invalidArgument, "the header connect-protocol-version must be 1")
        }
    }
}
