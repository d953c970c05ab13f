extension PostgresError {
    /// The error for a report of the server about a unit.
    init(
        report: ServerReport,
        queryIndex: Int?,
        isCommitUnknown: Bool
    ) {
        self.init(
            Code(sqlState: report.sqlState),
            report.isFatal ? "the server ended the connection" : "the server refused the unit",
            sqlState: report.sqlState,
            constraint: report.constraint,
            queryIndex: queryIndex,
            isCommitUnknown: isCommitUnknown || report.sqlState == "40003",
            serverMessage: report.message
        )
    }

    /// The same failure of a unit whose COMMIT may have been carried out.
    func withCommitUnknown(_ isCommitUnknown: Bool) -> PostgresError {
        PostgresError(
            code, explanation, sqlState: sqlState, constraint: constraint, queryIndex: queryIndex,
            isCommitUnknown: isCommitUnknown, serverMessage: serverMessage)
    }
}

extension PostgresError.Code {
    /// The kind of failure that an SQLSTATE means: first the codes that differ from their class, then the classes.
    init(sqlState: String) {
        switch sqlState {
        // A protocol violation that the server reports is a wrong number or form of parameters, not a bad line.
        case "08P01": self = .invalidStatement
        case "25P03": self = .connectionFailed
        case "25006", "53300": self = .unavailable
        case "23505", "23P01": self = .uniqueViolation
        case "23503", "23001": self = .foreignKey
        case "23502": self = .notNull
        case "55P03": self = .lockTimeout
        case "42501": self = .insufficientPrivilege
        case "53100": self = .diskFull
        case "57014": self = .deadlineExceeded
        case "57P01", "57P02", "57P03", "57P04", "57P05": self = .connectionFailed
        default: self.init(sqlStateClass: sqlState.prefix(2))
        }
    }

    private init(sqlStateClass: Substring) {
        switch sqlStateClass {
        case "08": self = .connectionFailed
        case "22": self = .invalidValue
        case "23", "44": self = .checkViolation
        case "28": self = .insufficientPrivilege
        case "40": self = .serialization
        case "53": self = .resourcesExhausted
        case "03", "0A", "25", "26", "34", "3D", "3F", "42", "54": self = .invalidStatement
        default: self = .other
        }
    }
}
