/// What happens on one channel.
package enum Verdict: Hashable, Sendable {
    /// Send it now.
    case deliver
    /// Send it at this time; decide again then.
    case `defer`(until: Instant)
    /// Put it into the digest of this window.
    case digest(DigestWindow)
    /// Do not send it.
    case suppress(Reason)

    /// Whether something will be sent, now or later.
    package var isPositive: Bool {
        if case .suppress = self { false } else { true }
    }
}

/// The verdict on one channel, and the rule that won.
package struct ChannelDecision: Hashable, Sendable {
    /// What happens.
    package let verdict: Verdict
    /// Why; for a suppressed channel the same as in the verdict.
    package let reason: Reason

    /// A verdict with its reason.
    package init(_ verdict: Verdict, _ reason: Reason) {
        self.verdict = verdict
        self.reason = reason
    }

    /// A channel that is not used, for this reason.
    package static func suppressed(_ reason: Reason) -> ChannelDecision { ChannelDecision(.suppress(reason), reason) }
}

/// What an event means to one recipient: a verdict for each channel, with the reasons.
package struct Decision: Hashable, Sendable {
    /// Why the recipient gets it at all, or does not. When positive, single channels may still be suppressed.
    package let reason: Reason
    /// The verdict for each channel of the type; nil for channels the type does not use.
    package let channels: PerChannel<ChannelDecision?>
    /// The facts the decision rests on.
    package let trace: Trace

    /// Makes a decision.
    package init(reason: Reason, channels: PerChannel<ChannelDecision?>, trace: Trace) {
        self.reason = reason
        self.channels = channels
        self.trace = trace
    }

    /// Whether anything will be sent, now or later, on any channel.
    package var isPositive: Bool { !positiveChannels.isEmpty }

    /// The channels on which something will be sent, now or later.
    package var positiveChannels: ChannelSet {
        var set: ChannelSet = []
        for channel in Channel.allCases where channels[channel]?.verdict.isPositive == true {
            set.formUnion(ChannelSet(channel))
        }
        return set
    }

    /// The verdict on `channel`, nil when the type does not use it.
    package func verdict(on channel: Channel) -> Verdict? { channels[channel]?.verdict }
}

/// Who may be told of an event.
package enum Recipient: Hashable, Sendable {
    /// A user of the account, or of the supplier.
    case user(UserID)
    /// The account's billing mailbox: the last resort of ``Mandatory/atLeastOne``. Nil is that of the supplier's team, which hears of
    /// what is for the team besides.
    case mailbox(AccountID?)
    /// Nobody could be reached although at least one must. Of an account: who publishes raises
    /// `account.default_contact_unreachable` to the supplier's people with it. Nil is the supplier itself, behind whom
    /// there is nobody to be told.
    case nobody(AccountID?)
}

/// One recipient's decision.
package struct RecipientDecision: Hashable, Sendable {
    /// Who.
    package let recipient: Recipient
    /// As whom the recipient was considered.
    package let audience: Audience
    /// What was decided.
    package let decision: Decision

    /// Makes a recipient's decision.
    package init(recipient: Recipient, audience: Audience, decision: Decision) {
        self.recipient = recipient
        self.audience = audience
        self.decision = decision
    }
}
