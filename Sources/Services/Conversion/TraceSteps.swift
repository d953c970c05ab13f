internal import CarillonAPI
internal import Domain

/// Tells the rules that a decision looked at, in the order of precedence, from the facts that were stored with it.
enum TraceSteps {
    /// The steps of one channel's decision.
    ///
    /// - Parameters:
    ///   - trace: the stored facts.
    ///   - reason: why the channel is used or is not.
    ///   - channel: the channel.
    static func of(_ trace: Trace, reason: Reason, on channel: Channel) -> [Carillon_V1_TraceStep] {
        var steps: [Carillon_V1_TraceStep] = []
        if isAboutEvent(reason) { steps.append(step("event", true, reason.text)) }
        if let setting = trace.setting {
            steps.append(step(rule(trace.settingSource), reason == .typeDisabled, text(of: trace, setting)))
        }
        if let duty = trace.duty {
            steps.append(step("mandatory", reason.isMandatory, duty.reason.text))
        }
        if let choice = trace.choice {
            let word = choice.isOn ? "on" : "off"
            let kept = trace.duty == nil ? "" : "; kept, without effect while it is mandatory"
            let isDecisive = trace.duty == nil && (reason == .optedIn || reason == .optedOut)
            steps.append(step("user_choice", isDecisive, "The user chose \(word) for \(level(choice.level))\(kept)."))
        } else if trace.setting != nil {
            steps.append(step("user_choice", false, "The user made no choice for the type as a whole."))
        }
        if let choice = trace.accountChoice {
            let isDecisive = reason == .subscribedByAccount || reason == .unsubscribedByAccount
            let word = choice.isOn ? "on" : "off"
            steps.append(
                step("account_default", isDecisive, "The account's default is \(word) for \(level(choice.level))."))
        }
        if let rule = rule(ofChannel: reason) {
            steps.append(step(rule, true, "\(channel.title): \(reason.text)"))
        } else if reason == .notSubscribed || reason == .subscribedByDefault || reason == .enabledWithoutSubscription {
            steps.append(step("default", true, reason.text))
        }
        return steps
    }

    private static func step(_ rule: String, _ isDecisive: Bool, _ detail: String) -> Carillon_V1_TraceStep {
        var step = Carillon_V1_TraceStep()
        step.rule = rule
        step.decisive = isDecisive
        step.detail = detail
        return step
    }

    private static func isAboutEvent(_ reason: Reason) -> Bool {
        switch reason {
        case .duplicate, .recipientInactive, .notInvited, .outOfScope, .objectSuppressed, .customerSuppressed,
            .actorExcluded, .paid, .draft, .credit, .scheduled, .onPlan, .conditionFalse, .noEligibleRecipient:
            true
        default: false
        }
    }

    private static func rule(_ source: Trace.SettingSource) -> String {
        switch source {
        case .account: "account_setting"
        case .tenant: "tenant_setting"
        case .catalog: "catalog_setting"
        }
    }

    private static func text(of trace: Trace, _ setting: Setting) -> String {
        let who =
            switch trace.settingSource {
            case .account: "The supplier's setting for this account"
            case .tenant: "The supplier's setting"
            case .catalog: "The catalog's setting"
            }
        return "\(who) for \"\(trace.audience.title)\" is \"\(setting.preset.title)\"."
    }

    private static func level(_ level: Trace.ChoiceLevel) -> String {
        switch level {
        case .type: "this type"
        case .category: "its category"
        case .all: "everything"
        }
    }

    private static func rule(ofChannel reason: Reason) -> String? {
        switch reason {
        case .channelOptedOut: "channel_choice"
        case .noAddress, .addressUnverified, .hardBounce, .complaint, .smsStopped, .pushTokenGone, .channelBlocked:
            "address"
        case .channelUnavailable: "provider"
        case .notYet: "deliver_time"
        case .quietHours: "quiet_hours"
        case .snoozed: "snooze"
        case .throttled: "frequency_cap"
        case .digested: "digest"
        default: nil
        }
    }
}
