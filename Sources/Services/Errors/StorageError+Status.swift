internal import CarillonGRPC
internal import CarillonNet
internal import Storage

extension Status {
    /// What a caller is told of a failure of the store. The store's own words stay inside.
    ///
    /// - Parameter missing: what to say if the write named something that does not exist.
    init(_ error: StorageError, missing: Status? = nil) {
        switch error.code {
        case .unavailable:
            let isUnknown = error.isCommitUnknown
            self.init(
                .unavailable, .databaseUnavailable,
                isUnknown
                    ? "the connection to the database broke; the change may or may not have been made"
                    : "the database cannot be reached at the moment",
                retryAfter: .seconds(1))
        case .deadlineExceeded:
            self.init(.deadlineExceeded, .databaseUnavailable, "the database did not answer in time")
        case .aborted:
            self.init(
                .aborted, .concurrentChange, "another change was in the way; try again", retryAfter: .milliseconds(50))
        case .revisionMismatch:
            self.init(.aborted, .etagMismatch, "the etag is not the stored one: it was changed since it was read")
        case .referenceMissing:
            self = missing ?? Status(.notFound, .accountNotFound, "what the request refers to does not exist")
        case .alreadyExists:
            self.init(.alreadyExists, .concurrentChange, "it was made by another call at the same time")
        case .idReserved:
            self.init(
                .failedPrecondition, .tenantIDReserved,
                "a tenant of this id was just erased; the id is free again when nobody can know it by the old one's keys",
                retryAfter: TenantAdministration.idReservation)
        case .tooManyProviders:
            self.init(.resourceExhausted, .tooManyProviders, "there are as many as there may be")
        case .monthMissing:
            self.init(
                .unavailable, .databaseUnavailable, "the tenant has no room for this month yet", retryAfter: .seconds(5)
            )
        case .permissionDenied, .notReady:
            self.init(.unavailable, .databaseUnavailable, "the database is not ready for this", retryAfter: .seconds(5))
        case .tenantHeld: self = .tenantMoving
        case .moveRefused: self.init(.failedPrecondition, .tenantMoving, error.message)
        case .archiveRefused: self.init(.failedPrecondition, .archiveRefused, error.message)
        case .invalidValue:
            self.init(.invalidArgument, .fieldInvalid, "a value of the request cannot be stored")
        case .corrupt, .internalError:
            self.init(.internalError, .internalError, "the service met an unexpected error")
        }
    }
}

/// Runs work on the store and turns its failure into a status.
///
/// - Parameters:
///   - deadline: when the caller stops waiting, by ``CallContext/deadline``; `nil` for work that is done for several callers.
///   - missing: what to say if the write named something that does not exist.
///   - body: the work.
func stored<Value>(
    until deadline: MonotonicTime?, missing: @autoclosure () -> Status? = nil,
    _ body: () async throws(StorageError) -> Value
) async throws(Status) -> Value {
    do {
        return try await CallDeadline.within(deadline, body)
    } catch {
        throw Status(error, missing: missing())
    }
}
