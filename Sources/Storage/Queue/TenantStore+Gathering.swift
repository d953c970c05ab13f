package import Domain
internal import Postgres

/// Deliveries that were claimed because they go out with another one.
package struct Gathered: Sendable {
    /// The deliveries, the oldest first. As many as the limit when there may be more.
    package let deliveries: [DeliveryID]
    /// When the next unclaimed work of the whole queue is due; nil when there is none.
    package let nextDue: Instant?
}

extension TenantStore {
    /// Claims what goes out with a claimed delivery that waits for a digest. Exact, since nobody but the owner of the queue's fence
    /// claims: what is not there comes with a later digest.
    ///
    /// All of it is due at one time from then on, the claimed delivery's: whoever finds it in the queue again, after a worker was lost,
    /// finds one message.
    ///
    /// - Parameters:
    ///   - place: of the claimed delivery.
    ///   - channel: its channel.
    ///   - late: what was claimed with it, goes out with it, and was due at other times.
    ///   - fence: under which it was claimed. Nothing is found if that is not the queue's any more.
    ///   - now: the time; what is due up to it is gathered.
    ///   - limit: the most that is claimed.
    package func gather(
        _ place: DigestPlace, on channel: Channel, besides late: [DeliveryID] = [], fence: Int64, now: Instant,
        limit: Int
    ) async throws(StorageError) -> Gathered {
        try await storing { () async throws(PostgresError) in
            var queries = [
                Query(
                    gathering.gather,
                    [
                        .int8(fence), .text(place.user), .text(channel.rawValue), .timestamp(now),
                        .timestamp(place.dueAt), .bool(place.wasTried), .int8(Int64(limit)),
                    ]),
                Query(queue.nextDue, [.int8(fence)]),
            ]
            if !late.isEmpty {
                queries.append(
                    Query(gathering.unite, Self.columns(late) + [.int8(fence), .timestamp(place.dueAt)]))
            }
            let results = try await run(queries)
            let found = try results[0].read { row throws(PostgresError) in
                DeliveryID(notification: NotificationID(try row.uuidv7(0)), channel: try row.value(1))
            }
            // RETURNING promises no order.
            return Gathered(
                deliveries: found.sorted { $0.notification < $1.notification }, nextDue: try Self.nextDue(results[1]))
        }
    }

    /// What decisions about these deliveries need, in their order, without what their events say (``EventRecord/context``): thousands
    /// of them are small. Those that are not in the queue are left out.
    package func outlines(_ ids: [DeliveryID]) async throws(StorageError) -> [DeliveryWork] {
        try await storing { () async throws(PostgresError) in
            try Self.work(try await run([Query(gathering.outlines, Self.columns(ids))])[0])
        }
    }
}
