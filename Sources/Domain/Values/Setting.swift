/// Whether a setting leaves the choice to the recipient.
package enum Mandatory: String, CaseIterable, Sendable, Hashable {
    /// Recipients choose.
    case none
    /// The default user, or who stands in, always gets it; the others choose.
    case atLeastOne = "at_least_one"
    /// Everybody in scope always gets it.
    case all
}

/// What a supplier decided for one type and one audience.
package struct Setting: Hashable, Sendable {
    /// Whether the type is offered at all.
    package let enabled: Bool
    /// Whether those who chose nothing get it. With ``Mandatory/atLeastOne`` this is about the other users.
    package let defaultSubscribed: Bool
    /// Whether recipients can opt out.
    package let mandatory: Mandatory
    /// The channels that who must be told cannot drop. Empty for the first that can be delivered, which is kept too where none of
    /// these can be.
    package let mandatoryChannels: ChannelSet

    /// Makes a setting; what has no meaning is brought to one form, so that equal meaning is equal value: a disabled
    /// setting is never mandatory, one that is mandatory for all is subscribed by default, and one that is not mandatory has no
    /// mandatory channels.
    package init(
        enabled: Bool, defaultSubscribed: Bool, mandatory: Mandatory, mandatoryChannels: ChannelSet = []
    ) {
        self.enabled = enabled
        self.mandatory = enabled ? mandatory : .none
        self.mandatoryChannels = self.mandatory == .none ? [] : mandatoryChannels
        self.defaultSubscribed = enabled && (defaultSubscribed || mandatory == .all)
    }

    /// The setting that a preset stands for. `othersSubscribed` matters to ``Preset/mandatoryAtLeastOne`` only.
    package init(_ preset: Preset, othersSubscribed: Bool = false) {
        switch preset {
        case .disabled: self.init(enabled: false, defaultSubscribed: false, mandatory: .none)
        case .enabled: self.init(enabled: true, defaultSubscribed: false, mandatory: .none)
        case .subscribed: self.init(enabled: true, defaultSubscribed: true, mandatory: .none)
        case .mandatoryAtLeastOne:
            self.init(enabled: true, defaultSubscribed: othersSubscribed, mandatory: .atLeastOne)
        case .mandatoryAll: self.init(enabled: true, defaultSubscribed: true, mandatory: .all)
        }
    }

    /// What the other users get when at least one user must: subscribed by default, or only when they opt in.
    package var othersSubscribed: Bool { defaultSubscribed }

    /// The preset that the setting shows as.
    package var preset: Preset {
        switch (enabled, mandatory, defaultSubscribed) {
        case (false, _, _): .disabled
        case (true, .all, _): .mandatoryAll
        case (true, .atLeastOne, _): .mandatoryAtLeastOne
        case (true, .none, true): .subscribed
        case (true, .none, false): .enabled
        }
    }
}

/// The five settings as suppliers see them.
package enum Preset: String, CaseIterable, Sendable, Hashable {
    case disabled
    case enabled
    case subscribed
    case mandatoryAtLeastOne = "mandatory_one"
    case mandatoryAll = "mandatory_all"

    /// The preset's title in the portal.
    package var title: String {
        switch self {
        case .disabled: "Disabled"
        case .enabled: "Enabled"
        case .subscribed: "Enabled & Subscribed by Default"
        case .mandatoryAtLeastOne: "Enabled & Mandatory: At Least One User"
        case .mandatoryAll: "Enabled & Mandatory: All Users"
        }
    }
}
