internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Rendering
internal import Storage

/// Reads what an operator may set of a tenant.
struct TenantValues {
    private let zones: ZoneNames
    private static let greatestLimit: Int32 = 1_000_000
    private static let greatestStoredRows: Int64 = 1_000_000_000_000
    private static let messageSizes: ClosedRange<Int32> = 1024...(64 << 20)
    private static let historyMonths: ClosedRange<Int32> = 1...24

    init(zones: ZoneNames) {
        self.zones = zones
    }

    /// The values of a tenant, defaults filled in; what is wrong is noted.
    func read(_ tenant: Carillon_V1_Tenant, _ check: inout FieldCheck) -> TenantWrite {
        let displayName = check.line(tenant.displayName, "tenant.display_name", limit: 200, isRequired: true)
        if tenant.portalURL.isEmpty {
            check.add("tenant.portal_url", "is required", reason: "REQUIRED")
        } else if !TextForms.isPortalURL(tenant.portalURL) {
            check.add(
                "tenant.portal_url", "is not an https address without user, query and fragment", reason: "MALFORMED")
        }
        let timeZone = tenant.timeZone.isEmpty ? "UTC" : tenant.timeZone
        if !zones.contains(timeZone) {
            check.add("tenant.time_zone", "is not the name of a time zone, such as Europe/Berlin", reason: "UNKNOWN")
        }
        let locale = tenant.locale.isEmpty ? "en" : tenant.locale
        if !TextForms.isLocale(locale) {
            check.add("tenant.locale", "is not a language tag, such as en or de-AT", reason: "MALFORMED")
        }
        return TenantWrite(
            displayName: displayName, portalURL: tenant.portalURL, timeZone: timeZone, locale: locale,
            enabledWithoutSubscription: Self.policy(tenant.enabledWithoutSubscription, &check),
            historyMonths: Self.months(tenant.historyMonths, &check), look: Self.look(tenant.branding, &check),
            limits: Self.limits(tenant.limits, &check))
    }

    /// Refuses a tenant that no operator could have made, such as one of an archive that was written by hand.
    ///
    /// - Throws: INVALID_ARGUMENT.
    func check(_ record: TenantRecord) throws(Status) {
        var check = FieldCheck()
        let read = read(Carillon_V1_Tenant(record), &check)
        try check.check()
        // What has no place in the interface, such as a limit of zero, is lost on the way.
        guard read == record.values else {
            throw Status(StorageError(.invalidValue, "the tenant's line holds what no tenant has"))
        }
    }

    private static func policy(
        _ policy: Carillon_V1_EnabledPolicy, _ check: inout FieldCheck
    ) -> TenantSettings.EnabledWithoutSubscription {
        switch policy {
        case .unspecified, .optIn: return .optIn
        case .deliver: return .deliver
        case .UNRECOGNIZED:
            check.add("tenant.enabled_without_subscription", "is not a known policy", reason: "UNKNOWN")
            return .optIn
        }
    }

    private static func months(_ months: Int32, _ check: inout FieldCheck) -> Int32 {
        if months == 0 { return TenantWrite.usualHistoryMonths }
        if !historyMonths.contains(months) {
            check.add("tenant.history_months", "must be 1 to 24, or 0 for the usual 4", reason: "OUT_OF_RANGE")
        }
        return months
    }

    private static func look(_ branding: Carillon_V1_TenantBranding, _ check: inout FieldCheck) -> TenantLook {
        var look = TenantLook()
        look.accentColor = branding.accentColor
        if !branding.accentColor.isEmpty, !Branding.isAccent(branding.accentColor) {
            check.add("tenant.branding.accent_color", "is not a colour such as #1F4E79", reason: "MALFORMED")
        }
        look.logoURL = branding.logoURL
        if !branding.logoURL.isEmpty, !Branding.isLogo(branding.logoURL) {
            check.add("tenant.branding.logo_url", "is not an https address", reason: "MALFORMED")
        }
        look.imprint = branding.imprint
        if branding.imprint.utf8.count > 1000 || branding.imprint.split(separator: "\n").count > 10 {
            check.add("tenant.branding.imprint", "has more than 1000 octets or 10 lines", reason: "TOO_LONG")
        } else if branding.imprint.unicodeScalars.contains(where: { $0 != "\n" && FieldCheck.isControl($0) }) {
            check.add("tenant.branding.imprint", "holds control characters", reason: "CONTROL_CHARACTER")
        }
        return look
    }

    private static func limits(_ sent: Carillon_V1_TenantLimits, _ check: inout FieldCheck) -> TenantLimits {
        func limit(_ value: Int32, _ name: String, _ check: inout FieldCheck) -> Int32? {
            if !(0...greatestLimit).contains(value) {
                check.add("tenant.limits.\(name)", "must be 0 to \(greatestLimit)", reason: "OUT_OF_RANGE")
            }
            return value == 0 ? nil : value
        }
        var limits = TenantLimits()
        limits.callsPerSecond = limit(sent.callsPerSecond, "calls_per_second", &check)
        limits.eventsPerSecond = limit(sent.eventsPerSecond, "events_per_second", &check)
        limits.openStreams = limit(sent.openStreams, "open_streams", &check)
        limits.storedRows = sent.storedRows == 0 ? nil : sent.storedRows
        if !(0...greatestStoredRows).contains(sent.storedRows) {
            check.add("tenant.limits.stored_rows", "must be 0 to \(greatestStoredRows)", reason: "OUT_OF_RANGE")
        }
        limits.messageOctets = sent.messageOctets == 0 ? nil : sent.messageOctets
        if sent.messageOctets != 0, !messageSizes.contains(sent.messageOctets) {
            check.add("tenant.limits.message_octets", "must be 1024 to 67108864, or 0", reason: "OUT_OF_RANGE")
        }
        return limits
    }
}
