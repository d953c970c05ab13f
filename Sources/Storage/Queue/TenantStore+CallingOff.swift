package import Domain
internal import Postgres

/// How somebody names an event that was published.
package enum EventReference: Sendable, Hashable {
    /// By its id.
    case id(EventID)
    /// By the idempotency key that it was published with, as long as that is kept.
    case key(String)
}

/// What calling an event off came to: where its deliveries are, those left out that were not to be sent anyway.
package struct CalledOff: Sendable, Hashable {
    /// The code of deliveries that were called off.
    package static let reason = "event_cancelled"

    /// The event.
    package let event: EventID
    /// Deliveries that were called off, now or before: they are not sent.
    package let cancelled: Int
    /// Deliveries that had ended: delivered, failed, expired, or with an outcome that nobody knows.
    package let finished: Int
    /// Deliveries that a worker has: they may be sent, and are not tried again.
    package let underWay: Int

    /// Makes an answer.
    package init(event: EventID, cancelled: Int, finished: Int, underWay: Int) {
        self.event = event
        self.cancelled = cancelled
        self.finished = finished
        self.underWay = underWay
    }
}

extension TenantStore {
    /// Calls an event off: what nobody has begun to send is not sent.
    ///
    /// Events that it has raised are their own. Calling off again tells where things stand then.
    ///
    /// - Parameters:
    ///   - event: which one.
    ///   - now: the time.
    /// - Returns: what it came to; nil when there is no such event.
    package func callOff(_ event: EventReference, now: Instant) async throws(StorageError) -> CalledOff? {
        let query =
            switch event {
            case .id(let id): Query(callingOff.byEvent, [.uuid(id), .timestamp(now)])
            case .key(let key): Query(callingOff.byKey, [.text(key), .timestamp(now)])
            }
        return try await storing { () async throws(PostgresError) in
            try await run([query])[0].readFirst { row throws(PostgresError) in
                CalledOff(
                    event: EventID(try row.uuidv7(0)), cancelled: Int(try row.int8(1)),
                    finished: Int(try row.int8(2)), underWay: Int(try row.int8(3)))
            }
        }
    }
}
