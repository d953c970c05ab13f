/// The facts that a decision rests on, small enough to be made on every check. Text is made of it on demand.
package struct Trace: Hashable, Sendable {
    /// Who set the setting in force.
    package enum SettingSource: String, Sendable, Hashable {
        /// The supplier, for this account alone.
        case account
        /// The supplier, for all accounts.
        case tenant
        /// The catalog.
        case catalog
    }

    /// Which of the recipient's choices spoke.
    package enum ChoiceLevel: String, Sendable, Hashable {
        case type
        case category
        case all
    }

    /// What the recipient chose.
    package struct ChoiceUsed: Hashable, Sendable {
        /// Where the choice was made.
        package let level: ChoiceLevel
        /// On or off.
        package let isOn: Bool

        /// A choice and its level.
        package init(level: ChoiceLevel, isOn: Bool) {
            self.level = level
            self.isOn = isOn
        }
    }

    /// As whom the recipient was considered.
    package let audience: Audience
    /// The setting in force; nil when the type does not concern the audience.
    package let setting: Setting?
    /// Who set it.
    package let settingSource: SettingSource
    /// The recipient's duty under a mandatory setting; nil when there is none.
    package let duty: Duty?
    /// The recipient's explicit choice for the type as a whole, if there is one. A mandatory setting keeps it and
    /// passes it over.
    package let choice: ChoiceUsed?
    /// What the account's administrators chose for the type as a whole; only where the recipient chose nothing.
    package let accountChoice: ChoiceUsed?

    /// Makes a trace.
    package init(
        audience: Audience, setting: Setting?, settingSource: SettingSource, duty: Duty?, choice: ChoiceUsed?,
        accountChoice: ChoiceUsed? = nil
    ) {
        self.audience = audience
        self.setting = setting
        self.settingSource = settingSource
        self.duty = duty
        self.choice = choice
        self.accountChoice = choice == nil ? accountChoice : nil
    }
}

/// Why a recipient must be told, whatever they chose.
package enum Duty: String, Sendable, Hashable, CaseIterable {
    /// Everybody in scope must.
    case everyone
    /// At least one must, and this is the default user.
    case defaultUser = "default_user"
    /// At least one must, the default user cannot be reached, and this is who stands in.
    case standIn = "stand_in"
    /// At least one must, and the event names this person, who has no stand-in.
    case addressee

    /// The reason code of the duty.
    package var reason: Reason {
        switch self {
        case .everyone: .mandatoryForAll
        case .defaultUser: .mandatoryForDefaultUser
        case .standIn: .mandatoryForStandIn
        case .addressee: .mandatoryForAddressee
        }
    }
}
