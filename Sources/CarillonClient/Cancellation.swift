internal import CarillonAPI

/// What calling an event off came to: where its deliveries are. Those that were not to be sent anyway are not counted.
public struct Cancellation: Sendable, Hashable {
    /// Id of the event.
    public let event: String
    /// Deliveries that were called off, now or before: they are not sent.
    public let cancelled: Int
    /// Deliveries that had ended otherwise, most of them delivered.
    public let finished: Int
    /// Deliveries that are being sent at this moment, and cannot be called back. They are not tried again.
    public let underWay: Int

    init(_ response: Carillon_V1_CancelEventResponse) {
        event = response.eventID
        cancelled = Int(response.cancelledCount)
        finished = Int(response.finishedCount)
        underWay = Int(response.underWayCount)
    }
}
