internal import Postgres

/// The statements that publish one event: what ``PublishStatements`` are for a batch, in the same order and with the same guard.
///
/// While there is little to do, events come alone, and with thousands of tenants the database parses and plans these statements
/// for most of them anew. So rows are handed over as JSON, which the table's own type reads: that takes a third of the time to
/// parse and plan, and half of the memory, of a column for each array. It takes a little more for each row, so batches have arrays.
///
/// A column that the JSON does not name is NULL, and columns are named, so that one that a newer version adds has its default.
struct SinglePublishStatements {
    /// $1 key, $2 event, $3 body hash, $4 response, $5 expiry; $6 account and $7 version of each pin; $8 now: the event, if its
    /// key was taken.
    let takeKey: Statement
    /// $1 key, $2 event, $3 rows: the event and those that it raises.
    let events: Statement
    /// $1 key, $2 event, $3 rows.
    let notifications: Statement
    /// $1 key, $2 event, $3 rows.
    let deliveries: Statement
    /// $1 key, $2 event, $3 rows; $4 now, $5 the caller's fence or NULL.
    let work: Statement
    /// $1 key, $2 event, $3 the user of each inbox item: counts them, and tells the counters.
    let countInbox: Statement
    /// $1 key, $2 event, $3 rows, each with the number of items that follow it in its inbox; $4 now: places them.
    let inboxItems: Statement

    init(_ schema: SchemaName) {
        let isTaken = """
            WHERE EXISTS (
                SELECT 1 FROM \(schema).idempotency held
                WHERE held.idempotency_key = $1::text AND held.event_id = $2::uuid)
            """
        takeKey = Statement(
            """
            INSERT INTO \(schema).idempotency AS held (idempotency_key, body_sha256, event_id, response, expires_at)
            SELECT $1::text, $3::bytea, $2::uuid, $4::bytea, $5::timestamptz
            WHERE NOT EXISTS (
                SELECT 1
                FROM unnest($6::text[], $7::int8[]) AS pin (account_id, version)
                LEFT JOIN \(schema).account a ON a.account_id = pin.account_id
                WHERE a.facts_version IS DISTINCT FROM pin.version)
            \(PublishParts.takesExpiredKey) $8::timestamptz
            RETURNING event_id
            """)
        events = Statement(
            """
            INSERT INTO \(schema).event (event_id, type_key, account_id, actor_user_id, addressed_user_ids, object,
                object_suppressed, source_event_id, context, sealed_context, published_by, occurred_at, not_before)
            SELECT x.event_id, x.type_key, x.account_id, x.actor_user_id, x.addressed_user_ids, x.object,
                x.object_suppressed, x.source_event_id, x.context, x.sealed_context, x.published_by, x.occurred_at,
                x.not_before
            FROM jsonb_populate_recordset(NULL::\(schema).event, $3::jsonb) AS x
            \(isTaken)
            """)
        notifications = Statement(
            """
            INSERT INTO \(schema).notification (notification_id, event_id, type_key, audience, account_id, recipient,
                user_id, object, reason, trace)
            SELECT x.notification_id, x.event_id, x.type_key, x.audience, x.account_id, x.recipient, x.user_id,
                x.object, x.reason, x.trace
            FROM jsonb_populate_recordset(NULL::\(schema).notification, $3::jsonb) AS x
            \(isTaken)
            """)
        deliveries = Statement(
            """
            INSERT INTO \(schema).delivery (notification_id, channel, rank, verdict, reason, state, state_reason,
                masked_address, message_id, deliver_at, updated_at)
            SELECT x.notification_id, x.channel, x.rank, x.verdict, x.reason, x.state, x.state_reason,
                x.masked_address, x.message_id, x.deliver_at, x.updated_at
            FROM jsonb_populate_recordset(NULL::\(schema).delivery, $3::jsonb) AS x
            \(isTaken)
            """)
        work = Statement(
            """
            INSERT INTO \(schema).queue (notification_id, channel, due_at, expires_at, digest_of, lease, attempts, claims)
            SELECT x.notification_id, x.channel, x.due_at, x.expires_at, x.digest_of,
                \(PublishParts.lease(now: "$4", fence: "$5"))
            FROM jsonb_populate_recordset(NULL::\(schema).queue, $3::jsonb) AS x
            JOIN \(schema).queue_owner o ON o.singleton
            \(isTaken)
            RETURNING notification_id, channel, lease
            """)
        countInbox = Statement(
            """
            INSERT INTO \(schema).inbox_counter AS c (user_id, last_seq, total, unread, unseen)
            SELECT x.user_id, count(*), count(*), count(*), count(*)
            FROM unnest($3::text[]) AS x (user_id)
            \(isTaken)
            GROUP BY x.user_id
            ORDER BY x.user_id
            \(PublishParts.addsToCounter)
            """)
        inboxItems = Statement(
            """
            INSERT INTO \(schema).inbox_item (user_id, seq, notification_id, type_key, title, body, link, created_at)
            SELECT x.user_id, c.last_seq - x.seq, x.notification_id, x.type_key, x.title, x.body, x.link,
                $4::timestamptz
            FROM jsonb_populate_recordset(NULL::\(schema).inbox_item, $3::jsonb) AS x
            JOIN \(schema).inbox_counter c ON c.user_id = x.user_id
            \(isTaken)
            RETURNING user_id, seq, notification_id
            """)
    }
}
