internal import CarillonAPI
internal import CarillonGRPC
internal import SwiftProtobuf

/// Why a call did not go well.
public struct CarillonError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure that callers tell apart.
    public enum Code: String, Sendable {
        /// The client was made with something that cannot be used.
        case invalidConfiguration
        /// The request is wrong; it will be wrong again.
        case invalidArgument
        /// The credential is not known.
        case unauthenticated
        /// The credential may not do this.
        case permissionDenied
        /// What the request names does not exist.
        case notFound
        /// The same idempotency key came with another event.
        case alreadyExists
        /// The tenant or what the request names is not in the state that this needs.
        case failedPrecondition
        /// A limit was reached; later it may work (``CarillonError/retryDelay``).
        case resourceExhausted
        /// The answer did not come in time. Whether the call had an effect is not known.
        case deadlineExceeded
        /// The server cannot be reached or not now answer. Whether the call had an effect is not known.
        case unavailable
        /// The call was cancelled.
        case cancelled
        /// Anything else; the message says what.
        case other
    }

    /// What kind of failure it is.
    public let code: Code
    /// What the server or the client says about it, for a log.
    public let message: String
    /// The server's stable code for it, such as `TYPE_UNKNOWN`; empty when it gives none. Programs may build on it.
    public private(set) var reason = ""
    /// What belongs to the reason, such as the limit that was reached.
    public private(set) var metadata: [String: String] = [:]
    /// The fields of the request that are wrong.
    public private(set) var violations: [FieldViolation] = []
    /// After what time a repeat makes sense, if the server says so.
    public private(set) var retryDelay: Duration?

    init(code: Code, message: String) {
        self.code = code
        self.message = message
    }

    /// The code, the reason and the message.
    public var description: String {
        reason.isEmpty ? "\(code.rawValue): \(message)" : "\(code.rawValue) (\(reason)): \(message)"
    }
}

extension CarillonError {
    init(_ status: Status) {
        self.init(code: Code(status.code), message: "\(status.code.name): \(status.message)")
        // Details that cannot be read are left out: the code and the message are what counts.
        guard !status.details.isEmpty, let decoded = try? Google_Rpc_Status(serializedBytes: status.details) else {
            return
        }
        for detail in decoded.details {
            if let info = try? Google_Rpc_ErrorInfo(unpackingAny: detail) {
                reason = info.reason
                metadata = info.metadata
            } else if let request = try? Google_Rpc_BadRequest(unpackingAny: detail) {
                violations += request.fieldViolations.map {
                    FieldViolation(field: $0.field, description: $0.description_p)
                }
            } else if let retry = try? Google_Rpc_RetryInfo(unpackingAny: detail), retry.hasRetryDelay {
                retryDelay = .seconds(retry.retryDelay.seconds) + .nanoseconds(Int64(retry.retryDelay.nanos))
            }
        }
    }
}

extension CarillonError.Code {
    fileprivate init(_ code: StatusCode) {
        self =
            switch code {
            case .invalidArgument, .outOfRange: .invalidArgument
            case .unauthenticated: .unauthenticated
            case .permissionDenied: .permissionDenied
            case .notFound: .notFound
            case .alreadyExists: .alreadyExists
            case .failedPrecondition: .failedPrecondition
            case .resourceExhausted: .resourceExhausted
            case .deadlineExceeded: .deadlineExceeded
            case .unavailable: .unavailable
            case .cancelled: .cancelled
            case .ok, .unknown, .aborted, .unimplemented, .internalError, .dataLoss: .other
            }
    }
}
