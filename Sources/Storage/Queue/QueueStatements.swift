internal import Postgres

/// The statements on the queue. Whoever claims stamps its fence on the row; whoever finishes must find it there.
struct QueueStatements {
    static let eventColumns = """
        e.event_id, e.type_key, e.account_id, e.actor_user_id, e.addressed_user_ids, e.object, e.object_suppressed,
        e.source_event_id, e.context, e.sealed_context, e.published_by, e.occurred_at,
        e.not_before
        """

    /// $1 fence: makes it the queue's, if it is the greatest so far.
    let takeOver: Statement
    /// The queue's fence.
    let owner: Statement
    /// $1 fence, $2 now, $3 limit, $4 not due before this: tells of each whose digest gathers it, and whether it was tried before.
    let claim: Statement
    /// $1 fence: when the next unclaimed work is due.
    let nextDue: Statement
    /// $1 notifications, $2 channels of deliveries in the queue.
    let work: Statement
    /// $1 notifications, $2 channels, $3 fence: locks the rows that the caller holds, and tells their places.
    let hold: Statement
    /// $1 notifications, $2 channels, $3 fence, $4 outcomes or NULL, $5… the columns of the attempts.
    let attempts: Statement
    /// $1 notifications, $2 channels, $3 fence, $4 states or NULL, $5 reasons, $6 the times that they wait for where nothing was decided
    /// on publishing, $7 now, $8 what they carry instead of their own Message-ID, or NULL.
    let states: Statement
    /// $1 notifications, $2 channels, $3 fence, $4 times or NULL, $5 attempts made, $6 whether the time is the recipient's wish, with
    /// which the expiry moves, $7 whose digest gathers it from now on, or NULL: what stays in the queue. What was called off meanwhile is
    /// due at once, to be taken out.
    let requeue: Statement
    /// $1 notifications, $2 channels, $3 fence: what leaves the queue.
    let remove: Statement

    init(_ schema: SchemaName) {
        takeOver = Statement(
            "UPDATE \(schema).queue_owner o SET fence = $1::int8 WHERE o.singleton AND o.fence < $1::int8")
        owner = Statement("SELECT o.fence FROM \(schema).queue_owner o WHERE o.singleton")
        claim = Statement(
            """
            WITH found AS MATERIALIZED (
                SELECT q.notification_id, q.channel
                FROM \(schema).queue q
                WHERE q.due_at <= $2::timestamptz AND q.due_at >= $4::timestamptz AND q.lease < $1::int8
                    AND EXISTS (SELECT 1 FROM \(schema).queue_owner o WHERE o.singleton AND o.fence = $1::int8)
                ORDER BY q.due_at
                LIMIT $3::int8
                FOR UPDATE SKIP LOCKED
            )
            UPDATE \(schema).queue q
            SET lease = $1::int8, claims = q.claims + 1
            FROM found
            WHERE q.notification_id = found.notification_id AND q.channel = found.channel
            RETURNING q.notification_id, q.channel, q.due_at, q.digest_of, q.claims > 1 OR q.attempts > 0
            """)
        nextDue = Statement(
            "SELECT q.due_at FROM \(schema).queue q WHERE q.lease < $1::int8 ORDER BY q.due_at LIMIT 1")
        work = Statement(
            """
            SELECT q.notification_id, q.channel, q.attempts, q.claims, q.expires_at, q.due_at, n.recipient, n.user_id,
                n.audience, n.reason, d.verdict, d.reason, d.message_id, \(Self.eventColumns),
                \(CallOffStatements.callingOff(schema))
            FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS x (notification_id, channel, ordinal)
            JOIN \(schema).queue q ON q.notification_id = x.notification_id AND q.channel = x.channel
            JOIN \(schema).notification n ON n.notification_id = x.notification_id
            JOIN \(schema).delivery d ON d.notification_id = x.notification_id AND d.channel = x.channel
            JOIN \(schema).event e ON e.event_id = n.event_id
            WHERE n.notification_id = ANY ($1::uuid[]) AND d.notification_id = ANY ($1::uuid[])
            ORDER BY x.ordinal
            """)
        hold = Statement(
            """
            SELECT x.place
            FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS x (notification_id, channel, place)
            JOIN \(schema).queue q ON q.notification_id = x.notification_id AND q.channel = x.channel
            WHERE q.lease = $3::int8
            ORDER BY q.notification_id, q.channel
            FOR UPDATE OF q
            """)
        attempts = Statement(
            """
            INSERT INTO \(schema).attempt (notification_id, channel, number, fence, provider_id, outcome, code, detail,
                provider_message_id, started_at, finished_at)
            SELECT q.notification_id, q.channel, q.attempts + 1, q.lease, x.provider_id, x.outcome, x.code, x.detail,
                x.provider_message_id, x.started_at, x.finished_at
            FROM unnest($1::uuid[], $2::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                $9::timestamptz[], $10::timestamptz[])
                AS x (notification_id, channel, outcome, provider_id, code, detail, provider_message_id, started_at,
                    finished_at)
            JOIN \(schema).queue q ON q.notification_id = x.notification_id AND q.channel = x.channel
            WHERE q.lease = $3::int8 AND x.outcome IS NOT NULL
            """)
        states = Statement(
            """
            UPDATE \(schema).delivery d
            SET state = x.state, state_reason = x.reason,
                deliver_at = coalesce(d.deliver_at, x.deliver_at),
                message_id = coalesce(x.message_id, d.message_id), updated_at = $7::timestamptz
            FROM unnest($1::uuid[], $2::text[], $4::text[], $5::text[], $6::timestamptz[], $8::text[])
                AS x (notification_id, channel, state, reason, deliver_at, message_id)
            JOIN \(schema).queue q ON q.notification_id = x.notification_id AND q.channel = x.channel
            WHERE d.notification_id = x.notification_id AND d.channel = x.channel
                AND d.notification_id = ANY ($1::uuid[]) AND q.lease = $3::int8 AND x.state IS NOT NULL
            """)
        requeue = Statement(
            """
            UPDATE \(schema).queue q
            SET lease = 0, claims = 0, attempts = q.attempts + x.attempts,
                due_at = CASE WHEN x.due_at IS NULL OR q.called_off THEN q.due_at ELSE x.due_at END,
                expires_at = CASE WHEN x.is_postponed THEN q.expires_at + (x.due_at - q.due_at) ELSE q.expires_at END,
                digest_of = coalesce(x.digest_of, q.digest_of)
            FROM unnest($1::uuid[], $2::text[], $4::timestamptz[], $5::int4[], $6::bool[], $7::text[])
                AS x (notification_id, channel, due_at, attempts, is_postponed, digest_of)
            WHERE q.notification_id = x.notification_id AND q.channel = x.channel AND q.lease = $3::int8
            """)
        remove = Statement(
            """
            DELETE FROM \(schema).queue q
            USING unnest($1::uuid[], $2::text[]) AS x (notification_id, channel)
            WHERE q.notification_id = x.notification_id AND q.channel = x.channel AND q.lease = $3::int8
            """)
    }
}
