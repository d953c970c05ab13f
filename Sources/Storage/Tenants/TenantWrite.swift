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
