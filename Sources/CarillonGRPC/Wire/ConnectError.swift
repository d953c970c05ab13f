/// Errors in the words of the Connect protocol (https://connectrpc.com/docs/protocol/, "Error Codes" and "Error End-
/// Stream").
enum ConnectError {
    /// The HTTP status of a unary call that ended with a code.
    static func httpStatus(of code: StatusCode) -> StaticString {
        switch code {
        case .ok: "200"
        case .cancelled: "499"
        case .unknown, .internalError, .dataLoss: "500"
        case .invalidArgument, .failedPrecondition, .outOfRange: "400"
        case .deadlineExceeded: "504"
        case .notFound: "404"
        case .alreadyExists, .aborted: "409"
        case .permissionDenied: "403"
        case .resourceExhausted: "429"
        case .unimplemented: "501"
        case .unavailable: "503"
        case .unauthenticated: "401"
        }
    }

    /// The name of a code: gRPC's in lower case, but for "canceled", which has one l here.
    static func name(of code: StatusCode) -> String {
        code == .cancelled ? "canceled" : code.name.lowercased()
    }

    /// The body of a unary call that failed, such as `{"code":"not_found","message":"…","details":[…]}`.
    static func json(_ status: Status) -> [UInt8] {
        var text = JSONText()
        append(status, to: &text)
        return text.octets
    }

    /// Writes the object that stands for an error. Empty parts are left out.
    static func append(_ status: Status, to text: inout JSONText) {
        text.append("{\"code\":")
        text.append(string: name(of: status.code))
        if !status.message.isEmpty {
            text.append(",\"message\":")
            text.append(string: status.message)
        }
        let details = ErrorDetails.read(status.details)
        for (index, detail) in details.enumerated() {
            text.append(index == 0 ? ",\"details\":[{\"type\":" : ",{\"type\":")
            text.append(string: detail.type)
            text.append(",\"value\":")
            text.append(string: Base64.encode(detail.value))
            text.append("}")
        }
        if !details.isEmpty { text.append("]") }
        text.append("}")
    }
}
