extension Decision {
    /// The decision in words, for the recipient and for supplier staff: who set what, which rule won, and what happens
    /// on each channel. Made on demand; a check does not pay for it.
    package var explanation: [String] {
        var lines: [String] = []
        if let setting = trace.setting {
            let source =
                switch trace.settingSource {
                case .account: "The supplier's setting for this account"
                case .tenant: "The supplier's setting"
                case .catalog: "The catalog's setting"
                }
            lines.append("\(source) for \(trace.audience.title) is \"\(setting.preset.title)\".")
        }
        lines.append(ruleText)
        for channel in Channel.allCases {
            guard let decision = channels[channel] else { continue }
            // What holds for the whole needs no repetition for each channel.
            if !reason.isPositive, decision.reason == reason { continue }
            lines.append("\(channel.title): \(decision.text).")
        }
        return lines
    }

    private var ruleText: String {
        guard let duty = trace.duty, reason.isMandatory else { return reason.text }
        let who =
            switch duty {
            case .everyone: trace.audience == .customer ? "all users of the account" : "everybody it concerns"
            case .defaultUser: "at least one user, and you are the default user"
            case .standIn: "at least one user, and you stand in for a default user who cannot be reached"
            case .addressee: "the person it is addressed to"
            }
        let choice = trace.choice?.isOn == false ? "; your opt-out is kept and ignored" : ""
        return "Mandatory for \(who)\(choice)."
    }
}

extension ChannelDecision {
    fileprivate var text: String {
        switch verdict {
        case .deliver: "sent"
        case .defer(let until): "held back by \(reason.holder) until \(until)"
        case .digest(let window): "put into your digest of \(window.closes)"
        case .suppress(let reason): "not sent; " + reason.channelText
        }
    }
}

extension Reason {
    /// The reason as one sentence, addressed to the recipient.
    package var text: String {
        switch self {
        case .typeDisabled: "The supplier does not offer this notification here."
        case .duplicate: "You are already told of the same event."
        case .recipientInactive: "The user is not active."
        case .notInvited: "The user was not invited yet."
        case .outOfScope: "This notification does not concern the user."
        case .objectSuppressed: "The supplier silenced notifications about this object."
        case .customerSuppressed: "The supplier silenced notifications to this account."
        case .actorExcluded: "You did it yourself."
        case .paid: "It was paid in the meantime."
        case .draft: "It is only a draft."
        case .credit: "It is a credit."
        case .scheduled: "A payment is already scheduled."
        case .onPlan: "It is on a payment plan."
        case .conditionFalse: "Its condition no longer holds."
        case .optedOut: "You opted out."
        case .notSubscribed: "You did not subscribe, and it is not subscribed by default."
        case .channelOptedOut: "You turned this channel off."
        case .unsubscribedByAccount: "An administrator of the account turned it off for those who choose nothing."
        case .noEligibleRecipient: "At least one user must be told, and nobody can be reached."
        case .noAddress: "There is no address."
        case .addressUnverified: "The address is not confirmed yet."
        case .hardBounce: "Messages to the address came back for good."
        case .complaint: "The owner of the address reported a message as unwanted."
        case .smsStopped: "The owner of the number answered STOP."
        case .pushTokenGone: "The device no longer takes messages."
        case .channelBlocked: "The address is blocked."
        case .channelUnavailable: "The supplier has no provider for this channel."
        case .notYet: "Held back until the time that the supplier chose."
        case .quietHours: "Held back until your quiet hours end."
        case .snoozed: "Held back until your snooze ends."
        case .throttled: "You already got as many as the supplier allows."
        case .digested: "Put into your digest."
        case .mandatoryForAll: "Mandatory for everybody it concerns."
        case .mandatoryForDefaultUser: "Mandatory for at least one user: the default user."
        case .mandatoryForStandIn: "Mandatory for at least one user: who stands in for the default user."
        case .mandatoryForAddressee: "Mandatory for the person it is addressed to."
        case .optedIn: "You subscribed."
        case .subscribedByAccount: "An administrator of the account turned it on for those who choose nothing."
        case .subscribedByDefault: "Subscribed by default."
        case .enabledWithoutSubscription: "The supplier sends it to everybody who did not opt out."
        }
    }

    /// What holds a message back, in the middle of a sentence.
    fileprivate var holder: String {
        switch self {
        case .notYet: "the supplier"
        case .snoozed: "your snooze"
        default: "quiet hours"
        }
    }

    /// The reason in the middle of a sentence.
    fileprivate var channelText: String {
        let sentence = text.dropLast()
        return sentence.prefix(1).lowercased() + sentence.dropFirst()
    }
}
