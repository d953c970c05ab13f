internal import Domain
internal import Storage

/// The decision made again right before a send, on facts as they are now. A pure function of its arguments.
struct SecondLook {
    /// What the second look says.
    enum Answer: Equatable {
        /// Send it, to this address.
        case send(Target)
        /// Put it into this user's inbox.
        case place(Reader)
        /// Do not.
        case settle(DeliveryResult.Resolution)
    }

    /// Who gets it, as things stand.
    struct Target: Equatable {
        /// The address on the delivery's channel.
        let address: String
        /// The recipient's name; empty if there is none.
        let name: String
        /// IANA name of the recipient's zone; nil is the tenant's.
        let zone: String?
        /// The user, when the address is a user's.
        let user: UserID?
    }

    /// Whose inbox gets it, as things stand.
    struct Reader: Equatable {
        /// The user.
        let id: UserID
        /// The user's name; empty if there is none.
        let name: String
    }

    let catalog: Catalog
    let tenant: TenantRecord
    /// The supplier's facts, and those of the accounts concerned.
    let facts: [AccountID?: FactsSnapshot]
    let now: Instant
    /// Hears what is decided for the delivery's channel.
    var onDecision: (ChannelDecision, Channel) -> Void = { _, _ in }

    /// Whether the supplier bounds how many messages one person may get.
    var hasCaps: Bool { facts[nil]?.caps.isEmpty == false }

    /// Looks at one claimed delivery.
    ///
    /// - Parameters:
    ///   - work: the delivery.
    ///   - destination: the mail address that its event is about and goes to (``Storage/EventRecord/destination(_:)``); nil for where
    ///     its reader is reached.
    ///   - underWay: what else is being sent.
    func look(
        at work: DeliveryWork, to destination: String? = nil, besides underWay: SendsUnderWay = SendsUnderWay()
    ) -> Answer {
        if let calledOff = work.calledOff {
            return .settle(calledOff == .unsent ? .cancelled(CalledOff.reason) : .outcomeUnknown)
        }
        if let expiresAt = work.expiresAt, expiresAt <= now { return .settle(.expired) }
        guard let type = catalog[work.event.type] else { return .settle(.suppressed(.typeDisabled)) }
        let decision = decide(work, type, to: destination, underWay)
        if let decided = decision.channels[work.id.channel] { onDecision(decided, work.id.channel) }
        switch decision.verdict(on: work.id.channel) {
        case .suppress(let reason): return .settle(.suppressed(reason))
        case .defer(let until): return .settle(.postponed(until: until))
        // Of the window that was open when the event came, or of a later one: the user has snoozed since.
        case .digest(let window) where window.opens <= Self.beginning(of: work) || window.opens > now:
            return .settle(.postponed(until: window.closes, digestOf: work.recipient.user))
        case .deliver, .digest:
            // A digest whose window has closed meanwhile is due now.
            if work.id.channel.isInsidePortal {
                return reader(of: work).map(Answer.place) ?? .settle(.suppressed(.recipientInactive))
            }
            guard let target = target(of: work, type, to: destination) else { return .settle(.suppressed(.noAddress)) }
            return .send(target)
        case nil: return .settle(.suppressed(.typeDisabled))
        }
    }

    /// What the tenant decided, as decisions see it.
    func settings(for account: AccountID?) -> TenantSettings {
        var settings = TenantSettings(
            overrides: facts[nil]?.overrides ?? SettingOverrides(),
            enabledWithoutSubscription: tenant.enabledWithoutSubscription, caps: facts[nil]?.caps ?? [],
            unavailableChannels: ChannelSet.all.subtracting(facts[nil]?.providedChannels ?? .all))
        if let account, let overrides = facts[account]?.overrides { settings.accountOverrides[account] = overrides }
        return settings
    }

