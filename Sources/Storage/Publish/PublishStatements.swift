internal import Postgres

/// The statements of one publish batch, in their order.
///
/// The first one decides: it takes the idempotency keys of the items that are new and whose pins hold. All others write
/// only for items whose key now names their own event ($1 keys, $2 events, and the item's place in them), so an item
/// is written whole or not at all, and never harms its neighbours. Rows are sorted where others may hold them too.
struct PublishStatements {
    /// $1 keys, $2 events, $3 body hashes, $4 responses, $5 expiries; $6 item, $7 account, $8 version of each pin; $9
    /// now: the events whose keys were taken.
    let takeKeys: Statement
    /// $1 keys, $2 events, $3 item of each event, those that others raise among them, $4… its columns; a list of users is
    /// joined by line feeds, which no id holds.
    let events: Statement
    /// $1 keys, $2 events, $3 item of each notification, $4… its columns.
    let notifications: Statement
    /// $1 keys, $2 events, $3 item of each delivery, $4… its columns, $14 now.
    let deliveries: Statement
    /// $1 keys, $2 events, $3 item of each piece of work, $4 notification, $5 channel, $6 due, $7 expires, $8 whose digest
    /// gathers it; $9 now, $10 the caller's fence or NULL.
    let work: Statement
    /// $1 keys, $2 events, $3 item of each inbox item, $4 user: counts them, and tells the counters.
    let countInbox: Statement
    /// $1 keys, $2 events, $3 item of each inbox item, $4 user, $5… its columns, $10 now: places them.
    let inboxItems: Statement
    /// $1 keys, $2 body hashes, $3 now: who holds the key of each item.
    let holders: Statement
    /// $1 now, $2 limit: forgets keys that have expired.
    let forgetKeys: Statement

    init(_ schema: SchemaName) {
        let isTaken = """
            JOIN \(schema).idempotency held
                ON held.idempotency_key = ($1::text[])[x.item] AND held.event_id = ($2::uuid[])[x.item]
            """
        takeKeys = Statement(
            """
            INSERT INTO \(schema).idempotency AS held (idempotency_key, body_sha256, event_id, response, expires_at)
            SELECT DISTINCT ON (x.idempotency_key)
                x.idempotency_key, x.body_sha256, x.event_id, x.response, x.expires_at
            FROM unnest($1::text[], $2::uuid[], $3::bytea[], $4::bytea[], $5::timestamptz[]) WITH ORDINALITY
                AS x (idempotency_key, event_id, body_sha256, response, expires_at, item)
            WHERE x.item NOT IN (
                SELECT pin.item
                FROM unnest($6::int4[], $7::text[], $8::int8[]) AS pin (item, account_id, version)
                LEFT JOIN \(schema).account a ON a.account_id = pin.account_id
                WHERE a.facts_version IS DISTINCT FROM pin.version)
            ORDER BY x.idempotency_key, x.item
            \(PublishParts.takesExpiredKey) $9::timestamptz
            RETURNING event_id
            """)
        events = Statement(
            """
            INSERT INTO \(schema).event (event_id, type_key, account_id, actor_user_id, addressed_user_ids, object,
                object_suppressed, source_event_id, context, sealed_context, published_by, occurred_at, not_before)
            SELECT x.event_id, x.type_key, x.account_id, x.actor_user_id,
                string_to_array(x.addressed_user_ids, E'\\n'), x.object, x.object_suppressed, x.source_event_id,
                x.context::jsonb, x.sealed_context, x.published_by,
                x.occurred_at, x.not_before
            FROM unnest($3::int4[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::bool[],
                $11::text[], $12::text[], $13::bytea[], $14::text[], $15::timestamptz[],
                $16::timestamptz[])
                AS x (item, event_id, type_key, account_id, actor_user_id, addressed_user_ids, object,
                    object_suppressed, source_event_id, context, sealed_context, published_by, occurred_at, not_before)
            \(isTaken)
            """)
        notifications = Statement(
            """
            INSERT INTO \(schema).notification (notification_id, event_id, type_key, audience, account_id, recipient,
                user_id, object, reason, trace)
            SELECT x.notification_id, x.event_id, x.type_key, x.audience, x.account_id, x.recipient, x.user_id,
                x.object, x.reason, x.trace::jsonb
            FROM unnest($3::int4[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
                $11::text[], $12::text[], $13::text[])
                AS x (item, notification_id, event_id, type_key, audience, account_id, recipient, user_id, object, reason,
                    trace)
            \(isTaken)
            """)
        deliveries = Statement(
            """
            INSERT INTO \(schema).delivery (notification_id, channel, rank, verdict, reason, state, state_reason,
                masked_address, message_id, deliver_at, updated_at)
            SELECT x.notification_id, x.channel, x.rank, x.verdict, x.reason, x.state, x.state_reason, x.masked_address,
                x.message_id, x.deliver_at, $14::timestamptz
            FROM unnest($3::int4[], $4::uuid[], $5::text[], $6::int4[], $7::text[], $8::text[], $9::text[], $10::text[],
                $11::text[], $12::text[], $13::timestamptz[])
                AS x (item, notification_id, channel, rank, verdict, reason, state, state_reason, masked_address,
                    message_id, deliver_at)
            \(isTaken)
            """)
        work = Statement(
            """
            INSERT INTO \(schema).queue (notification_id, channel, due_at, expires_at, digest_of, lease, attempts, claims)
            SELECT x.notification_id, x.channel, x.due_at, x.expires_at, x.digest_of,
                \(PublishParts.lease(now: "$9", fence: "$10"))
            FROM unnest($3::int4[], $4::uuid[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::text[])
                AS x (item, notification_id, channel, due_at, expires_at, digest_of)
            \(isTaken)
            JOIN \(schema).queue_owner o ON o.singleton
            RETURNING notification_id, channel, lease
            """)
        countInbox = Statement(
            """
            INSERT INTO \(schema).inbox_counter AS c (user_id, last_seq, total, unread, unseen)
            SELECT x.user_id, count(*), count(*), count(*), count(*)
            FROM unnest($3::int4[], $4::text[]) AS x (item, user_id)
            \(isTaken)
            GROUP BY x.user_id
            ORDER BY x.user_id
            \(PublishParts.addsToCounter)
            """)
        inboxItems = Statement(
            PublishParts.placesItems(
                schema,
                from: """
                    FROM unnest($3::int4[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[])
                        WITH ORDINALITY AS x (item, user_id, notification_id, type_key, title, body, link, ordinal)
                    \(isTaken)
                    """, at: "$10") + " RETURNING user_id, seq, notification_id")
        holders = Statement(
            """
            SELECT held.event_id, held.body_sha256 = x.body_sha256,
                CASE WHEN held.body_sha256 = x.body_sha256 THEN held.response END
            FROM unnest($1::text[], $2::bytea[]) WITH ORDINALITY AS x (idempotency_key, body_sha256, item)
            LEFT JOIN \(schema).idempotency held
                ON held.idempotency_key = x.idempotency_key AND held.expires_at > $3::timestamptz
            ORDER BY x.item
            """)
        forgetKeys = Statement(
            """
            WITH expired AS MATERIALIZED (
                SELECT k.idempotency_key
                FROM \(schema).idempotency k
                WHERE k.expires_at <= $1::timestamptz
                ORDER BY k.expires_at
                LIMIT $2::int8
                FOR UPDATE SKIP LOCKED
            )
            DELETE FROM \(schema).idempotency k
            USING expired
            WHERE k.idempotency_key = expired.idempotency_key
            """)
    }
}
