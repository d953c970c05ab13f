internal import Domain
internal import Postgres

/// The statements by which workers put items into inboxes. They stand between those of ``FinishBatch``, and write only for
/// deliveries that the caller still holds; so an item comes exactly once, whatever becomes of workers.
struct ArrivalStatements {
    /// $1 notifications, $2 channels, $3 fence, $4 user of each item: counts them.
    private let count: Statement
    /// $1 notifications, $2 channels, $3 fence, $4 user of each item, $5… its columns, $9 now: places them.
    private let place: Statement

    init(_ schema: SchemaName) {
        let isHeld = """
            JOIN \(schema).queue q ON q.notification_id = x.notification_id AND q.channel = x.channel
                AND q.lease = $3::int8
            """
        count = Statement(
            """
            INSERT INTO \(schema).inbox_counter AS c (user_id, last_seq, total, unread, unseen)
            SELECT x.user_id, count(*), count(*), count(*), count(*)
            FROM unnest($1::uuid[], $2::text[], $4::text[]) AS x (notification_id, channel, user_id)
            \(isHeld)
            GROUP BY x.user_id
            ORDER BY x.user_id
            \(PublishParts.addsToCounter)
            """)
        place = Statement(
            PublishParts.placesItems(
                schema,
                from: """
                    FROM unnest($1::uuid[], $2::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])
                        WITH ORDINALITY AS x (notification_id, channel, user_id, type_key, title, body, link, ordinal)
                    \(isHeld)
                    """, at: "$9"))
    }

    /// The queries for what arrives with workers' words; none for words that bring nothing.
    func queries(for results: [DeliveryResult], fence: Parameter, now: Instant) -> [Query] {
        let arriving = results.compactMap { result in result.arrival.map { (id: result.id, arrival: $0) } }
        guard !arriving.isEmpty else { return [] }
        let held = TenantStore.columns(arriving.map(\.id)) + [fence]
        let users = Parameter.textArray(arriving.map(\.arrival.user.rawValue))
        return [
            Query(count, held + [users]),
            Query(
                place,
                held + [
                    users, .textArray(arriving.map(\.arrival.type.rawValue)),
                    .textArray(arriving.map(\.arrival.item.title)), .textArray(arriving.map(\.arrival.item.body)),
                    .textArray(arriving.map(\.arrival.item.link)), .timestamp(now),
                ]),
        ]
    }
}
