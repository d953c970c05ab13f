package import Domain

/// One event that is to be stored with all that follows from it: one row of a publish batch.
package struct PublishItem: Sendable {
    /// The caller's key: a repeat of it gets the stored answer.
    package let idempotencyKey: String
    /// SHA-256 of the request's body: the same key with another body is a conflict.
    package let bodyHash: [UInt8]
    /// Until when a repeat gets the stored answer; from then on the key is free.
    package let keyExpiresAt: Instant
    /// What the decisions took for granted. If it does not hold any more, nothing of this item is written.
    package let pins: [FactsPin]
    /// The event. Its id, and those of the notifications, must be fresh for each call.
    package let event: NewEvent
    /// Who is told, or not, and how.
    package let notifications: [NewNotification]
    /// Events that this one raises: they are written with it or not at all.
    package let raised: [RaisedEvent]
    /// The answer that a repeat gets, as the caller encodes it.
    package let response: [UInt8]

    /// Makes an item.
    package init(
        idempotencyKey: String, bodyHash: [UInt8], keyExpiresAt: Instant, pins: [FactsPin], event: NewEvent,
        notifications: [NewNotification], raised: [RaisedEvent] = [], response: [UInt8]
    ) {
        self.idempotencyKey = idempotencyKey
        self.bodyHash = bodyHash
        self.keyExpiresAt = keyExpiresAt
        self.pins = pins
        self.event = event
        self.notifications = notifications
        self.raised = raised
        self.response = response
    }
}

/// An event that follows from another one.
package struct RaisedEvent: Sendable {
    /// The event. Its id must be fresh, as that of the event which it follows from.
    package let event: NewEvent
    /// Who is told, or not, and how.
    package let notifications: [NewNotification]

    /// Makes a raised event.
    package init(event: NewEvent, notifications: [NewNotification]) {
        self.event = event
        self.notifications = notifications
    }
}

/// An event that is to be stored.
package struct NewEvent: Sendable {
    /// Its id, made by the caller.
    package let id: EventID
    /// What happened.
    package let type: TypeKey
    /// The account it concerns; nil when none.
    package let account: AccountID?
    /// Who caused it; nil is a system or somebody outside.
    package let actor: UserID?
    /// The people it names.
    package let addressedUsers: [UserID]
    /// The object it is about, such as `invoice/INV-1`.
    package let object: String?
    /// Whether the producer silenced the object.
    package let isObjectSuppressed: Bool
    /// The producer's own name for the event.
    package let sourceEvent: String?
    /// The variables, those of the class `secret` left out.
    package let context: [ContextEntry]
    /// The variables of the class `secret`, as the caller sealed them.
    package let sealedContext: [UInt8]?
    /// Who published: `key/<key id>`.
    package let publishedBy: String
    /// When it happened, by the producer.
    package let occurredAt: Instant
    /// When people are to be told at the earliest; nil for at once.
    package let notBefore: Instant?

    /// Describes an event.
    package init(
        id: EventID, type: TypeKey, account: AccountID? = nil, actor: UserID? = nil, addressedUsers: [UserID] = [],
        object: String? = nil, isObjectSuppressed: Bool = false, sourceEvent: String? = nil,
        context: [ContextEntry] = [], sealedContext: [UInt8]? = nil, publishedBy: String, occurredAt: Instant,
        notBefore: Instant? = nil
    ) {
        self.id = id
        self.type = type
        self.account = account
        self.actor = actor
        self.addressedUsers = addressedUsers
        self.object = object
        self.isObjectSuppressed = isObjectSuppressed
        self.sourceEvent = sourceEvent
        self.context = context
        self.sealedContext = sealedContext
        self.publishedBy = publishedBy
        self.occurredAt = occurredAt
        self.notBefore = notBefore
    }
}

/// What an event means to one recipient, to be stored.
package struct NewNotification: Sendable {
    /// Its id, made by the caller.
    package let id: NotificationID
    /// Who.
    package let recipient: Recipient
    /// As whom the recipient was considered.
    package let audience: Audience
    /// Why the recipient gets it at all, or does not.
    package let reason: Reason
    /// The facts that the decision rests on.
    package let trace: Trace
    /// One for each channel of the type, the preferred one first; suppressed ones too.
    package let deliveries: [NewDelivery]
    /// The item that the recipient's inbox gets; nil for none. Only for users.
    package let inboxItem: NewInboxItem?

    /// Describes a notification.
    package init(
        id: NotificationID, recipient: Recipient, audience: Audience, reason: Reason, trace: Trace,
        deliveries: [NewDelivery], inboxItem: NewInboxItem? = nil
    ) {
        self.id = id
        self.recipient = recipient
        self.audience = audience
        self.reason = reason
        self.trace = trace
        self.deliveries = deliveries
        self.inboxItem = inboxItem
    }
}

/// One way to one recipient, to be stored.
package struct NewDelivery: Sendable {
    /// The channel.
    package let channel: Channel
    /// What was decided. `deliver`, `defer` and `digest` become work in the queue, unless ``isDone``.
    package let decision: ChannelDecision
    /// Whether it is delivered by being stored: the inbox.
    package let isDone: Bool
    /// The Message-ID or idempotency key that every attempt carries.
    package let messageID: String?
    /// Where it goes, masked.
    package let maskedAddress: String?
    /// After this it is not worth sending; nil is never.
    package let expiresAt: Instant?

    /// Describes a delivery.
    package init(
        channel: Channel, decision: ChannelDecision, isDone: Bool = false, messageID: String? = nil,
        maskedAddress: String? = nil, expiresAt: Instant? = nil
    ) {
        self.channel = channel
        self.decision = decision
        self.isDone = isDone
        self.messageID = messageID
        self.maskedAddress = maskedAddress
        self.expiresAt = expiresAt
    }
}

/// An item of an inbox, to be stored.
package struct NewInboxItem: Sendable, Hashable {
    /// One line.
    package let title: String
    /// The text.
    package let body: String
    /// The deep link into the portal.
    package let link: String

    /// Describes an item.
    package init(title: String, body: String, link: String) {
        self.title = title
        self.body = body
        self.link = link
    }
}
