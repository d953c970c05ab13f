package import Domain

/// A tenant that is to be made.
package struct TenantCreation: Sendable {
    /// Which tenant.
    package var id: TenantID
    /// What it is like.
    package var values: TenantWrite
    /// A fresh data key, sealed by the caller.
    package var wrappedDataKey: [UInt8]
    /// SHA-256 of the request: the same request again is answered, another one for the same id is refused.
    package var requestHash: [UInt8]
    /// The tenant's first API key; nil for none.
    package var firstKey: NewAPIKey?
    /// The keys with which its portal signs tokens.
    package var portalKeys: [PortalKey]
    /// Where it shall be.
    package var database = DatabaseName.main

    /// Describes a tenant.
    package init(
        id: TenantID, values: TenantWrite, wrappedDataKey: [UInt8], requestHash: [UInt8], firstKey: NewAPIKey? = nil,
        portalKeys: [PortalKey] = []
    ) {
        self.id = id
        self.values = values
        self.wrappedDataKey = wrappedDataKey
        self.requestHash = requestHash
        self.firstKey = firstKey
        self.portalKeys = portalKeys
    }
}

extension TenantCreation {
    /// What an audit says of the tenant, as JSON: nothing of its data key and of its API key's secret.
    var audited: String {
        var writer = JSONWriter()
        writer.object {
            values.audit(to: &$0)
            $0.key("database")
            $0.string(database.rawValue)
            $0.key("key_id")
            $0.optional(firstKey?.id)
            $0.key("portal_keys")
            $0.array(portalKeys) { $0.string($1.kid) }
        }
        return writer.text
    }
}

/// What became of making a tenant.
package enum TenantCreationOutcome: Sendable, Hashable {
    /// It was made, and can be published to at once.
    case created(TenantRecord)
    /// The same request made it before. The first key was told then, and is not told again.
    case replayed(TenantRecord)
    /// Another request made a tenant of this id.
    case conflict
}
