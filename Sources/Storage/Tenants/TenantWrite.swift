package import Domain
internal import Postgres

/// What an operator may change of a tenant, as a whole.
package struct TenantWrite: Sendable, Hashable {
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
    /// How many months of history are kept, the current one included; at least 1.
    package var historyMonths: Int32
    /// How it shows itself in messages.
    package var look: TenantLook
    /// What it may use, where that differs from the installation's limits.
    package var limits: TenantLimits

    /// History that is kept when nobody says how much: with it a tenant stays below 40 tables.
    package static let usualHistoryMonths: Int32 = 4

    /// Describes a tenant.
    package init(
        displayName: String, portalURL: String, timeZone: String, locale: String,
        enabledWithoutSubscription: TenantSettings.EnabledWithoutSubscription = .optIn,
        historyMonths: Int32 = Self.usualHistoryMonths, look: TenantLook = TenantLook(),
        limits: TenantLimits = TenantLimits()
    ) {
        self.displayName = displayName
        self.portalURL = portalURL
        self.timeZone = timeZone
        self.locale = locale
        self.enabledWithoutSubscription = enabledWithoutSubscription
        self.historyMonths = historyMonths
        self.look = look
        self.limits = limits
    }
}

extension TenantWrite {
    /// The values of the columns, in the order of the properties.
    var parameters: [Parameter] {
        [
            .text(displayName), .text(portalURL), .text(timeZone), .text(locale),
            .text(enabledWithoutSubscription.rawValue), .int4(historyMonths),
        ] + look.parameters + limits.parameters
    }
}

extension TenantWrite {
    /// What an audit says of the values, as JSON.
    var audited: String {
        var writer = JSONWriter()
        writer.object { audit(to: &$0) }
        return writer.text
    }

    /// Writes the values as members of an object.
    func audit(to writer: inout JSONWriter) {
        for (name, text) in [
            ("display_name", displayName), ("portal_url", portalURL), ("time_zone", timeZone), ("locale", locale),
            ("enabled_without_subscription", enabledWithoutSubscription.rawValue),
            ("accent_color", look.accentColor), ("logo_url", look.logoURL), ("imprint", look.imprint),
        ] {
            writer.key(name)
            writer.string(text)
        }
        writer.key("history_months")
        writer.integer(Int64(historyMonths))
        for (name, limit) in [
            ("calls_per_second", limits.callsPerSecond.map { Int64($0) }),
            ("events_per_second", limits.eventsPerSecond.map { Int64($0) }), ("stored_rows", limits.storedRows),
            ("open_streams", limits.openStreams.map { Int64($0) }),
            ("message_octets", limits.messageOctets.map { Int64($0) }),
        ] {
            guard let limit else { continue }
            writer.key(name)
            writer.integer(limit)
        }
    }
}

extension TenantRecord {
    /// What an operator may change of it, as it is.
    package var values: TenantWrite {
        TenantWrite(
            displayName: displayName, portalURL: portalURL, timeZone: timeZone, locale: locale,
            enabledWithoutSubscription: enabledWithoutSubscription, historyMonths: historyMonths, look: look,
            limits: limits)
    }
}
