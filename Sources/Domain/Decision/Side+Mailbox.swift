// Mailboxes: an account's billing mailbox, which hears only where nobody else can, and the team's, which hears like a member.

extension Side {
    /// The entry of the team's mailbox; nil when there is none, or the side is not the team's.
    func teamMailbox(now: Instant) -> RecipientDecision? {
        guard audience == .internalTeam, scope == .account, facts.mailbox != .missing else { return nil }
        return RecipientDecision(
            recipient: .mailbox(facts.account), audience: audience, decision: decideMailbox(heldDuty: nil, now: now))
    }

    /// The decision for the side's mailbox.
    ///
    /// It has an address for mail and nothing else, and no clock: nothing but the event's own time makes it wait. As a stand-in
    /// it hears while the setting asks that at least one be told.
    ///
    /// - Parameters:
    ///   - heldDuty: the duty that was found when the event was published. An account's mailbox is always a stand-in; the team's is one
    ///     only when that is held.
    ///   - now: the time of asking.
    func decideMailbox(heldDuty: Duty?, now: Instant) -> Decision {
        let isMandatory = setting.map { $0.mandatory != .none } ?? false
        let isMember = audience == .internalTeam && !(isMandatory && heldDuty == .standIn)
        let standing = isMember ? Standing(facts.mailboxChoices, type: event.type) : nil
        let memberDuty = isMandatory ? heldDuty ?? (setting?.mandatory == .all ? .everyone : nil) : nil
        let duty = isMember ? memberDuty : .standIn
        let trace = Trace(
            audience: audience, setting: setting, settingSource: source, duty: duty, choice: standing?.whole)
        if let reason = silence ?? event.inapplicability?.reason { return refusal(reason, like: trace) }
        guard scope == .account, isMember || isMandatory else { return refusal(.notSubscribed, like: trace) }
        let reason = duty?.reason ?? standing?.word(on: .email) ?? defaultReason
        guard reason.isPositive else { return refusal(reason, like: trace) }
        var channels = PerChannel<ChannelDecision?>(repeating: nil)
        for channel in event.type.channels {
            let address = channel == .email ? facts.mailbox.suppression : .noAddress
            let provider: Reason? = settings.unavailableChannels.contains(channel) ? .channelUnavailable : nil
            channels[channel] =
                (address ?? provider).map(ChannelDecision.suppressed) ?? untimed(reason, eventTime(after: now))
        }
        return Decision(reason: reason, channels: channels, trace: trace)
    }
}
