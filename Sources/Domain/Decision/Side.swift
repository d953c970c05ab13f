/// One audience's side of an event: what is the same for all its people, found once.
struct Side {
    let audience: Audience
    let event: EventFacts
    let facts: SideFacts
    let settings: TenantSettings

    let scope: Scope
    let setting: Setting?
    let source: Trace.SettingSource
    let designation: Designation
    /// What the account's administrators chose for those who choose nothing; nil for nothing.
    private let accountStanding: Standing?
    /// Why the whole side is silent: the type is off, or what it is about is suppressed. Nil when it is not.
    let silence: Reason?

    /// - Parameters:
    ///   - audience: whose side.
    ///   - event: what happened.
    ///   - facts: what is known of the audience's side.
    ///   - account: the account that the event is about, whoever's side it is; nil for none.
    ///   - settings: what the tenant decided.
    init(audience: Audience, event: EventFacts, facts: SideFacts, about account: AccountID?, settings: TenantSettings) {
        self.audience = audience
        self.event = event
        self.facts = facts
        self.settings = settings

        let type = event.type
        accountStanding =
            audience == .customer && !facts.defaults.isEmpty ? Standing(facts.defaults, type: type) : nil
        let inForce = settings.setting(of: type, for: audience, account: account)
        let scope = type.audiences[audience]?.scope ?? .account
        self.scope = scope
        setting = inForce?.setting
        source = inForce?.source ?? .catalog
        if let inForce {
            designation = Designation(
                setting: inForce.setting, scope: scope,
                channels: type.channelSet.subtracting(settings.unavailableChannels),
                roster: facts.roster(for: audience), mailbox: facts.mailbox)
        } else {
            designation = .none
        }
        silence =
            if inForce?.setting.enabled != true || event.isTemplateMissing {
                .typeDisabled
            } else if event.isObjectSuppressed, !type.isExemptFromSuppression {
                .objectSuppressed
            } else if audience == .customer, facts.isSuppressed, !type.isExemptFromSuppression {
                .customerSuppressed
            } else {
                nil
            }
    }

    // MARK: Who

    /// Those of the side's people whom the event may concern, in order of seniority.
    func candidates(in directory: Directory) -> [UserFacts] {
        switch scope {
        case .addressedUser, .assignedRep:
            let named = scope == .addressedUser ? event.addressedUsers : event.assignedReps
            return Set(named).compactMap { directory[$0] }
                .sorted { ($0.seniority, $0.id) < ($1.seniority, $1.id) }
        case .account, .accountAdmins:
            return directory.users.filter(isInScope)
        }
    }

    private func isInScope(_ user: UserFacts) -> Bool {
        switch scope {
        case .account: audience != .internalTeam || user.isTeamMember
        case .accountAdmins: user.isAdmin && (audience != .internalTeam || user.isTeamMember)
        case .addressedUser: event.addresses(user.id)
        case .assignedRep: event.concerns(rep: user.id)
        }
    }

    private func duty(of user: UserFacts) -> Duty? {
        switch designation {
        case .everyone: .everyone
        case .user(let designated, let duty): designated == user.id ? duty : nil
        case .addressees: .addressee
        case .none, .mailbox, .nobody: nil
        }
    }

    // MARK: Whether

    /// The decision for a user of the side. The rules stand in the order in which they win.
    func decide(_ user: UserFacts, heldDuty: Duty?, now: Instant) -> Decision {
        let wishes = Wishes(own: Standing(user.choices[audience], type: event.type), account: accountStanding)
        let isMandatory = setting.map { $0.mandatory != .none } ?? false
        let duty = isMandatory ? heldDuty ?? duty(of: user) : nil
        let trace = Trace(
            audience: audience, setting: setting, settingSource: source, duty: duty, choice: wishes.own.whole,
            accountChoice: accountStanding?.whole)

        if silence == .typeDisabled { return refusal(.typeDisabled, like: trace) }
        if !isInScope(user) { return refusal(.outOfScope, like: trace) }
        if let reason = user.inactivity { return refusal(reason, like: trace) }
        if let silence { return refusal(silence, like: trace) }
        if event.type.excludesActor, event.actor == user.id { return refusal(.actorExcluded, like: trace) }
        if let inapplicability = event.inapplicability { return refusal(inapplicability.reason, like: trace) }

        if let duty { return mandatory(user, wishes, duty, trace, now) }
        return chosen(user, wishes, trace, now)
    }

