@testable import Domain

// 8, second half: "else user choice (type > category > all) → customer-admin default → tenant default → catalog default".

extension Reference {
    /// What somebody said of one channel.
    private enum Word {
        /// Yes, to the whole or to the channel.
        case yes
        /// No to the whole.
        case no
        /// No to the channel.
        case notHere
    }

    /// Why a user wants, or does not want, to be told on a channel; for a user who must be told, why the channel is used or
    /// was dropped.
    func wish(of user: UserFacts, duty: Duty?, on channel: Channel) -> Reason {
        if let duty {
            // "Mandatory fixes whether, not every channel." The opt-out of the whole is kept and ignored. The text leaves
            // open whether "My Notifications" drops channels of what is mandatory for the team; here it does not.
            if isKept(channel, for: user) { return duty.reason }
            let own = word(in: user.choices[audience], on: channel)
            if own == .notHere { return .channelOptedOut }
            // The text leaves open whose word drops a channel. Here the account's counts for who said nothing at all, and
            // even the account's no to the channel yields to any word of the user's.
            if own == nil, isTurnedOff(channel, in: accountDefaults) { return .unsubscribedByAccount }
            return duty.reason
        }
        let reason = choice(of: user, on: channel)
        // "A supplier user's 'My Notifications' choice can only narrow what 'Supplier Notifications' offers."
        if audience == .internalTeam, reason.isPositive {
            switch word(in: user.choices.internalIndividual, on: channel) {
            case .no: return .optedOut
            case .notHere: return .channelOptedOut
            case .yes, nil: break
            }
        }
        return reason
    }

    /// The user, else the account's administrators, else the supplier.
    private func choice(of user: UserFacts, on channel: Channel) -> Reason {
        switch word(in: user.choices[audience], on: channel) {
        case .yes: return .optedIn
        case .no: return .optedOut
        case .notHere: return .channelOptedOut
        case nil: break
        }
        switch word(in: accountDefaults, on: channel) {
        case .yes: return .subscribedByAccount
        case .no, .notHere: return .unsubscribedByAccount
        case nil: return supplierDefault()
        }
    }

    /// What the team's mailbox is to hear of, which is no reader with wishes of more than one kind.
    func wish(ofMailbox choices: Choices) -> Reason {
        switch word(in: choices, on: .email) {
        case .yes: .optedIn
        case .no: .optedOut
        case .notHere: .channelOptedOut
        case nil: supplierDefault()
        }
    }

    /// What the account's administrators chose: for customers only.
    private var accountDefaults: Choices {
        audience == .customer && world.customers != nil ? world.accountDefaults : .none
    }

    /// What holds for those for whom nobody said anything. The switch is about plain "Enabled": where at least one must be
    /// told, "only the designated default user" is meant.
    private func supplierDefault() -> Reason {
        guard let setting = settingInForce() else { return .typeDisabled }
        if setting.defaultSubscribed { return .subscribedByDefault }
        if setting.mandatory == .none, world.settings.enabledWithoutSubscription == .deliver {
            return .enabledWithoutSubscription
        }
        return .notSubscribed
    }

    /// What choices say of a channel; nil is nothing. A word on the channel comes before one on the whole, and of words of
    /// one sort the more specific.
    ///
    /// The text leaves open what a channel is worth that was turned on where the whole is off; here it does not count when
    /// the whole was turned off at the same level or a more specific one. It still hides what less specific levels say of
    /// the channel.
    private func word(in choices: Choices, on channel: Channel) -> Word? {
        if isTurnedOff(channel, in: choices) { return .notHere }
        var whole: Bool?
        for level in levels(of: choices) {
            whole = whole ?? level.whole
            if whole == false { return .no }
            if level.channelsOn.contains(channel) { return .yes }
        }
        return whole == true ? .yes : nil
    }

    /// Whether the most specific level that names a channel turned it off.
    private func isTurnedOff(_ channel: Channel, in choices: Choices) -> Bool {
        for level in levels(of: choices) {
            if level.channelsOff.contains(channel) { return true }
            if level.channelsOn.contains(channel) { return false }
        }
        return false
    }

    /// How often a user wants to hear of the type: the most specific word, else the account's.
    func cadence(of user: UserFacts) -> Cadence? {
        for level in levels(of: user.choices[audience]) + levels(of: accountDefaults) {
            if let cadence = level.cadence { return cadence }
        }
        return nil
    }

    /// "type > category > all".
    private func levels(of choices: Choices) -> [Choice] {
        [choices[World.key], choices[world.category], choices.all]
    }
}
