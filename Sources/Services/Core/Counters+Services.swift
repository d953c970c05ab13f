internal import Domain
internal import Storage
internal import Telemetry

// What services count, in terms of what they have at hand.

extension DecisionCounts {
    /// Counts what a check came to, for each channel that it tells of.
    ///
    /// - Parameter times: how often it did.
    mutating func add(_ answer: CheckAnswer, times: Int) {
        for channel in answer.channels {
            if let decided = answer.decided[channel] { add(decided, on: channel, times: times) }
        }
    }
}

extension PublishCounters {
    /// Counts an event that was stored with all that follows from it.
    func count(_ item: PublishItem) {
        countEvent()
        for notification in item.notifications { count(notification) }
        for raised in item.raised {
            for notification in raised.notifications { count(notification) }
        }
    }

    private func count(_ notification: NewNotification) {
        count(notification.recipient, notification.reason)
        for delivery in notification.deliveries { count(delivery.decision, on: delivery.channel) }
    }
}
