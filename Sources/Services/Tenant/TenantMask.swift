internal import CarillonAPI
internal import SwiftProtobuf

/// Which fields of a tenant a change names (AIP-134).
struct TenantMask {
    private typealias Copy = @Sendable (_ from: Carillon_V1_Tenant, _ to: inout Carillon_V1_Tenant) -> Void

    /// Each field that an operator may change, and how it gets from one message into the other.
    private static let fields: [(path: String, copy: Copy)] = [
        ("display_name", { $1.displayName = $0.displayName }),
        ("portal_url", { $1.portalURL = $0.portalURL }),
        ("time_zone", { $1.timeZone = $0.timeZone }),
        ("locale", { $1.locale = $0.locale }),
        ("enabled_without_subscription", { $1.enabledWithoutSubscription = $0.enabledWithoutSubscription }),
        ("history_months", { $1.historyMonths = $0.historyMonths }),
        ("branding.accent_color", { $1.branding.accentColor = $0.branding.accentColor }),
        ("branding.logo_url", { $1.branding.logoURL = $0.branding.logoURL }),
        ("branding.imprint", { $1.branding.imprint = $0.branding.imprint }),
        ("limits.calls_per_second", { $1.limits.callsPerSecond = $0.limits.callsPerSecond }),
        ("limits.events_per_second", { $1.limits.eventsPerSecond = $0.limits.eventsPerSecond }),
        ("limits.stored_rows", { $1.limits.storedRows = $0.limits.storedRows }),
        ("limits.open_streams", { $1.limits.openStreams = $0.limits.openStreams }),
        ("limits.message_octets", { $1.limits.messageOctets = $0.limits.messageOctets }),
    ]

    private let copies: [Copy]

    /// Reads a mask; what it names and nobody may change is noted. An empty one names every field that is set in `tenant`.
    init(_ mask: Google_Protobuf_FieldMask, of tenant: Carillon_V1_Tenant, _ check: inout FieldCheck) {
        guard !mask.paths.isEmpty else {
            copies = Self.fields.filter { Self.isSet($0.copy, in: tenant) }.map(\.copy)
            return
        }
        var copies: [Copy] = []
        for (place, path) in mask.paths.prefix(Self.fields.count * 2).enumerated() {
            let named = Self.fields.filter { $0.path == path || $0.path.hasPrefix(path + ".") }
            if named.isEmpty {
                check.add("update_mask.paths[\(place)]", "is not a field that can be changed", reason: "UNKNOWN")
            }
            copies += named.map(\.copy)
        }
        if mask.paths.count > Self.fields.count * 2 {
            check.add("update_mask", "names too many fields", reason: "TOO_MANY")
        }
        self.copies = copies
    }

    /// The tenant as it was, with the named fields of the change.
    func merged(_ change: Carillon_V1_Tenant, into tenant: Carillon_V1_Tenant) -> Carillon_V1_Tenant {
        var merged = tenant
        for copy in copies { copy(change, &merged) }
        return merged
    }

    /// Whether a field differs from what it is when nobody sets it.
    private static func isSet(_ copy: Copy, in tenant: Carillon_V1_Tenant) -> Bool {
        var one = Carillon_V1_Tenant()
        var none = Carillon_V1_Tenant()
        copy(tenant, &one)
        copy(Carillon_V1_Tenant(), &none)
        return one != none
    }
}