    private func mandatory(
        _ user: UserFacts, _ wishes: Wishes, _ duty: Duty, _ trace: Trace, _ now: Instant
    ) -> Decision {
        let kept = keptChannels(of: user)
        var channels = PerChannel<ChannelDecision?>(repeating: nil)
        for channel in event.type.channels {
            if !kept.contains(channel), let reason = wishes.drop(of: channel) {
                channels[channel] = .suppressed(reason)
            } else {
                channels[channel] = timed(channel, duty.reason, user, wishes, now)
            }
        }
        return Decision(reason: duty.reason, channels: channels, trace: trace)
    }

    /// The channels that who must be told cannot drop. Mandatory fixes whether, not every channel: those that the setting names
    /// stay, and where none of them can be delivered the first that can.
    private func keptChannels(of user: UserFacts) -> ChannelSet {
        let usable = event.usableChannels(of: user, as: audience).subtracting(settings.unavailableChannels)
        let named = setting?.mandatoryChannels.intersection(event.type.channelSet) ?? []
        guard named.isDisjoint(with: usable), let first = event.type.channels.first(where: { usable.contains($0) })
        else {
            return named
        }
        return named.union(ChannelSet(first))
    }

    private func chosen(_ user: UserFacts, _ wishes: Wishes, _ trace: Trace, _ now: Instant) -> Decision {
        // "My Notifications" can only narrow what "Supplier Notifications" offers: a no there holds here too.
        let narrowing =
            audience == .internalTeam ? Standing(user.choices.internalIndividual, type: event.type) : nil
        var channels = PerChannel<ChannelDecision?>(repeating: nil)
        var wanted: Reason?
        var refused: Reason?
        for channel in event.type.channels {
            var reason = wishes.word(on: channel) ?? defaultReason
            if reason.isPositive, let narrowing, narrowing.refuses(channel) {
                reason = narrowing.word(on: channel) ?? reason
            }
            if reason.isPositive {
                wanted = wanted ?? reason
                channels[channel] = timed(channel, reason, user, wishes, now)
            } else {
                // A no to the whole says more than a no to one channel.
                refused = refused == nil || refused == .channelOptedOut ? reason : refused
                channels[channel] = .suppressed(reason)
            }
        }
        let reason = wanted ?? (refused == .channelOptedOut ? .optedOut : refused) ?? defaultReason
        return Decision(reason: reason, channels: channels, trace: trace)
    }

    /// What holds for users who said nothing.
    var defaultReason: Reason {
        guard let setting else { return .typeDisabled }
        if setting.defaultSubscribed { return .subscribedByDefault }
        // The switch is about plain "Enabled". Where at least one must be told, "only the default user" is meant.
        if setting.mandatory == .none, settings.enabledWithoutSubscription == .deliver {
            return .enabledWithoutSubscription
        }
        return .notSubscribed
    }

    // MARK: When

    /// The time from which anything is told, if it lies ahead.
    func eventTime(after now: Instant) -> Instant? { event.notBefore.flatMap { $0 > now ? $0 : nil } }

