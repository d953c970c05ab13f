package import Domain

/// A tenant that is to be made.
package struct TenantCreation: Sendable {
    /// Which tenant.
    package var id: TenantID
    /// The supplier's name.
    package var displayName: String
    /// Where its portal is.
    package var portalURL: String
    /// IANA name of the zone.
    package var timeZone: String
    /// BCP 47 tag.
    package var locale: String
    /// What plain "Enabled" means to those who chose nothing.
    package var enabledWithoutSubscription: TenantSettings.EnabledWithoutSubscription
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
        id: TenantID, displayName: String, portalURL: String, timeZone: String, locale: String,
        enabledWithoutSubscription: TenantSettings.EnabledWithoutSubscription = .optIn, wrappedDataKey: [UInt8],
        requestHash: [UInt8], firstKey: NewAPIKey? = nil, portalKeys: [PortalKey] = []
    ) {
        self.id = id
        self.displayName = displayName
        self.portalURL = portalURL
        self.timeZone = timeZone
        self.locale = locale
        self.enabledWithoutSubscription = enabledWithoutSubscription
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
            $0.key("display_name")
            $0.string(displayName)
            $0.key("portal_url")
            $0.string(portalURL)
            $0.key("time_zone")
            $0.string(timeZone)
            $0.key("locale")
            $0.string(locale)
            $0.key("enabled_without_subscription")
            $0.string(enabledWithoutSubscription.rawValue)
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
