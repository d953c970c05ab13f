internal import CarillonAPI

/// What the server answers to an event that it took.
public struct Receipt: Sendable {
    /// What was decided for one person.
    public struct Recipient: Sendable {
        /// The user; empty for the account's billing mailbox, and when nobody could be found to tell.
        public let user: String
        /// Id of the notification; empty when none was stored.
        public let notification: String
        /// One decision for each channel of the type.
        public let channels: [ChannelDecision]
    }

    /// Id of the event.
    public let event: String
    /// Whether it had been published before with the same idempotency key.
    public let isReplayed: Bool
    /// What was decided for each person who was considered.
    public let recipients: [Recipient]

    init(_ response: Carillon_V1_PublishResponse) {
        event = response.eventID
        isReplayed = response.replayed
        recipients = response.recipients.map { decision in
            Recipient(
                user: decision.userID, notification: decision.notificationID,
                channels: decision.channels.map(ChannelDecision.init))
        }
    }
}
