internal import CLibPQ

/// What the server said about a command in an error report or a notice.
package struct ServerReport: Sendable, Hashable {
    /// `ERROR`, `FATAL`, `PANIC`, `WARNING`, `NOTICE`, `INFO`, `LOG` or `DEBUG`.
    package let severity: String
    /// Five characters, by the manual's appendix A.
    package let sqlState: String
    /// The name of the constraint the report is about.
    package let constraint: String?
    /// The primary message; it may quote data.
    package let message: String

    /// Whether the server ends the connection after this report.
    var isFatal: Bool { severity == "FATAL" || severity == "PANIC" }

    /// Makes a report of its parts.
    init(severity: String, sqlState: String, constraint: String? = nil, message: String) {
        self.severity = severity
        self.sqlState = sqlState
        self.constraint = constraint
        self.message = message
    }

    /// Reads an error report or a notice of the server; `nil` for a report that libpq made itself, which has no fields
    /// and says nothing about what the server did.
    init?(_ result: OpaquePointer) {
        guard let sqlState = carillon_pq_sqlstate(result), let severity = carillon_pq_severity(result) else {
            return nil
        }
        self.severity = String(cString: severity)
        self.sqlState = String(cString: sqlState)
        constraint = carillon_pq_constraint(result).map { String(cString: $0) }
        message = carillon_pq_primary_message(result).map { String(cString: $0) } ?? ""
    }
}
