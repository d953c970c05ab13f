internal import Postgres

/// The statements on what digests gather.
struct GatheringStatements {
    /// $1 fence, $2 user, $3 channel, $4 now, $5 when the one is due that it is gathered around, $6 whether that one was tried before,
    /// $7 limit: claims what goes out with it, the oldest first. It is due with it from now on.
    let gather: Statement
    /// $1 notifications, $2 channels, $3 fence, $4 time: what the caller holds is due then.
    let unite: Statement
    /// $1 notifications, $2 channels of deliveries in the queue: what ``QueueStatements/work`` tells, without what events say.
    let outlines: Statement

    init(_ schema: SchemaName) {
        gather = Statement(
            """
            WITH found AS MATERIALIZED (
                SELECT q.notification_id, q.channel
                FROM \(schema).queue q
                WHERE q.digest_of = $2::text AND q.channel = $3::text AND q.due_at <= $4::timestamptz
                    AND q.lease < $1::int8
                    AND (q.due_at = $5::timestamptz OR NOT $6::bool AND q.attempts = 0 AND q.claims = 0)
                    AND EXISTS (SELECT 1 FROM \(schema).queue_owner o WHERE o.singleton AND o.fence = $1::int8)
                ORDER BY q.notification_id
                LIMIT $7::int8
                FOR UPDATE SKIP LOCKED
            )
            UPDATE \(schema).queue q
            SET lease = $1::int8, claims = q.claims + 1, due_at = $5::timestamptz
            FROM found
            WHERE q.notification_id = found.notification_id AND q.channel = found.channel
            RETURNING q.notification_id, q.channel
            """)
        unite = Statement(
            """
            UPDATE \(schema).queue q
            SET due_at = $4::timestamptz
            FROM unnest($1::uuid[], $2::text[]) AS x (notification_id, channel)
            WHERE q.notification_id = x.notification_id AND q.channel = x.channel AND q.lease = $3::int8
            """)
        outlines = Statement(
            """
            SELECT q.notification_id, q.channel, q.attempts, q.claims, q.expires_at, q.due_at, n.recipient, n.user_id,
                n.audience, n.reason, d.verdict, d.reason, d.message_id, e.event_id, e.type_key, e.account_id,
                e.actor_user_id, e.addressed_user_ids, e.object, e.object_suppressed, e.source_event_id, '[]', NULL::bytea,
                e.published_by, e.occurred_at, e.not_before, \(CallOffStatements.callingOff(schema))
            FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS x (notification_id, channel, ordinal)
            JOIN \(schema).queue q ON q.notification_id = x.notification_id AND q.channel = x.channel
            JOIN \(schema).notification n ON n.notification_id = x.notification_id
            JOIN \(schema).delivery d ON d.notification_id = x.notification_id AND d.channel = x.channel
            JOIN \(schema).event e ON e.event_id = n.event_id
            WHERE n.notification_id = ANY ($1::uuid[]) AND d.notification_id = ANY ($1::uuid[])
            ORDER BY x.ordinal
            """)
    }
}
