package import Postgres

/// Why a read or a write of the store did not happen. Its text holds no data of tenants.
package struct StorageError: Error, Sendable, CustomStringConvertible {
    /// What the caller can do about it.
    package enum Code: Sendable, Hashable {
        /// The database cannot be reached, or is too busy; later it may work.
        case unavailable
        /// The caller's time ran out. A write may have happened.
        case deadlineExceeded
        /// Another transaction was in the way; the same call may work at once.
        case aborted
        /// What was to be changed has changed since it was read.
        case revisionMismatch
        /// The write names something that does not exist, such as the account of a user.
        case referenceMissing
        /// A row of that name exists.
        case alreadyExists
        /// The id is that of a tenant that was just erased (``TenantAdministration/idReservation``).
        case idReserved
        /// The tenant has as many providers as it may have.
        case tooManyProviders
        /// The tenant has no partition for the month; ``TenantAdministration/ensureMonths(tenant:now:)`` makes it.
        case monthMissing
        /// The database refuses the role: the tenant is gone, or grants are missing.
        case permissionDenied
        /// The database is not set up for serving, or a tenant's schema is not of a version that this program can use; the
        /// message says what is missing.
        case notReady
        /// A stored row does not have the form that this version knows.
        case corrupt
        /// An archive that is damaged, incomplete or of another version; the message says so, and may be told.
        case archiveRefused
        /// The tenant is held for the seconds in which it is moved to another database; later it works.
        case tenantHeld
        /// A tenant cannot be moved as it is asked for; the message says why, and may be told.
        case moveRefused
        /// A value that the database cannot take.
        case invalidValue
        /// A defect of this program.
        case internalError
    }

    /// What the caller can do.
    package let code: Code
    /// What happened, for the log; holds no data of tenants.
    package let message: String
    /// What the database said, if it was asked.
    package let cause: PostgresError?

    /// Makes an error of this module's own.
    package init(_ code: Code, _ message: String, cause: PostgresError? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// Sorts an error of the database by what the caller can do.
    init(_ cause: PostgresError) {
        self.cause = cause
        message = cause.description
        code =
            switch cause.code {
            case .invalidStatement where Self.missingObjects.contains(cause.sqlState ?? ""): .notReady
            case .invalidValue where cause.sqlState == Self.failedAssertion: .revisionMismatch
            case _ where cause.refusesRole: .permissionDenied
            case .withheld: .tenantHeld
            case .connectionFailed, .unavailable, .queueFull, .diskFull, .resourcesExhausted: .unavailable
            case .deadlineExceeded, .cancelled: .deadlineExceeded
            case .serialization, .lockTimeout: .aborted
            case .uniqueViolation: .alreadyExists
            case .foreignKey: .referenceMissing
            // Every CHECK of ours has a name; the one violation without a name is a row that no partition takes.
            case .checkViolation where cause.constraint == nil: .monthMissing
            case .insufficientPrivilege: .permissionDenied
            case .decoding: .corrupt
            case .invalidValue, .notNull, .checkViolation: .invalidValue
            default: .internalError
            }
    }

    /// `division_by_zero`: how ``Postgres/Statement/assertion(_:)`` fails.
    private static let failedAssertion = "22012"

    /// `undefined_table`, `undefined_column` and `invalid_schema_name`. Every statement is tested against the schema that it is written for, so
    /// what is missing is a migration: the tenant was left behind, or this program was.
    private static let missingObjects: Set = ["42P01", "42703", "3F000"]

    /// Whether a write may have been committed although it failed.
    package var isCommitUnknown: Bool { cause?.isCommitUnknown ?? false }

    /// The code and the message; with a cause, the cause's own text.
    package var description: String { cause?.description ?? "\(code): \(message)" }
}