    private func decide(
        _ work: DeliveryWork, _ type: NotificationType, to destination: String?, _ underWay: SendsUnderWay
    ) -> Decision {
        let account = work.event.account
        var event = EventFacts(
            type: type, actor: work.event.actor, addressedUsers: work.event.addressedUsers,
            assignedReps: account.flatMap { facts[$0]?.record?.assignedUsers } ?? [],
            isObjectSuppressed: work.event.isObjectSuppressed, notBefore: work.event.notBefore)
        if let destination {
            // It asks whether the address is its reader's. When that is answered, or the address given up, there is nothing to ask.
            let state = user(of: work)?.ownContactPoints.first { $0.address == destination }?.state ?? .missing
            event.destination = EventFacts.Destination(on: .email, state == .unverified ? .usable : state)
            if state == .usable || state == .missing { event.inapplicability = .conditionFalse }
        }
        let people = account.flatMap { facts[$0]?.directory }
        let supplier = facts[nil]?.directory ?? .empty
        let settings = settings(for: account)
        switch work.recipient {
        case .user(let id):
            let side = work.audience.isInternal ? supplier : people ?? .empty
            guard var user = side[id] else {
                return Domain.decide(
                    user: id, as: work.audience, event: event, account: people, supplier: supplier, settings: settings,
                    now: now)
            }
            if hasCaps { user.recentSends += underWay.sends(to: id, besides: sent) }
            return Domain.decide(
                user, of: side.side, as: work.audience, event: event, about: account, settings: settings,
                heldDuty: Duty(work.reason), now: now)
        case .mailbox, .nobody:
            return decideMailbox(
                as: work.audience, event: event, account: people, supplier: supplier, settings: settings,
                heldDuty: Duty(work.reason), now: now)
        }
    }

    /// The deliveries that what was read counts as sent.
    private var sent: Set<DeliveryID> { facts[nil]?.sent ?? [] }

    private func target(of work: DeliveryWork, _ type: NotificationType, to destination: String?) -> Target? {
        switch work.recipient {
        case .user(let id):
            guard let user = user(of: work) else { return nil }
            let zone = user.timeZone ?? facts[side(of: work)]?.record?.timeZone
            if let destination { return Target(address: destination, name: user.displayName, zone: zone, user: id) }
            let point = user.contactPoint(on: work.id.channel, isAboutAccess: type.isAboutAccess(for: work.audience))
            guard let point, point.state == .usable else { return nil }
            return Target(address: point.address, name: user.displayName, zone: zone, user: id)
        case .mailbox(let account):
            guard work.id.channel == .email, let side = facts[account], side.directory.side.mailbox == .usable else {
                return nil
            }
            guard account != nil else {
                guard let team = side.team, let address = team.mailbox else { return nil }
                return Target(address: address, name: team.displayName, zone: nil, user: nil)
            }
            guard let record = side.record, let address = record.billingEmail else { return nil }
            return Target(address: address, name: record.displayName, zone: record.timeZone, user: nil)
        case .nobody:
            return nil
        }
    }

    private func reader(of work: DeliveryWork) -> Reader? {
        user(of: work).map { Reader(id: $0.id, name: $0.displayName) }
    }

    /// The side that the recipient is of: an account; nil for the supplier.
    private func side(of work: DeliveryWork) -> AccountID? { work.audience.isInternal ? nil : work.event.account }

    /// The recipient, when it is a user who is there.
    private func user(of work: DeliveryWork) -> UserRecord? {
        guard case .user(let id) = work.recipient else { return nil }
        return facts[side(of: work)]?.users[id]
    }

    /// When the notification could be sent at the earliest: when it was published, which its id says, or at the event's own time.
    private static func beginning(of work: DeliveryWork) -> Instant {
        let publication = Instant(milliseconds: Int64(work.id.notification.value.milliseconds))
        return work.event.notBefore.map { max($0, publication) } ?? publication
    }
}

extension Recipient {
    /// The user, when it is one.
    fileprivate var user: UserID? {
        if case .user(let id) = self { id } else { nil }
    }
}

extension Duty {
    /// The duty behind a stored reason; nil when the reason is none.
    init?(_ reason: Reason) {
        guard let duty = Duty.allCases.first(where: { $0.reason == reason }) else { return nil }
        self = duty
    }
}
