internal import CarillonAPI

/// Names an event that was published.
public enum EventReference: Sendable, Hashable {
    /// By the id in its ``Receipt``.
    case id(String)
    /// By its ``Event/idempotencyKey``: known for 24 hours after it was published or, if that is later, after its
    /// ``Event/deliverTime``.
    case idempotencyKey(String)

    var request: Carillon_V1_CancelEventRequest {
        var request = Carillon_V1_CancelEventRequest()
        switch self {
        case .id(let id): request.eventID = id
        case .idempotencyKey(let key): request.idempotencyKey = key
        }
        return request
    }
}
