internal import CarillonAPI
internal import CarillonGRPC
internal import SwiftProtobuf

/// A status as a person reads it: the code, the message, and what the details add.
enum StatusText {
    /// One line, and one more for each field that was refused.
    static func of(_ status: Status) -> String {
        var lines = ["\(status.code.name): \(PlainText.of(status.message))"]
        let details = (try? Google_Rpc_Status(serializedBytes: status.details))?.details ?? []
        for detail in details where detail.isA(Google_Rpc_BadRequest.self) {
            guard let refused = try? Google_Rpc_BadRequest(unpackingAny: detail) else { continue }
            for violation in refused.fieldViolations {
                lines.append("  \(PlainText.of(violation.field)): \(PlainText.of(violation.description_p))")
            }
        }
        return lines.joined(separator: "\n")
    }
}
