package import Domain
internal import Postgres

/// Whether a tenant is served.
package enum TenantState: String, CaseIterable, Sendable, Hashable {
    case active
    /// Its calls are refused and its work rests.
    case suspended
    /// It is being erased.
    case deleting
}

/// A tenant as the registry knows it.
package struct TenantRecord: Sendable, Hashable {
    /// Which tenant.
    package let id: TenantID
    /// The supplier's name.
    package let displayName: String
    /// Whether it is served.
    package let state: TenantState
    /// Where its portal is: deep links are relative to it.
    package let portalURL: String
    /// IANA name of the zone.
    package let timeZone: String
    /// BCP 47 tag.
    package let locale: String
    /// What plain "Enabled" means to those who chose nothing.
    package let enabledWithoutSubscription: TenantSettings.EnabledWithoutSubscription
    /// The tenant's data key, sealed by the caller. Not for the API.
    package let wrappedDataKey: [UInt8]
    /// The version of the tenant's schema.
    package let schemaVersion: Int32
    /// Grows with each change: the etag.
    package let revision: Int64
    /// When the tenant was made.
    package let createdAt: Instant
    /// When it was changed last.
    package let updatedAt: Instant
    /// The database that its schema is in.
    package let database: DatabaseName
    /// The database that it is being moved to: it is held for as long; nil when it stays.
    package let movingTo: DatabaseName?
    /// How many months of history are kept, the current one included.
    package let historyMonths: Int32
    /// When it is erased, while ``state`` is ``TenantState/deleting``.
    package let eraseAt: Instant?
    /// How it shows itself in messages.
    package let look: TenantLook
    /// What it may use, where that differs from the installation's limits.
    package let limits: TenantLimits
    /// ``database`` with the way to it.
    package let place: TenantPlace
}

extension TenantRecord {
    /// Whether this is what was known of the tenant before another record of the same id.
    ///
    /// Who was erased and made anew was made later. Who was imported keeps the time of its making, and its revision is the time
    /// of the import in microseconds (``TenantImport``): it came after all that was made before then.
    package func isOlder(than other: TenantRecord) -> Bool { order < other.order }

    private var order: (began: Int64, revision: Int64) { (max(createdAt.microseconds, revision), revision) }

    /// Whether the tenant was erased between two records of the same id, and then made anew or imported: nothing that was
    /// read before counts.
    package func isOfAnotherLife(than other: TenantRecord) -> Bool {
        createdAt != other.createdAt || abs(revision - other.revision) > Self.mostChanges
    }

    /// More than a tenant is changed between two looks; less than an import puts between the revisions.
    private static let mostChanges: Int64 = 100_000
}

extension TenantRecord {
    /// How many columns ``init(row:)`` reads.
    static let columnCount = 25

    /// Reads ``RegistryStatements/tenantColumns`` from column 0.
    init(row: Row) throws(PostgresError) {
        id = try row.identifier(0)
        displayName = try row.text(1)
        state = try row.value(2)
        portalURL = try row.text(3)
        timeZone = try row.text(4)
        locale = try row.text(5)
        enabledWithoutSubscription = try row.value(6)
        wrappedDataKey = try row.bytes(7)
        schemaVersion = try row.int4(8)
        revision = try row.int8(9)
        createdAt = try row.instant(10)
        updatedAt = try row.instant(11)
        database = try row.databaseName(12)
        movingTo = try row.optionalText(13) == nil ? nil : try row.databaseName(13)
        historyMonths = try row.int4(14)
        eraseAt = try row.optionalInstant(15)
        look = try TenantLook(row: row, from: 16)
        limits = try TenantLimits(row: row, from: 19)
        place = TenantPlace(database: database, connection: try row.text(24))
    }
}
