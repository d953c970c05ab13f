package import Domain

/// What became of one item of a publish batch.
package enum PublishOutcome: Sendable {
    /// It is on disk.
    case stored
    /// The key was used before with the same body: the stored answer, and nothing new.
    case replay(event: EventID, response: [UInt8])
    /// The key was used before with another body.
    case conflict(event: EventID)
    /// The facts have changed since the decision: load them, decide again, publish again. Nothing was written.
    case staleFacts
    /// The item cannot be stored, while others of its batch could.
    case rejected(StorageError)
}

/// What became of a publish batch.
package struct PublishResult: Sendable {
    /// One for each item, in order.
    package var outcomes: [PublishOutcome]
    /// Deliveries that were born with the caller's lease: the caller sends them without claiming.
    package var leased: [DeliveryID]
    /// Items that were put into inboxes, with their sequence numbers.
    package var arrivals: [InboxArrival]
    /// The counters of the inboxes that got items, as they are now.
    package var counters: [UserID: InboxCounters]
}

/// Names one way to one recipient.
package struct DeliveryID: Sendable, Hashable {
    /// The notification.
    package let notification: NotificationID
    /// The channel.
    package let channel: Channel

    /// Names a delivery.
    package init(notification: NotificationID, channel: Channel) {
        self.notification = notification
        self.channel = channel
    }
}

/// An item that has just got its place in an inbox.
package struct InboxArrival: Sendable, Hashable {
    /// Whose inbox.
    package let user: UserID
    /// The item's number, without gaps and in the order of commits.
    package let sequence: Int64
    /// The notification.
    package let notification: NotificationID
}
