@testable import Domain

// The ten steps of the precedence, but for the eighth, which has files of its own.

extension Reference {
    /// 1. "unknown/disabled type or template missing". A type that does not concern the audience is not offered to it.
    func typeIsOff() -> Reason? {
        guard let setting = settingInForce(), setting.enabled else { return .typeDisabled }
        return world.isTemplateMissing ? .typeDisabled : nil
    }

    /// 2. "duplicate of the dedupe key". Who holds the keys is asked before the engine; what is left of this step is who
    /// was told already in another audience: "a supplier user who already gets it in person is not told again as a member of
    /// the team". The text leaves open what is with an id that both sides know; here one id is one person.
    static func isDuplicate(_ id: UserID, _ answer: Answer, after told: [UserID]) -> Bool {
        answer.tells && told.contains(id)
    }

    /// 3. "recipient erased/disabled/not invited". Somebody invited, and not yet signed in, receives.
    func recipientIsOut(_ user: UserFacts) -> Reason? {
        switch user.status {
        case .active, .invited: nil
        case .notInvited: .notInvited
        case .disabled, .erased: .recipientInactive
        }
    }

    /// Who of the audience the type concerns: "scope is a property of the type".
    func isInScope(_ user: UserFacts) -> Bool {
        switch world.terms[audience]?.scope {
        case .account:
            if audience == .internalTeam, let team = world.team { return team.contains(user.id) }
            return true
        case .accountAdmins: return user.isAdmin
        case .addressedUser: return world.addressedUsers.contains(user.id)
        case .assignedRep: return world.assignedReps.contains(user.id)
        case nil: return false
        }
    }

    /// 4. "object suppressed; customer suppressed (security and legal types exempt)".
    ///
    /// The text leaves open whether the supplier's own people hear of a customer who is suppressed; here they do: the flag
    /// silences notifications to the account. A suppressed object silences both sides: "the customer or the subscribed
    /// supplier user".
    func isSuppressed() -> Reason? {
        if ["Security", "Privacy and consent"].contains(world.category.rawValue) { return nil }
        if world.isObjectSuppressed { return .objectSuppressed }
        if audience == .customer, world.isAccountSuppressed { return .customerSuppressed }
        return nil
    }

    /// 5. "actor is the recipient and type excludes the actor".
    func isTheActor(_ user: UserFacts) -> Reason? {
        world.excludesActor && world.actor == user.id ? .actorExcluded : nil
    }

    /// 6. "applicability at send time false".
    func hasLostItsReason() -> Reason? {
        switch world.inapplicability {
        case .paid: .paid
        case .draft: .draft
        case .credit: .credit
        case .scheduled: .scheduled
        case .onPlan: .onPlan
        case .conditionFalse: .conditionFalse
        case nil: nil
        }
    }

    /// 7. "supplier's per-customer override → else tenant setting → else catalog default".
    ///
    /// The text leaves open whether an override for an account holds for the supplier's people too; here it does, for the
    /// audience that it names, when the event belongs to the account.
    func settingInForce() -> Setting? {
        guard let terms = world.terms[audience] else { return nil }
        if world.customers != nil, let override = world.settings.accountOverrides[World.account]?[World.key, audience] {
            return override
        }
        return world.settings.overrides[World.key, audience] ?? terms.setting
    }

    /// 9. "blocked channel, no address, hard bounce, complaint, SMS STOP, push token gone, even when mandatory". What the
    /// user can mend is said before what only the supplier can.
    func addressIsOut(_ user: UserFacts, on channel: Channel) -> Reason? {
        suppression(of: address(of: user, on: channel))
            ?? (world.settings.unavailableChannels.contains(channel) ? .channelUnavailable : nil)
    }

    /// Where a message goes. Nothing in the text: an event about an address goes there, and what tells somebody in person how to get
    /// into the portal keeps to the addresses that the portal gives ("make address a changeable, verified attribute", trap 23).
    func address(of user: UserFacts, on channel: Channel) -> AddressState {
        if let destination = world.destination, destination.channel == channel { return destination.state }
        let isAboutAccess = world.category.rawValue == "Security" && world.terms[audience]?.scope == .addressedUser
        return (isAboutAccess ? user.accessAddresses : nil)?[channel] ?? user.addresses[channel]
    }

    /// What the state of an address is called as a reason.
    func suppression(of address: AddressState) -> Reason? {
        switch address {
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

    /// 10, before the reader's wishes. Trap 7: "Precedence must be tested, not commented". The producer's time comes first, for
    /// everybody and the inbox too: nobody hears of it before. From then on the wishes of the reader hold.
    func isTooEarly() -> ChannelDecision? {
        guard let time = world.notBefore, time > world.now else { return nil }
        return ChannelDecision(.defer(until: time), .notYet)
    }

    /// The moment at which the reader's wishes are asked: now, or when the producer lets it out.
    private var beginning: Instant { world.notBefore.map { max($0, world.now) } ?? world.now }

    /// 10. "quiet hours → deferred (critical and in-app exempt); digest choice → digested".
    ///
    /// The text lists quiet hours, caps and digests without saying which of them comes first; here a digest does, as it
    /// comes at a time of the user's own choosing, then quiet hours, and caps last: what waits is decided again when it is
    /// sent. The text leaves open whether mandatory messages wait; here they do in quiet hours and for digests, and not for
    /// a snooze, until which nothing comes "but what is mandatory or critical".
    func hasToWait(_ person: World.Person, isMandatory: Bool) -> ChannelDecision? {
        if world.priority == .critical { return nil }
        var snooze = isMandatory ? nil : person.facts.snoozedUntil
        if let end = snooze, end <= beginning { snooze = nil }
        let time = snooze ?? beginning
        if world.isDigestible, let cadence = cadence(of: person.facts), cadence != .immediately {
            // Of a user with no schedule: "a digest closes at 08:00 UTC", on Mondays.
            let clock = person.clock ?? World.Clock(zone: .utc, digestMinute: 8 * 60, digestDay: .monday)
            let window = ReferenceClock(zone: clock.zone).digestWindow(cadence, of: clock, at: time)
            return ChannelDecision(.digest(window), .digested)
        }
        // A snooze was asked for with a date, so types that pass quiet hours wait for it as well.
        if world.respectsQuietHours, let clock = person.clock, let hours = clock.hours,
            let end = ReferenceClock(zone: clock.zone).end(of: hours, at: time)
        {
            return ChannelDecision(.defer(until: end), snooze == nil ? .quietHours : .snoozed)
        }
        return snooze.map { ChannelDecision(.defer(until: $0), .snoozed) }
    }

    /// 10. "frequency cap → throttled (mandatory exempt but still counted)".
    ///
    /// The text leaves open fractions of a second; here spans are counted in whole seconds of the clock.
    func isThrottled(_ user: UserFacts, on channel: Channel) -> Bool {
        for cap in world.settings.caps where isAbout(cap, World.key, world.category, channel) {
            let counted = user.recentSends.filter { send in
                isAbout(cap, send.type, send.category, send.channel)
                    && world.now.seconds - send.at.seconds < cap.seconds
            }
            if counted.count >= cap.limit { return true }
        }
        return false
    }

    /// Whether a cap is about messages of a type on a channel. None is about the inbox.
    private func isAbout(_ cap: FrequencyCap, _ type: TypeKey, _ category: CategoryName, _ channel: Channel) -> Bool {
        if channel == .inApp { return false }
        if let only = cap.channel, only != channel { return false }
        switch cap.scope {
        case .all: return true
        case .category(let name): return name == category
        case .type(let key): return key == type
        }
    }
}
