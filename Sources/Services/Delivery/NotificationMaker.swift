internal import CarillonGRPC
internal import Delivery
internal import Domain
internal import Rendering
internal import Storage

/// Turns decisions on one event into what is stored for their recipients.
struct NotificationMaker {
    let type: NotificationType
    let context: Context
    let sourceEvent: String
    /// The mail address that the event is about and goes to; nil for where its readers are reached.
    var destination: String?
    let sides: EventSides
    let tenant: TenantRecord
    let now: Instant

    /// A recipient's notification; suppressed channels are in it too, so that it can be explained.
    func notification(_ id: NotificationID, _ decision: RecipientDecision) throws(Status) -> NewNotification {
        let user: UserRecord? = if case .user(let id) = decision.recipient { sides.user(id) } else { nil }
        var deliveries: [NewDelivery] = []
        var inboxItem: NewInboxItem?
        for channel in type.channels {
            guard let decided = decision.decision.channels[channel] else { continue }
            var isDone = false
            if channel == .inApp, decided.verdict.isPositive, let user {
                let item = try item(for: user, decision)
                isDone = decided.verdict == .deliver
                if isDone { inboxItem = item }
            }
            if isDone {
                deliveries.append(NewDelivery(channel: channel, decision: decided, isDone: true))
            } else {
                deliveries.append(delivery(id, channel, decided, address: address(of: decision, user, channel)))
            }
        }
        return NewNotification(
            id: id, recipient: decision.recipient, audience: decision.audience, reason: decision.decision.reason,
            trace: decision.decision.trace, deliveries: deliveries, inboxItem: inboxItem)
    }

    private func delivery(
        _ id: NotificationID, _ channel: Channel, _ decided: ChannelDecision, address: String?
    ) -> NewDelivery {
        let due: Instant? =
            switch decided.verdict {
            case .deliver: now
            case .defer(let until): until
            case .digest(let window): window.closes
            case .suppress: nil
            }
        guard let due else { return NewDelivery(channel: channel, decision: decided) }
        return NewDelivery(
            channel: channel, decision: decided,
            messageID: channel.isInsidePortal
                ? nil : MessageIdentity.of(id, on: channel, tenant: tenant.id, portalURL: tenant.portalURL),
            maskedAddress: address.map { MaskedAddress.of($0, on: channel) },
            expiresAt: TimeToLive.expiry(of: type, on: channel, due: due))
    }

    private func address(of decision: RecipientDecision, _ user: UserRecord?, _ channel: Channel) -> String? {
        switch decision.recipient {
        case .user:
            channel == .email && destination != nil
                ? destination
                : user?.contactPoint(on: channel, isAboutAccess: type.isAboutAccess(for: decision.audience))?.address
        case .mailbox(let account):
            channel != .email
                ? nil
                : account == nil
                    ? sides.supplier.snapshot.team?.mailbox : sides.account?.snapshot.record?.billingEmail
        case .nobody: nil
        }
    }

    /// The item of a user's inbox. One that comes later is made all the same: what cannot be told is refused now.
    private func item(for user: UserRecord, _ decision: RecipientDecision) throws(Status) -> NewInboxItem {
        do {
            return try InboxComposer(tenant: tenant).item(
                type, context, settings: sides.settings, audience: decision.audience,
                reason: decision.decision.reason, reader: user.displayName, sourceEvent: sourceEvent)
        } catch {
            throw Status(
                .invalidArgument, .contextInvalid, "the message cannot be rendered: \(error)",
                violations: [RequestViolation("context", "makes a message that cannot be rendered: \(error)")])
        }
    }
}

/// An address so far hidden that its owner knows it and nobody else learns it.
enum MaskedAddress {
    /// `a…@example.com`, `+49…56`; nothing of what is not known to be harmless.
    static func of(_ address: String, on channel: Channel) -> String {
        switch channel {
        case .email:
            guard let at = address.lastIndex(of: "@"), let first = address.first, first != "@" else { return "…" }
            return "\(first)…\(address[at...])"
        case .sms:
            guard address.count > 6 else { return "…" }
            return "\(address.prefix(3))…\(address.suffix(2))"
        case .inApp, .push, .webhook: return "…"
        }
    }
}
