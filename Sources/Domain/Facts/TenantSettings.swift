/// Settings that differ from what stands below them, for single types and audiences.
package struct SettingOverrides: Hashable, Sendable {
    private var settings: [TypeKey: PerAudience<Setting?>]

    /// No differences.
    package init() { settings = [:] }

    /// The differing setting of one type and audience; nil is none.
    package subscript(type: TypeKey, audience: Audience) -> Setting? {
        get { settings[type]?[audience] }
        set {
            var entry = settings[type] ?? PerAudience(customer: nil, internalIndividual: nil, internalTeam: nil)
            entry[audience] = newValue
            let isEmpty = Audience.allCases.allSatisfy { entry[$0] == nil }
            settings[type] = isEmpty ? nil : entry
        }
    }

    /// Whether nothing differs.
    package var isEmpty: Bool { settings.isEmpty }

    /// Of how many types something differs.
    package var count: Int { settings.count }
}

/// What a supplier decided for all decisions of its tenant.
///
/// A value whose content lies in one shared piece, so that handing it on costs one reference: it is on the path of every check. Changing
/// it makes another piece.
package struct TenantSettings: Hashable, Sendable {
    /// What plain "Enabled" means to those who chose nothing.
    package enum EnabledWithoutSubscription: String, CaseIterable, Sendable, Hashable {
        /// Nobody gets it before they opt in: the only reading under which all presets differ.
        case optIn = "opt_in"
        /// Everybody gets it until they opt out.
        case deliver
    }

    private struct Terms: Hashable, Sendable {
        var overrides: SettingOverrides
        var accountOverrides: [AccountID: SettingOverrides]
        var enabledWithoutSubscription: EnabledWithoutSubscription
        var allowedOutsidePortal: Set<Sensitivity>
        var caps: [FrequencyCap]
        var unavailableChannels: ChannelSet
    }

    private final class Shared: Sendable {
        let terms: Terms

        init(_ terms: Terms) { self.terms = terms }
    }

    private var shared: Shared

    /// Makes a tenant's settings.
    package init(
        overrides: SettingOverrides = SettingOverrides(), accountOverrides: [AccountID: SettingOverrides] = [:],
        enabledWithoutSubscription: EnabledWithoutSubscription = .optIn, allowedOutsidePortal: Set<Sensitivity> = [],
        caps: [FrequencyCap] = [], unavailableChannels: ChannelSet = []
    ) {
        shared = Shared(
            Terms(
                overrides: overrides, accountOverrides: accountOverrides,
                enabledWithoutSubscription: enabledWithoutSubscription,
                allowedOutsidePortal: allowedOutsidePortal.subtracting([.secret]), caps: caps,
                unavailableChannels: unavailableChannels))
    }

    private var terms: Terms {
        get { shared.terms }
        set { shared = Shared(newValue) }
    }

    /// The supplier's settings where they differ from the catalog's.
    package var overrides: SettingOverrides {
        get { shared.terms.overrides }
        set { terms.overrides = newValue }
    }

    /// The supplier's settings for single accounts, where they differ from ``overrides``.
    package var accountOverrides: [AccountID: SettingOverrides] {
        get { shared.terms.accountOverrides }
        set { terms.accountOverrides = newValue }
    }

    /// What plain "Enabled" means.
    package var enabledWithoutSubscription: EnabledWithoutSubscription {
        get { shared.terms.enabledWithoutSubscription }
        set { terms.enabledWithoutSubscription = newValue }
    }

    /// Classes of variables that the supplier allows to leave the portal by e-mail, SMS, push and webhook.
    /// ``Sensitivity/secret`` is never among them.
    package var allowedOutsidePortal: Set<Sensitivity> {
        get { shared.terms.allowedOutsidePortal }
        set { terms.allowedOutsidePortal = newValue }
    }

    /// The most messages one user may get in some time.
    package var caps: [FrequencyCap] {
        get { shared.terms.caps }
        set { terms.caps = newValue }
    }

    /// Channels that no provider of the supplier carries at the moment: nobody can be reached on them.
    package var unavailableChannels: ChannelSet {
        get { shared.terms.unavailableChannels }
        set { terms.unavailableChannels = newValue }
    }

    /// Whether two settings say the same.
    package static func == (left: TenantSettings, right: TenantSettings) -> Bool {
        left.shared === right.shared || left.terms == right.terms
    }

    /// Hashes what makes two of them the same.
    package func hash(into hasher: inout Hasher) { hasher.combine(terms) }

    /// Whether any account has settings of its own.
    package var hasAccountOverrides: Bool { !shared.terms.accountOverrides.isEmpty }

    /// The setting in force for one type, audience and account, and who set it: the account's, else the tenant's, else
    /// the catalog's. Nil when the type does not concern the audience.
    package func setting(
        of type: NotificationType, for audience: Audience, account: AccountID?
    ) -> (setting: Setting, source: Trace.SettingSource)? {
        guard let terms = type.audiences[audience] else { return nil }
        if hasAccountOverrides, let account,
            let setting = accountOverrides[account]?[type.key, audience]
        {
            return (setting, .account)
        }
        if !overrides.isEmpty, let setting = overrides[type.key, audience] { return (setting, .tenant) }
        return (terms.setting, .catalog)
    }
}
