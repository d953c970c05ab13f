/// How a call ended, with words for a developer and machine-readable details.
///
/// The message goes to the caller: it names fields and limits, never secrets, personal data or other tenants' things.
package struct Status: Error, Hashable, Sendable, CustomStringConvertible {
    /// The code.
    package var code: StatusCode
    /// One or two sentences for the caller: what is wrong and what to do.
    package var message: String
    /// A serialized `google.rpc.Status` for `grpc-status-details-bin`; empty for none.
    package var details: [UInt8]
    /// For servers: when the caller may try again, which it is told with the status (`grpc-retry-pushback-ms`); nil says nothing.
    package var pushback: Duration?

    /// Makes a status.
    package init(_ code: StatusCode, _ message: String, details: [UInt8] = [], pushback: Duration? = nil) {
        self.code = code
        self.message = message
        self.details = details
        self.pushback = pushback
    }

    /// The status of a call that went well.
    package static let ok = Status(.ok, "")

    /// Code and message, for logs and terminals.
    package var description: String { message.isEmpty ? code.name : "\(code.name): \(message)" }

    /// The status for any error that a handler threw. What is not a status is not told to the caller.
    init(handlerError error: any Error) {
        switch error {
        case let status as Status: self = status.code == .ok ? Status(.unknown, "the handler failed") : status
        case is CancellationError: self = Status(.cancelled, "the call was cancelled")
        default: self = Status(.unknown, "the server met an unexpected error")
        }
    }
}
