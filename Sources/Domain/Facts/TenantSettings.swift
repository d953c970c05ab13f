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
package struct TenantSettings: Hashable, Sendable {
    /// What plain "Enabled" means to those who chose nothing.
    package enum EnabledWithoutSubscription: String, CaseIterable, Sendable, Hashable {
        /// Nobody gets it before they opt in: the only reading under which all presets differ.
        case optIn = "opt_in"
        /// Everybody gets it until they opt out.
        case deliver
    }

    /// The supplier's settings where they differ from the catalog's.
    package var overrides: SettingOverrides
    /// The supplier's settings for single accounts, where they differ from ``overrides``.
    package var accountOverrides: [AccountID: SettingOverrides]
    /// What plain "Enabled" means.
    package var enabledWithoutSubscription: EnabledWithoutSubscription
    /// Classes of variables that the supplier allows to leave the portal by e-mail, SMS, push and webhook.
    /// ``Sensitivity/secret`` is never among them.
    package var allowedOutsidePortal: Set<Sensitivity>
    /// The most messages one user may get in some time.
    package var caps: [FrequencyCap]
    /// Channels that no provider of the supplier carries at the moment: nobody can be reached on them.
    package var unavailableChannels: ChannelSet

    /// Makes a tenant's settings.
    package init(
        overrides: SettingOverrides = SettingOverrides(), accountOverrides: [AccountID: SettingOverrides] = [:],
        enabledWithoutSubscription: EnabledWithoutSubscription = .optIn, allowedOutsidePortal: Set<Sensitivity> = [],
        caps: [FrequencyCap] = [], unavailableChannels: ChannelSet = []
    ) {
        self.overrides = overrides
        self.accountOverrides = accountOverrides
        self.enabledWithoutSubscription = enabledWithoutSubscription
        self.allowedOutsidePortal = allowedOutsidePortal.subtracting([.secret])
        self.caps = caps
        self.unavailableChannels = unavailableChannels
    }

    /// The setting in force for one type, audience and account, and who set it: the account's, else the tenant's, else
    /// the catalog's. Nil when the type does not concern the audience.
    package func setting(
        of type: NotificationType, for audience: Audience, account: AccountID?
    ) -> (setting: Setting, source: Trace.SettingSource)? {
        guard let terms = type.audiences[audience] else { return nil }
        if !accountOverrides.isEmpty, let account,
            let setting = accountOverrides[account]?[type.key, audience]
        {
            return (setting, .account)
        }
        if let setting = overrides[type.key, audience] { return (setting, .tenant) }
        return (terms.setting, .catalog)
    }
}
