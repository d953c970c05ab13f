import Testing

@testable import Postgres

@Suite struct PostgresErrorTests {
    @Test(arguments: [
        ("57P01", PostgresError.Code.connectionFailed, PostgresError.Retry.onNewConnection),
        ("57P02", .connectionFailed, .onNewConnection), ("57P03", .connectionFailed, .onNewConnection),
        ("08006", .connectionFailed, .onNewConnection), ("25P03", .connectionFailed, .onNewConnection),
        ("25006", .unavailable, .onNewConnection), ("53300", .unavailable, .onNewConnection),
        ("40001", .serialization, .sameTransaction), ("40P01", .serialization, .sameTransaction),
        ("53100", .diskFull, .afterBackoff), ("53200", .resourcesExhausted, .afterBackoff),
        ("55P03", .lockTimeout, .afterBackoff),
        ("23505", .uniqueViolation, .never), ("23503", .foreignKey, .never), ("23514", .checkViolation, .never),
        ("23502", .notNull, .never), ("23P01", .uniqueViolation, .never), ("42501", .insufficientPrivilege, .never),
        ("42P01", .invalidStatement, .never), ("42601", .invalidStatement, .never),
        ("0A000", .invalidStatement, .never),
        ("3F000", .invalidStatement, .never), ("08P01", .invalidStatement, .never), ("22P02", .invalidValue, .never),
        ("57014", .deadlineExceeded, .never), ("XX000", .other, .never), ("", .other, .never),
    ])
    func sqlStatesHaveTheirKind(sqlState: String, code: PostgresError.Code, retry: PostgresError.Retry) {
        #expect(PostgresError.Code(sqlState: sqlState) == code)
        #expect(code.retry == retry)
    }

    @Test func anUnknownOutcomeIsNeverRetryable() {
        let error = PostgresError(.connectionFailed, "lost")
        #expect(error.isRetryable)
        #expect(!error.withCommitUnknown(true).isRetryable)
    }

    @Test func theDescriptionHoldsNoData() {
        let report = ServerReport(severity: "ERROR", sqlState: "22P02", message: "invalid input: \"secret\"")
        let error = PostgresError(report: report, queryIndex: 2, isCommitUnknown: false)
        #expect("\(error)" == "invalidValue: the server refused the unit (SQLSTATE 22P02), query 2")
        #expect(String(reflecting: error).contains("secret"))
    }
}
