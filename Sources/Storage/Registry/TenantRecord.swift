package import Domain

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

/// An API key as the registry knows it.
package struct APIKeyRecord: Sendable, Hashable {
    /// The part of the key that names it.
    package let id: String
    /// Whose key; nil for an operator's.
    package let tenant: TenantID?
    /// What to call it.
    package let displayName: String
    /// SHA-256 of the key's secret part.
    package let secretHash: [UInt8]
    /// The last four characters, to know it by.
    package let lastFour: String
    /// What it may do.
    package let scopes: [String]
    /// Who made it.
    package let createdBy: String
    /// When it was made.
    package let createdAt: Instant
    /// From when it is refused; nil is never.
    package let expiresAt: Instant?
    /// When it was revoked; nil is not.
    package let revokedAt: Instant?
    /// When it was used last, coarsely.
    package let lastUsedAt: Instant?

    /// Whether the key opens anything at this time.
    package func isValid(at now: Instant) -> Bool {
        revokedAt == nil && expiresAt.map { now < $0 } ?? true
    }
}

/// What a key opens.
package struct Credential: Sendable, Hashable {
    /// The key.
    package let key: APIKeyRecord
    /// Its tenant; nil for an operator's key.
    package let tenant: TenantRecord?
    /// What its tenant has stored; nil when that was not counted yet.
    package let usage: TenantUsage?
}

/// An API key that is to be stored.
package struct NewAPIKey: Sendable, Hashable {
    /// The part of the key that names it.
    package let id: String
    /// What to call it.
    package let displayName: String
    /// SHA-256 of the key's secret part.
    package let secretHash: [UInt8]
    /// The last four characters.
    package let lastFour: String
    /// What it may do.
    package let scopes: [String]
    /// Who makes it.
    package let createdBy: String
    /// From when it is refused; nil is never.
    package let expiresAt: Instant?

    /// Describes a key.
    package init(
        id: String, displayName: String, secretHash: [UInt8], lastFour: String, scopes: [String], createdBy: String,
        expiresAt: Instant? = nil
    ) {
        self.id = id
        self.displayName = displayName
        self.secretHash = secretHash
        self.lastFour = lastFour
        self.scopes = scopes
        self.createdBy = createdBy
        self.expiresAt = expiresAt
    }
}

/// A key with which a tenant signs its portal's tokens.
package struct PortalKey: Sendable, Hashable {
    /// The name that tokens give it.
    package let kid: String
    /// The public key as a JSON Web Key.
    package let jwk: String

    /// Makes a key.
    package init(kid: String, jwk: String) {
        self.kid = kid
        self.jwk = jwk
    }
}
