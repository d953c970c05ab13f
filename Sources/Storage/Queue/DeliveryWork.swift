package import Domain

/// What a claim brought.
package struct Claim: Sendable {
    /// Whether the caller's fence is still the queue's: if not, somebody else works this tenant now.
    package let isOwner: Bool
    /// The claimed deliveries, the longest due first.
    package let deliveries: [DeliveryID]
    /// Those of them that wait for a digest.
    package let digests: [DeliveryID: DigestPlace]
    /// When the next unclaimed work is due; in the past when there was more than the limit, nil when there is none.
    package let nextDue: Instant?
}

/// All that is needed to decide again about one delivery, render it and send it.
package struct DeliveryWork: Sendable {
    /// Which delivery.
    package let id: DeliveryID
    /// How many attempts were recorded.
    package let attempts: Int32
    /// How often it was claimed since a worker last gave its word on it, this time included: above 1, an earlier holder
    /// was lost, perhaps because of it.
    package let claims: Int32
    /// After this it is not worth sending; nil is never.
    package var expiresAt: Instant?
    /// When it was put into the queue for, or when it is tried again.
    package let dueAt: Instant
    /// Who.
    package let recipient: Recipient
    /// As whom the recipient was considered.
    package let audience: Audience
    /// Why the recipient gets it at all, as decided on publishing.
    package let reason: Reason
    /// What was decided on publishing for this channel.
    package let verdict: StoredVerdict
    /// Why that was decided.
    package let channelReason: Reason
    /// What every attempt carries.
    package let messageID: String?
    /// The event.
    package let event: EventRecord
    /// Whether the event was called off while a worker had the delivery; nil when it was not.
    package let calledOff: CalledOff?

    /// What is known of a delivery whose event was called off.
    package enum CalledOff: String, Sendable, Hashable {
        /// Nobody has sent it.
        case unsent
        /// A worker was lost while it had it, or an attempt ended without an answer: it may have been sent.
        case perhapsSent = "perhaps_sent"
    }
}

/// An event as stored.
package struct EventRecord: Sendable {
    /// Which event.
    package let id: EventID
    /// What happened.
    package let type: TypeKey
    /// The account it concerns; nil when none.
    package let account: AccountID?
    /// Who caused it.
    package let actor: UserID?
    /// The people it names.
    package let addressedUsers: [UserID]
    /// The object it is about.
    package let object: String?
    /// Whether the producer silenced the object.
    package let isObjectSuppressed: Bool
    /// The producer's own name for the event.
    package let sourceEvent: String?
    /// The variables.
    package let context: [ContextEntry]
    /// The variables of the class `secret`, as the publisher sealed them.
    package let sealedContext: [UInt8]?
    /// Who published.
    package let publishedBy: String
    /// When it happened, by the producer.
    package let occurredAt: Instant
    /// When people are to be told at the earliest; nil for at once.
    package let notBefore: Instant?
}

/// How one attempt ended.
package enum AttemptOutcome: String, CaseIterable, Sendable, Hashable {
    /// The provider took the message.
    case accepted
    /// It failed in a way that may pass.
    case temporaryFailure = "temporary_failure"
    /// It failed in a way that will not pass.
    case permanentFailure = "permanent_failure"
    /// The provider's answer got lost.
    case unknown
}

/// One try to hand a message to a provider, to be recorded.
package struct NewAttempt: Sendable, Hashable {
    /// The provider that was tried; nil when it did not come so far.
    package let provider: ProviderID?
    /// How it ended.
    package let outcome: AttemptOutcome
    /// The provider's own code.
    package let code: String?
    /// What went wrong, without addresses or content.
    package let detail: String?
    /// The provider's own id of the message.
    package let providerMessageID: String?
    /// When it began.
    package let startedAt: Instant
    /// When it ended.
    package let finishedAt: Instant

    /// Describes an attempt.
    package init(
        provider: ProviderID?, outcome: AttemptOutcome, code: String? = nil, detail: String? = nil,
        providerMessageID: String? = nil, startedAt: Instant, finishedAt: Instant
    ) {
        self.provider = provider
        self.outcome = outcome
        self.code = code
        self.detail = detail
        self.providerMessageID = providerMessageID
        self.startedAt = startedAt
        self.finishedAt = finishedAt
    }
}

/// A worker's word on one claimed delivery.
package struct DeliveryResult: Sendable, Hashable {
    /// What becomes of the delivery.
    package enum Resolution: Sendable, Hashable {
        /// The provider took it.
        case delivered
        /// It failed for good, for this reason code.
        case failed(String)
        /// Decided again, it is not to be sent.
        case suppressed(Reason)
        /// It is too late.
        case expired
        /// It was called off, for this reason code.
        case cancelled(String)
        /// It may have been sent, and is not tried again.
        case outcomeUnknown
        /// It failed for the moment and is tried again at this time.
        case retry(at: Instant)
        /// Decided again, it has to wait until this time, then to be gathered into this user's digest if one is named.
        case postponed(until: Instant, digestOf: UserID? = nil)
        /// The worker gives it back as it is.
        case released
    }

    /// Which delivery.
    package let id: DeliveryID
    /// What becomes of it.
    package let resolution: Resolution
    /// The attempt that was made; nil if none was.
    package let attempt: NewAttempt?
    /// The Message-ID of the digest that it was tried to send it in; nil when it was by itself, or was not tried.
    package let digest: String?
    /// What comes into an inbox with the word: a delivery to the inbox is delivered by being stored there.
    package let arrival: NewArrival?

    /// A word on a delivery.
    package init(
        _ id: DeliveryID, _ resolution: Resolution, attempt: NewAttempt? = nil, digest: String? = nil,
        arrival: NewArrival? = nil
    ) {
        self.id = id
        self.resolution = resolution
        self.attempt = attempt
        self.digest = digest
        self.arrival = arrival
    }
}

/// An item for an inbox that comes later than its event.
package struct NewArrival: Sendable, Hashable {
    /// Whose inbox.
    package let user: UserID
    /// The type.
    package let type: TypeKey
    /// The item.
    package let item: NewInboxItem

    /// Makes an arrival.
    package init(_ item: NewInboxItem, of type: TypeKey, for user: UserID) {
        self.item = item
        self.type = type
        self.user = user
    }
}

/// What became of a worker's word.
package enum FinishOutcome: Sendable, Hashable {
    /// It is on disk.
    case recorded
    /// Another worker holds the delivery, or it is finished: the word was discarded.
    case stale
}
