internal import Domain
internal import Postgres

extension TenantAdministration {
    /// For how long nobody gets the id of a tenant that was erased: longer than any process believes in a credential that it
    /// looked up, or works a tenant by a lease that it did not renew, the difference of clocks included. Old keys and fences never meet a new tenant.
    package static let idReservation = Duration.seconds(120)

    /// The query that breaks a transaction off, behind the insertion of a tenant's line, when the id is reserved.
    static func notReserved(_ tenant: TenantID, now: Instant) -> Query {
        let since = Instant(microseconds: now.microseconds - idReservation.components.seconds * 1_000_000)
        return Query(TenantLifeStatements.assertNotReserved, [.text(tenant), .timestamp(since)])
    }
}

extension StorageError {
    /// What a failure to make a tenant says, where the one assertion is ``TenantAdministration/notReserved(_:)``.
    init(making cause: PostgresError) {
        let error = StorageError(cause)
        self =
            error.code == .revisionMismatch
            ? StorageError(.idReserved, "the id is reserved: its tenant was just erased", cause: cause) : error
    }
}
