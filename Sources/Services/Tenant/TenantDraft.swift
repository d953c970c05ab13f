internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Security

/// A request to make a tenant that was checked.
struct TenantDraft {
    /// What the key that comes with a tenant is called.
    static let firstKeyName = "first key"

    let id: TenantID
    let displayName: String
    let portalURL: String
    let timeZone: String
    let locale: String
    let policy: TenantSettings.EnabledWithoutSubscription
    let portalKeys: PortalKeySet
    /// SHA-256 of what the request comes to: defaults filled in, and keys in their stored form.
    let hash: [UInt8]

    init(_ request: Carillon_V1_CreateTenantRequest, zones: ZoneNames) async throws(Status) {
        let tenant = request.tenant
        var check = FieldCheck()
        let id = check.identifier(tenant.tenantID, "tenant.tenant_id", as: TenantID.self)
        displayName = check.line(tenant.displayName, "tenant.display_name", limit: 200, isRequired: true)
        portalURL = tenant.portalURL
        if portalURL.isEmpty {
            check.add("tenant.portal_url", "is required", reason: "REQUIRED")
        } else if !TextForms.isPortalURL(portalURL) {
            check.add(
                "tenant.portal_url", "is not an https address without user, query and fragment", reason: "MALFORMED")
        }
        timeZone = tenant.timeZone.isEmpty ? "UTC" : tenant.timeZone
        if !zones.contains(timeZone) {
            check.add("tenant.time_zone", "is not the name of a time zone, such as Europe/Berlin", reason: "UNKNOWN")
        }
        locale = tenant.locale.isEmpty ? "en" : tenant.locale
        if !TextForms.isLocale(locale) {
            check.add("tenant.locale", "is not a language tag, such as en or de-AT", reason: "MALFORMED")
        }
        switch tenant.enabledWithoutSubscription {
        case .unspecified, .optIn: policy = .optIn
        case .deliver: policy = .deliver
        case .UNRECOGNIZED:
            policy = .optIn
            check.add("tenant.enabled_without_subscription", "is not a known policy", reason: "UNKNOWN")
        }
        portalKeys = await Self.portalKeys(request.portalKeysJson, isRequired: false, &check)
        try check.check()
        guard let id else { throw .unauthenticated }
        self.id = id
        let parts =
            [id.rawValue, displayName, portalURL, timeZone, locale, policy.rawValue] + portalKeys.keys.map(\.json)
        // A line feed stands in none of the parts.
        hash = SHA256Digest.of(Array(parts.joined(separator: "\n").utf8))
    }

    /// Reads a set of portal keys.
    static func portalKeys(_ json: String, isRequired: Bool, _ check: inout FieldCheck) async -> PortalKeySet {
        if json.isEmpty {
            if isRequired {
                check.add("portal_keys_json", #"is required; {"keys": []} ends all tokens"#, reason: "REQUIRED")
            }
            return .empty
        }
        do throws(PortalKeyError) {
            return try await PortalKeySet.parse(json)
        } catch {
            check.add("portal_keys_json", "is refused: \(error)", reason: "MALFORMED")
            return .empty
        }
    }
}
