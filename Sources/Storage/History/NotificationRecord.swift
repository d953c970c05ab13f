package import Domain

/// What one person was told, or why not, as stored.
package struct NotificationRecord: Sendable {
    /// Which notification; its id carries the time of storing.
    package let id: NotificationID
    /// The event it comes from.
    package let event: EventID
    /// The type.
    package let type: TypeKey
    /// As whom the recipient was considered.
    package let audience: Audience
    /// The account that the event concerns; nil when none.
    package let account: AccountID?
    /// Who.
    package let recipient: Recipient
    /// The object that the event is about.
    package let object: String?
    /// Why the recipient gets it at all, or does not.
    package let reason: Reason
    /// The facts that the decision rests on.
    package let trace: Trace
    /// One for each channel of the type, the preferred one first.
    package let deliveries: [DeliveryRecord]

    /// ``DeliveryState/pending`` while a delivery is not terminal; then ``DeliveryState/delivered`` if one was, else
    /// the state of the preferred channel. A notification without deliveries is suppressed.
    package var state: DeliveryState {
        if deliveries.contains(where: { !$0.state.isTerminal }) { return .pending }
        if deliveries.contains(where: { $0.state == .delivered }) { return .delivered }
        return deliveries.first?.state ?? .suppressed
    }
}

extension NotificationRecord {
    /// The decision as it was made. Of a digest only the time is stored at which it closes.
    package var decision: Decision {
        var channels = PerChannel<ChannelDecision?>(repeating: nil)
        for delivery in deliveries {
            let verdict: Verdict =
                switch (delivery.verdict, delivery.deliverAt) {
                case (.deliver, _), (.defer, nil), (.digest, nil): .deliver
                case (.defer, .some(let time)): .defer(until: time)
                case (.digest, .some(let time)): .digest(DigestWindow(cadence: .daily, opens: time, closes: time))
                case (.suppress, _): .suppress(delivery.reason)
                }
            channels[delivery.channel] = ChannelDecision(verdict, delivery.reason)
        }
        return Decision(reason: reason, channels: channels, trace: trace)
    }
}

/// One way to one recipient as stored.
package struct DeliveryRecord: Sendable {
    /// What the queue says of a delivery that is not terminal.
    package struct Progress: Sendable, Hashable {
        /// When it is due, or is tried again.
        package let dueAt: Instant
        /// Whether a worker has it.
        package let isClaimed: Bool
        /// How many attempts were made.
        package let attempts: Int32
    }

    /// The channel.
    package let channel: Channel
    /// What was decided on publishing.
    package let verdict: StoredVerdict
    /// Why.
    package let reason: Reason
    /// How far it has come.
    package let state: DeliveryState
    /// A code for a state that needs one.
    package let stateReason: String?
    /// Where it goes, masked; nil for the inbox.
    package let maskedAddress: String?
    /// What every attempt carries.
    package let messageID: String?
    /// With a verdict of waiting: for when that was. Without one, for when it was first put off.
    package let deliverAt: Instant?
    /// When the state last changed.
    package let updatedAt: Instant
    /// What the queue says; nil for a terminal delivery.
    package let progress: Progress?
    /// The attempts, the first one first; empty in lists.
    package var attempts: [AttemptRecord]

    /// The time that it waits for, which may have come to be later than what was decided; of what waits no more, what was decided.
    package var awaitedTime: Instant? {
        switch state {
        case .deferred, .digesting: progress?.dueAt ?? deliverAt
        case .pending, .delivered, .failed, .suppressed, .expired, .cancelled, .outcomeUnknown: deliverAt
        }
    }
}

/// One try to hand a message to a provider, as stored.
package struct AttemptRecord: Sendable, Hashable {
    /// 1 for the first.
    package let number: Int32
    /// The attempt.
    package let attempt: NewAttempt
}

/// Which notifications a list is about; nil does not limit it.
package struct NotificationFilter: Sendable, Hashable {
    /// Of events that concern this account.
    package var account: AccountID?
    /// To this user.
    package var user: UserID?
    /// Of this event.
    package var event: EventID?
    /// Of this type.
    package var type: TypeKey?
    /// About this object.
    package var object: String?
    /// In this ``NotificationRecord/state``.
    package var state: DeliveryState?

    /// Makes a filter.
    package init(
        account: AccountID? = nil, user: UserID? = nil, event: EventID? = nil, type: TypeKey? = nil,
        object: String? = nil, state: DeliveryState? = nil
    ) {
        self.account = account
        self.user = user
        self.event = event
        self.type = type
        self.object = object
        self.state = state
    }
}
