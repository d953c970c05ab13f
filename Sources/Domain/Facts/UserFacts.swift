/// What is known of one user at the moment of a decision.
package struct UserFacts: Hashable, Sendable {
    /// Whether a user takes part.
    package enum Status: String, CaseIterable, Sendable, Hashable {
        case active
        /// Invited, and not yet signed in; receives like an active user.
        case invited
        /// Known to the supplier, never invited.
        case notInvited = "not_invited"
        case disabled
        case erased
    }

    /// Who.
    package let id: UserID
    /// Whether the user takes part.
    package var status: Status
    /// Whether the user administers the account.
    package var isAdmin: Bool
    /// Whether a user of the supplier hears what is for the team.
    package var isTeamMember: Bool
    /// The order in which users joined: lower is more senior. Ties are broken by id.
    package var seniority: Int64
    /// The state of the user's address on each channel.
    package var addresses: PerChannel<AddressState>
    /// The same for types that are about access to the portal (``NotificationType/isAboutAccess(for:)``), which do not go to addresses that the
    /// user has added while the portal gives any; nil where there is no difference.
    package var accessAddresses: PerChannel<AddressState>?
    /// The user's explicit choices.
    package var choices: PerAudience<Choices>
    /// The user's zone, quiet hours and digest times; nil when none were set: then nothing waits, and a digest closes at
    /// 08:00 UTC.
    package var schedule: Schedule?
    /// Until when the user wants to hear of nothing but what is mandatory or critical, outside of the portal; nil for no such
    /// time. What comes before is sent then.
    package var snoozedUntil: Instant?
    /// What the user got lately, where the tenant has caps: at least all within their spans.
    package var recentSends: [RecentSend]

    /// Makes the facts of one user.
    package init(
        id: UserID, status: Status = .active, isAdmin: Bool = false, isTeamMember: Bool = true, seniority: Int64 = 0,
        addresses: PerChannel<AddressState>, accessAddresses: PerChannel<AddressState>? = nil,
        choices: PerAudience<Choices>? = nil, schedule: Schedule? = nil,
        snoozedUntil: Instant? = nil, recentSends: [RecentSend] = []
    ) {
        self.id = id
        self.status = status
        self.isAdmin = isAdmin
        self.isTeamMember = isTeamMember
        self.seniority = seniority
        self.addresses = addresses
        self.accessAddresses = accessAddresses
        self.choices = choices ?? .none
        self.schedule = schedule
        self.snoozedUntil = snoozedUntil
        self.recentSends = recentSends
    }

    /// Why the user gets nothing at all, nil when there is no such reason.
    package var inactivity: Reason? {
        switch status {
        case .active, .invited: nil
        case .notInvited: .notInvited
        case .disabled, .erased: .recipientInactive
        }
    }

    /// The channels on which the user has a usable address.
    package var usableChannels: ChannelSet { Self.usableChannels(addresses) }

    /// The channels on which some addresses are usable.
    static func usableChannels(_ addresses: PerChannel<AddressState>) -> ChannelSet {
        var set: ChannelSet = []
        if addresses[.email] == .usable { set.formUnion(ChannelSet(.email)) }
        if addresses[.inApp] == .usable { set.formUnion(ChannelSet(.inApp)) }
        if addresses[.push] == .usable { set.formUnion(ChannelSet(.push)) }
        if addresses[.sms] == .usable { set.formUnion(ChannelSet(.sms)) }
        if addresses[.webhook] == .usable { set.formUnion(ChannelSet(.webhook)) }
        return set
    }

    /// Whether the user takes part and has a usable address on one of `channels`.
    package func isReachable(on channels: ChannelSet) -> Bool {
        inactivity == nil && !usableChannels.isDisjoint(with: channels)
    }
}

/// Whether an address can be used.
package enum AddressState: String, CaseIterable, Sendable, Hashable {
    case usable
    /// There is none.
    case missing
    /// It has to be confirmed first.
    case unverified
    /// A permanent failure came back.
    case hardBounced = "hard_bounced"
    /// The owner reported it as unwanted.
    case complained
    /// The owner answered STOP.
    case stopped
    /// The device's token is no longer valid.
    case tokenGone = "token_gone"
    /// The supplier or the operator blocked it.
    case blocked

    /// Why the address is not used, nil when it can be.
    package var suppression: Reason? {
        switch self {
        case .usable: nil
        case .missing: .noAddress
        case .unverified: .addressUnverified
        case .hardBounced: .hardBounce
        case .complained: .complaint
        case .stopped: .smsStopped
        case .tokenGone: .pushTokenGone
        case .blocked: .channelBlocked
        }
    }
}
