@testable import Domain

// 8, first half: "mandatory → keep". Who must be told, and who stands in.

extension Reference {
    /// Why a user who is in scope must be told; nil when it is the user's choice.
    ///
    /// A duty that was found when the event was published "counts only while the setting is mandatory". The text leaves
    /// open what it is worth beside a duty found now; here the one that was held speaks.
    func duty(of user: UserFacts, held: Duty?) -> Duty? {
        switch settingInForce()?.mandatory {
        case nil, Mandatory.none?: return nil
        case .all: return held ?? .everyone
        case .atLeastOne: return held ?? dutyOfOne(user)
        }
    }

    private func dutyOfOne(_ user: UserFacts) -> Duty? {
        if isPersonal { return .addressee }
        guard let designated = designated(), designated.id == user.id else { return nil }
        return designated.id == reachableDefaultUser()?.id ? .defaultUser : .standIn
    }

    /// "Person-addressed types must never fan out": who is named has no stand-in.
    private var isPersonal: Bool {
        let scope = world.terms[audience]?.scope
        return scope == .addressedUser || scope == .assignedRep
    }

    /// The fallback order: the default user → admins by seniority → any active user. Only within the type's scope. The
    /// text leaves open which of the active users; here the most senior.
    private func designated() -> UserFacts? {
        if let user = reachableDefaultUser() { return user }
        let eligible = people.map(\.facts).filter { isInScope($0) && isReachable($0) }
        return eligible.first(where: \.isAdmin) ?? eligible.first
    }

    private func reachableDefaultUser() -> UserFacts? {
        let id = world.people(of: audience).defaultUser
        return people.map(\.facts).first { $0.id == id && isInScope($0) && isReachable($0) }
    }

    /// Not "missing, disabled, erased", nor without "deliverable address on any allowed channel". Whether quiet hours hold
    /// back, or the user is the actor, does not matter: "literal text holds whenever D is reachable".
    private func isReachable(_ user: UserFacts) -> Bool {
        recipientIsOut(user) == nil && world.channels.contains { addressIsOut(user, on: $0) == nil }
    }

    /// What follows the users when at least one must be told and none can be: "account billing mailbox → nobody".
    ///
    /// The text leaves open for which scopes the mailbox stands in; here only where the whole account is in scope: what is
    /// for administrators or for one person is not shown to who reads the mailbox.
    func lastResort() -> Outcome.Entry? {
        guard typeIsOff() == nil, isSuppressed() == nil, hasLostItsReason() == nil else { return nil }
        guard settingInForce()?.mandatory == .atLeastOne else { return nil }
        let account = audience.isInternal ? nil : World.account
        if isPersonal {
            // An event may name people of the other side only; then nothing is owed here.
            let named = people.map(\.facts).filter { isInScope($0) }
            if named.isEmpty || named.contains(where: { isReachable($0) }) { return nil }
        } else {
            if designated() != nil { return nil }
            let mailbox = standInAnswer()
            if mailbox.tells {
                return Outcome.Entry(recipient: .mailbox(account), audience: audience, answer: mailbox)
            }
        }
        return Outcome.Entry(recipient: .nobody(account), audience: audience, answer: refusal(.noEligibleRecipient))
    }

    /// The billing mailbox as a recipient: it has nothing but an address for e-mail, and no clock.
    ///
    /// The text leaves open what becomes of a mailbox that stood in when the event was published; here it does so while the
    /// setting is mandatory and the whole account is in scope.
    private func standInAnswer() -> Answer {
        if let reason = typeIsOff() ?? isSuppressed() ?? hasLostItsReason() { return refusal(reason) }
        guard world.terms[audience]?.scope == .account, settingInForce()?.mandatory != Mandatory.none else {
            return refusal(.notSubscribed)
        }
        var verdicts = PerChannel<ChannelDecision?>(repeating: nil)
        for channel in world.channels {
            verdicts[channel] = toMailbox(on: channel, because: .mandatoryForStandIn)
        }
        return Answer(reason: .mandatoryForStandIn, channels: verdicts)
    }

    private func toMailbox(on channel: Channel, because reason: Reason) -> ChannelDecision {
        if channel != .email { return .suppressed(.noAddress) }
        if let suppression = suppression(of: world.people(of: audience).mailbox) { return .suppressed(suppression) }
        if world.settings.unavailableChannels.contains(.email) { return .suppressed(.channelUnavailable) }
        return isTooEarly() ?? ChannelDecision(.deliver, reason)
    }

    /// A mailbox at the worker's second look, with the duty that it held. An account's is there as a stand-in and as nothing else.
    ///
    /// The text leaves open what a team's mailbox is that stood in and need not any more; here a member again.
    func mailboxAnswer(heldDuty: Duty?) -> Answer {
        guard audience == .internalTeam else { return standInAnswer() }
        if heldDuty == .standIn, world.terms[audience] != nil, settingInForce()?.mandatory != Mandatory.none {
            return standInAnswer()
        }
        return teamAnswer(heldDuty: heldDuty)
    }

    /// The team's mailbox hears what is for the team, like a member who has mail and no clock: "a team its mailbox".
    private func teamAnswer(heldDuty: Duty?) -> Answer {
        if let reason = typeIsOff() ?? isSuppressed() ?? hasLostItsReason() { return refusal(reason) }
        guard world.terms[audience]?.scope == .account, let setting = settingInForce() else {
            return refusal(.notSubscribed)
        }
        let reason: Reason
        switch setting.mandatory {
        case .all: reason = (heldDuty ?? .everyone).reason
        case .atLeastOne where heldDuty != nil: reason = heldDuty?.reason ?? .mandatoryForStandIn
        case .atLeastOne, .none:
            reason = wish(ofMailbox: world.supplier.mailboxChoices)
        }
        guard reason.isPositive else { return refusal(reason) }
        var verdicts = PerChannel<ChannelDecision?>(repeating: nil)
        for channel in world.channels { verdicts[channel] = toMailbox(on: channel, because: reason) }
        return Answer(reason: reason, channels: verdicts)
    }

    /// The entry of the team's mailbox, once for each event however many members there are.
    func teamMailbox() -> Outcome.Entry? {
        guard audience == .internalTeam, world.terms[audience]?.scope == .account, world.supplier.mailbox != .missing
        else { return nil }
        return Outcome.Entry(recipient: .mailbox(nil), audience: audience, answer: teamAnswer(heldDuty: nil))
    }

    /// Whether a channel is one that a user who must be told cannot drop: those that the setting names, and where none of
    /// them can be delivered, the first that can.
    func isKept(_ channel: Channel, for user: UserFacts) -> Bool {
        let named = world.channels.filter { settingInForce()?.mandatoryChannels.contains($0) == true }
        if named.contains(channel) { return true }
        if named.contains(where: { addressIsOut(user, on: $0) == nil }) { return false }
        return world.channels.first { addressIsOut(user, on: $0) == nil } == channel
    }
}
