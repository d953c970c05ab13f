/// Why a recipient, or a channel, gets a notification or does not. The raw values are stored and given to clients: they
/// are stable codes, never renamed.
package enum Reason: String, CaseIterable, Sendable, Hashable {
    /// The reason's place in ``allCases``: less than 64.
    package var index: UInt8 {
        // Safe because an enumeration without associated values is the place of its case, in an octet while there are no more
        // than 256.
        unsafe unsafeBitCast(self, to: UInt8.self)
    }

    // The type, the event, the recipient.
    case typeDisabled = "type_disabled"
    case duplicate
    case recipientInactive = "recipient_inactive"
    case notInvited = "not_invited"
    case outOfScope = "out_of_scope"
    case objectSuppressed = "object_suppressed"
    case customerSuppressed = "customer_suppressed"
    case actorExcluded = "actor_excluded"

    // Reminders whose reason has gone.
    case paid
    case draft
    case credit
    case scheduled
    case onPlan = "on_plan"
    case conditionFalse = "condition_false"

    // Settings and choices.
    case optedOut = "opted_out"
    case notSubscribed = "not_subscribed"
    case channelOptedOut = "channel_opted_out"
    case unsubscribedByAccount = "unsubscribed_by_account"
    case noEligibleRecipient = "no_eligible_recipient"

    // The state of an address; mandatory types are bound by it too.
    case noAddress = "address_suppressed:no_address"
    case addressUnverified = "address_suppressed:unverified"
    case hardBounce = "address_suppressed:hard_bounce"
    case complaint = "address_suppressed:complaint"
    case smsStopped = "address_suppressed:sms_stop"
    case pushTokenGone = "address_suppressed:push_token_gone"
    case channelBlocked = "address_suppressed:blocked"

    // The supplier has nothing that carries the channel.
    case channelUnavailable = "channel_unavailable"

    // Time.
    case notYet = "not_yet"
    case quietHours = "quiet_hours"
    case snoozed
    case throttled
    case digested

    // Why somebody gets it.
    case mandatoryForAll = "mandatory_all"
    case mandatoryForDefaultUser = "mandatory_default_user"
    case mandatoryForStandIn = "mandatory_stand_in"
    case mandatoryForAddressee = "mandatory_addressee"
    case optedIn = "opted_in"
    case subscribedByAccount = "subscribed_by_account"
    case subscribedByDefault = "subscribed_by_default"
    case enabledWithoutSubscription = "enabled_without_subscription"

    /// Whether the reason is one for which a notification is sent, now or later.
    package var isPositive: Bool {
        switch self {
        case .mandatoryForAll, .mandatoryForDefaultUser, .mandatoryForStandIn, .mandatoryForAddressee, .optedIn,
            .subscribedByAccount, .subscribedByDefault, .enabledWithoutSubscription, .notYet, .quietHours, .snoozed,
            .digested:
            true
        default:
            false
        }
    }

    /// Whether the reason makes a notification mandatory for its recipient.
    package var isMandatory: Bool {
        switch self {
        case .mandatoryForAll, .mandatoryForDefaultUser, .mandatoryForStandIn, .mandatoryForAddressee: true
        default: false
        }
    }

    /// Whether the reason makes a notification mandatory because at least one must be told, and its recipient is who was found for it.
    package var isMandatoryForOne: Bool { isMandatory && self != .mandatoryForAll }

    /// Whether the reason says that the recipient cannot be told, whatever anybody wishes.
    package var saysUnreachable: Bool {
        switch self {
        case .recipientInactive, .notInvited, .outOfScope, .noAddress, .addressUnverified, .hardBounce, .complaint,
            .smsStopped, .pushTokenGone, .channelBlocked, .channelUnavailable:
            true
        default:
            false
        }
    }
}
