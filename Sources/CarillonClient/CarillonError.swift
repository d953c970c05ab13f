internal import CarillonGRPC

/// Why a call did not go well.
public struct CarillonError: Error, Sendable, CustomStringConvertible {
    /// The kinds of failure that callers tell apart.
    public enum Code: String, Sendable {
        /// The client was made with something that cannot be used.
        case invalidConfiguration
        /// The request is wrong; it will be wrong again.
        case invalidArgument
        /// The API key is not known.
        case unauthenticated
        /// The API key may not do this.
        case permissionDenied
        /// What the request names does not exist.
        case notFound
        /// The same idempotency key came with another event.
        case alreadyExists
        /// A limit was reached; later it may work.
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

    /// The code and the message.
    public var description: String { "\(code.rawValue): \(message)" }
}

extension CarillonError {
    init(_ status: Status) {
        let code: Code =
            switch status.code {
            case .invalidArgument: .invalidArgument
            case .unauthenticated: .unauthenticated
            case .permissionDenied: .permissionDenied
            case .notFound: .notFound
            case .alreadyExists: .alreadyExists
            case .resourceExhausted: .resourceExhausted
            case .deadlineExceeded: .deadlineExceeded
            case .unavailable: .unavailable
            case .cancelled: .cancelled
            default: .other
            }
        self.init(code: code, message: "\(status.code.name): \(status.message)")
    }
}
