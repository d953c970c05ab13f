/// Why a unit did not do what it was asked for.
///
/// Match by ``code``; decide about another try with ``retry`` and ``isCommitUnknown``. The description holds no data:
/// no parameter, no row, nothing of the server's message, which may quote both. That message is in the debug form only.
package struct PostgresError: Error, Sendable, Hashable {
    /// What kind of thing went wrong.
    package let code: Code
    /// The server's SQLSTATE, five characters; `nil` if the server did not say anything.
    package let sqlState: String?
    /// The name of the violated constraint or unique index, if the server named one.
    package let constraint: String?
    /// Which of the unit's queries failed, from 0; `nil` if it was none of them (the role, COMMIT, the connection).
    package let queryIndex: Int?
    /// Whether the unit may have been committed all the same: the connection was lost, or the waiter gave up, after
    /// COMMIT was sent and before it was answered. Find out before trying again, or make the unit idempotent.
    package let isCommitUnknown: Bool
    /// What happened, in our words and without data.
    package let explanation: String
    /// The server's own message. It may quote data: never log it where tenants' data must not be.
    package let serverMessage: String?

    /// Makes an error. Outside this module for tests of those who handle it.
    package init(
        _ code: Code,
        _ explanation: String,
        sqlState: String? = nil,
        constraint: String? = nil,
        queryIndex: Int? = nil,
        isCommitUnknown: Bool = false,
        serverMessage: String? = nil
    ) {
        self.code = code
        self.sqlState = sqlState
        self.constraint = constraint
        self.queryIndex = queryIndex
        self.isCommitUnknown = isCommitUnknown
        self.explanation = explanation
        self.serverMessage = serverMessage
    }

    /// Whether the same unit may simply be run again, at the time that ``retry`` says. Never true if its outcome is
    /// unknown.
    package var isRetryable: Bool { retry != .never && !isCommitUnknown }

    /// When the same unit has a chance.
    package var retry: Retry { code.retry }
}

extension PostgresError {
    /// The kinds of failure that callers tell apart.
    package enum Code: String, Sendable, Hashable, CaseIterable {
        /// The connection was refused, lost or closed by the server (class 08, 57P01…57P05, 25P03).
        case connectionFailed
        /// There is no database to talk to now: all connections are down, the server is read-only (25006) or full
        /// of connections (53300), or the pool is closed.
        case unavailable
        /// The transaction lost against another: serialization failure or deadlock (class 40).
        case serialization
        /// A unique or exclusion constraint (23505, 23P01).
        case uniqueViolation
        /// A foreign key (23503, 23001).
        case foreignKey
        /// A check constraint, a partition without a place for the row, or another rule about values (23514, 44000).
        case checkViolation
        /// A missing value (23502).
        case notNull
        /// A lock was not to be had in time (55P03).
        case lockTimeout
        /// The role may not do that (42501, class 28).
        case insufficientPrivilege
        /// A value that the server or this module cannot take: zero bytes, bad JSON, out of range (class 22).
        case invalidValue
        /// The SQL is wrong, or names what is not there (classes 42, 0A, 26, 3F and kin).
        case invalidStatement
        /// The server's disk is full (53100).
        case diskFull
        /// The server is short of something else (class 53).
        case resourcesExhausted
        /// The pool's queue is full.
        case queueFull
        /// The caller's deadline, the server's statement timeout (57014) or the hard limit passed.
        case deadlineExceeded
        /// The caller's task was cancelled.
        case cancelled
        /// Whoever runs units held this one back; the database has not done it.
        case withheld
        /// A column does not hold what the reader expected.
        case decoding
        /// Anything else.
        case other
    }

    /// When the same unit has a chance.
    package enum Retry: Sendable, Hashable {
        /// At once, on another connection; the pool makes it.
        case onNewConnection
        /// At once.
        case sameTransaction
        /// After a pause that grows.
        case afterBackoff
        /// Not without a change.
        case never
    }
}

extension PostgresError.Code {
    /// When the same unit has a chance.
    package var retry: PostgresError.Retry {
        switch self {
        case .connectionFailed, .unavailable: .onNewConnection
        case .serialization: .sameTransaction
        case .lockTimeout, .diskFull, .resourcesExhausted, .queueFull, .withheld: .afterBackoff
        case .uniqueViolation, .foreignKey, .checkViolation, .notNull, .insufficientPrivilege, .invalidValue,
            .invalidStatement, .deadlineExceeded, .cancelled, .decoding, .other:
            .never
        }
    }
}

extension PostgresError: CustomStringConvertible, CustomDebugStringConvertible {
    /// The error without any data.
    package var description: String {
        var text = "\(code.rawValue): \(explanation)"
        if let sqlState { text += " (SQLSTATE \(sqlState))" }
        if let constraint { text += ", constraint \(constraint)" }
        if let queryIndex { text += ", query \(queryIndex)" }
        if isCommitUnknown { text += ", outcome unknown" }
        return text
    }

    /// The error with the server's message, which may quote data.
    package var debugDescription: String {
        serverMessage.map { "\(description): \($0)" } ?? description
    }
}
