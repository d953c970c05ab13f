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
            let mailbox = mailboxAnswer()
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
    func mailboxAnswer() -> Answer {
        if let reason = typeIsOff() ?? isSuppressed() ?? hasLostItsReason() { return refusal(reason) }
        guard world.terms[audience]?.scope == .account, settingInForce()?.mandatory != Mandatory.none else {
            return refusal(.notSubscribed)
        }
        var verdicts = PerChannel<ChannelDecision?>(repeating: nil)
        for channel in world.channels {
            if channel != .email {
                verdicts[channel] = .suppressed(.noAddress)
            } else if let reason = suppression(of: world.people(of: audience).mailbox) {
                verdicts[channel] = .suppressed(reason)
            } else if world.settings.unavailableChannels.contains(.email) {
                verdicts[channel] = .suppressed(.channelUnavailable)
            } else {
                verdicts[channel] = isTooEarly() ?? ChannelDecision(.deliver, .mandatoryForStandIn)
            }
        }
        return Answer(reason: .mandatoryForStandIn, channels: verdicts)
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
