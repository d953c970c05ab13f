internal import CarillonAPI
internal import CarillonGRPC
internal import SwiftProtobuf

extension Status {
    /// The domain of every reason code.
    static let errorDomain = "carillon"

    /// A status with a stable reason in `grpc-status-details-bin`.
    ///
    /// - Parameters:
    ///   - code: the gRPC code.
    ///   - reason: the stable reason.
    ///   - message: one sentence for a developer.
    ///   - metadata: values that belong to the reason, such as the id that was not found; never secrets.
    ///   - violations: what is wrong with which field.
    ///   - retryAfter: how long to wait before the same call may go well.
    init(
        _ code: StatusCode, _ reason: ErrorReason, _ message: String, metadata: [String: String] = [:],
        violations: [RequestViolation] = [], retryAfter: Duration? = nil
    ) {
        var info = Google_Rpc_ErrorInfo()
        info.reason = reason.rawValue
        info.domain = Self.errorDomain
        info.metadata = metadata
        var details: [any Message] = [info]
        if !violations.isEmpty { details.append(Google_Rpc_BadRequest(violations)) }
        if let retryAfter {
            var retry = Google_Rpc_RetryInfo()
            retry.retryDelay = Google_Protobuf_Duration(retryAfter)
            details.append(retry)
        }
        self.init(code, message, details: Self.pack(code, message, details))
    }

    private static func pack(_ code: StatusCode, _ message: String, _ details: [any Message]) -> [UInt8] {
        var status = Google_Rpc_Status()
        status.code = Int32(code.rawValue)
        status.message = message
        status.details = details.compactMap { try? Google_Protobuf_Any(message: $0) }
        // Serializing fails for messages of 2 GiB only. The code and the message reach the caller without details too.
        return (try? status.serializedBytes()) ?? []
    }
}

extension Google_Rpc_BadRequest {
    fileprivate init(_ violations: [RequestViolation]) {
        self.init()
        fieldViolations = violations.map { violation in
            var field = Google_Rpc_BadRequest.FieldViolation()
            field.field = violation.field
            field.description_p = violation.description
            field.reason = violation.reason
            return field
        }
    }
}

extension Google_Protobuf_Duration {
    fileprivate init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        self.init(seconds: seconds, nanos: Int32(attoseconds / 1_000_000_000))
    }
}