    /// What happens on a channel that is to be used for `reason`: the address, then time.
    ///
    /// The event's own time is a lower bound for everybody on every channel. What the user wishes is asked for that time, so
    /// it can only come later.
    private func timed(
        _ channel: Channel, _ reason: Reason, _ user: UserFacts, _ wishes: Wishes, _ now: Instant
    ) -> ChannelDecision {
        if let suppression = event.addresses(of: user, as: audience)[channel].suppression {
            return .suppressed(suppression)
        }
        if settings.unavailableChannels.contains(channel) { return .suppressed(.channelUnavailable) }
        let eventTime = eventTime(after: now)
        if channel.isInsidePortal { return untimed(reason, eventTime) }
        let type = event.type
        let isCritical = type.priority == .critical
        let earliest = eventTime ?? now
        let snooze = isCritical || reason.isMandatory ? nil : user.snoozedUntil.flatMap { $0 > earliest ? $0 : nil }
        let time = snooze ?? earliest
        // Before quiet hours: a digest comes at a time of the user's own choosing, and one that were first deferred to
        // the end of the quiet hours could miss the digest that closes then.
        if let cadence = wishes.cadence, cadence != .immediately, type.isDigestible, !isCritical {
            let schedule = user.schedule ?? .standard
            return ChannelDecision(.digest(schedule.digestWindow(cadence, at: time)), .digested)
        }
        if type.respectsQuietHours, !isCritical, let schedule = user.schedule,
            let end = schedule.quietHours?.end(at: time, in: schedule.zone)
        {
            return ChannelDecision(.defer(until: end), snooze == nil ? .quietHours : .snoozed)
        }
        if let snooze { return ChannelDecision(.defer(until: snooze), .snoozed) }
        // Caps count what was sent by then: they are asked when it is sent.
        if eventTime != nil { return untimed(reason, eventTime) }
        if !reason.isMandatory, isCapped(channel, user, now) { return .suppressed(.throttled) }
        return ChannelDecision(.deliver, reason)
    }

    /// What happens on a channel on which the reader's wishes say nothing of the time.
    func untimed(_ reason: Reason, _ eventTime: Instant?) -> ChannelDecision {
        eventTime.map { ChannelDecision(.defer(until: $0), .notYet) } ?? ChannelDecision(.deliver, reason)
    }

    private func isCapped(_ channel: Channel, _ user: UserFacts, _ now: Instant) -> Bool {
        settings.caps.contains {
            $0.concerns(event.type.key, of: event.type.category, on: channel)
                && $0.isReached(by: user.recentSends, at: now)
        }
    }

    // MARK: Nobody

    /// The entry that follows the users when at least one must be told and no user can be.
    ///
    /// - Parameters:
    ///   - candidates: those whom the event may concern.
    ///   - now: the time of asking.
    func lastResort(after candidates: [UserFacts], now: Instant) -> RecipientDecision? {
        guard silence == nil, event.inapplicability == nil else { return nil }
        switch designation {
        case .none, .everyone, .user:
            return nil
        case .mailbox:
            return RecipientDecision(
                recipient: .mailbox(facts.account), audience: audience,
                decision: decideMailbox(heldDuty: .standIn, now: now))
        case .addressees:
            // An event may name people of the other side only; then this side owes nothing.
            let channels = event.type.channelSet.subtracting(settings.unavailableChannels)
            let isReached = candidates.contains {
                $0.inactivity == nil && !event.usableChannels(of: $0, as: audience).isDisjoint(with: channels)
            }
            guard !candidates.isEmpty, !isReached else { return nil }
        case .nobody:
            break
        }
        return RecipientDecision(
            recipient: .nobody(facts.account), audience: audience,
            decision: refusal(.noEligibleRecipient))
    }

    /// A decision by which no channel is used.
    func refusal(_ reason: Reason, like trace: Trace? = nil) -> Decision {
        var channels = PerChannel<ChannelDecision?>(repeating: nil)
        for channel in event.type.channels { channels[channel] = .suppressed(reason) }
        return Decision(
            reason: reason, channels: channels,
            trace: trace
                ?? Trace(audience: audience, setting: setting, settingSource: source, duty: nil, choice: nil))
    }
}
