package import Domain
internal import Postgres

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

extension APIKeyRecord {
    /// Reads ``KeyStatements/columns`` from column 0.
    init(row: Row) throws(PostgresError) {
        id = try row.text(0)
        tenant = try row.optionalIdentifier(1)
        displayName = try row.text(2)
        secretHash = try row.bytes(3)
        lastFour = try row.text(4)
        scopes = try row.textArray(5)
        createdBy = try row.text(6)
        createdAt = try row.instant(7)
        expiresAt = try row.optionalInstant(8)
        revokedAt = try row.optionalInstant(9)
        lastUsedAt = try row.optionalInstant(10)
    }
}

extension NewAPIKey {
    /// The parameters of ``KeyStatements/add``.
    func parameters(tenant: TenantID, now: Instant) -> [Parameter] {
        [
            .text(id), .text(tenant), .text(displayName), .bytes(secretHash), .text(lastFour), .textArray(scopes),
            .text(createdBy), .timestamp(expiresAt), .timestamp(now),
        ]
    }

    /// What an audit says of the key, as JSON: nothing of its secret.
    var audited: String {
        var writer = JSONWriter()
        writer.object {
            $0.key("display_name")
            $0.string(displayName)
            $0.key("scopes")
            $0.array(scopes) { $0.string($1) }
            $0.key("expires_at_microseconds")
            if let expiresAt { $0.integer(expiresAt.microseconds) } else { $0.null() }
        }
        return writer.text
    }
}
