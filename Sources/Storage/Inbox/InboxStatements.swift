internal import Postgres

/// The statements on inboxes. What changes items takes the counter's lock first, so changes of one inbox follow each
/// other and the counters stay exact.
struct InboxStatements {
    static let itemColumns =
        "i.seq, i.notification_id, i.type_key, i.title, i.body, i.link, i.created_at, i.seen_at, i.read_at"
    static let counterColumns = "c.last_seq, c.total, c.unread, c.unseen"

    /// $1 users.
    let counters: Statement
    /// $1 user, $2 before this number, $3 whether only unread ones, $4 limit: newest first.
    let page: Statement
    /// $1 user, $2 after this number, $3 limit: oldest first.
    let after: Statement
    /// $1 user.
    let lockCounters: Statement
    /// $1 users, $2 after these numbers, $3 the most items for each: oldest first.
    let news: Statement
    /// $1 user, $2 numbers, $3 now. Tells the counters after it, once for each item that changed, or once with no item.
    let markRead: Statement
    /// $1 user, $2 up to this number, $3 now: tells what ``markRead`` does.
    let markSeen: Statement

    init(_ schema: SchemaName) {
        counters = Statement(
            """
            SELECT c.user_id, \(Self.counterColumns)
            FROM \(schema).inbox_counter c
            WHERE c.user_id = ANY ($1::text[])
            """)
        page = Statement(
            """
            SELECT \(Self.itemColumns)
            FROM \(schema).inbox_item i
            WHERE i.user_id = $1::text AND i.seq < $2::int8 AND i.archived_at IS NULL
                AND (NOT $3::bool OR i.read_at IS NULL)
            ORDER BY i.seq DESC
            LIMIT $4::int8
            """)
        after = Statement(
            """
            SELECT \(Self.itemColumns)
            FROM \(schema).inbox_item i
            WHERE i.user_id = $1::text AND i.seq > $2::int8 AND i.archived_at IS NULL
            ORDER BY i.seq
            LIMIT $3::int8
            """)
        lockCounters = Statement(
            "SELECT c.last_seq FROM \(schema).inbox_counter c WHERE c.user_id = $1::text FOR UPDATE")
        news = Statement(
            """
            SELECT x.user_id, \(Self.itemColumns)
            FROM unnest($1::text[], $2::int8[]) AS x (user_id, after)
            CROSS JOIN LATERAL (
                SELECT \(Self.itemColumns)
                FROM \(schema).inbox_item i
                WHERE i.user_id = x.user_id AND i.seq > x.after AND i.archived_at IS NULL
                ORDER BY i.seq
                LIMIT $3::int8
            ) AS i
            ORDER BY x.user_id, i.seq
            """)
        // What is read has been seen.
        markRead = Self.marking(
            schema, "i.seq = ANY ($2::int8[]) AND i.read_at IS NULL",
            set: "read_at = $3::timestamptz, seen_at = coalesce(i.seen_at, $3::timestamptz)")
        markSeen = Self.marking(
            schema, "i.seq <= $2::int8 AND i.seen_at IS NULL", set: "seen_at = $3::timestamptz")
    }

    /// Changes items and takes them off the counters by what they were before.
    private static func marking(_ schema: SchemaName, _ condition: String, set: String) -> Statement {
        Statement(
            """
            WITH found AS MATERIALIZED (
                SELECT i.seq, i.read_at IS NULL AS unread, i.seen_at IS NULL AS unseen
                FROM \(schema).inbox_item i
                WHERE i.user_id = $1::text AND i.archived_at IS NULL AND \(condition)
                FOR UPDATE
            ), changed AS (
                UPDATE \(schema).inbox_item i
                SET \(set)
                FROM found
                WHERE i.user_id = $1::text AND i.seq = found.seq
                RETURNING \(itemColumns), found.unread AND i.read_at IS NOT NULL AS was_read,
                    found.unseen AND i.seen_at IS NOT NULL AS was_seen
            ), counted AS (
                UPDATE \(schema).inbox_counter c
                SET unread = c.unread - gone.unread, unseen = c.unseen - gone.unseen
                FROM (
                    SELECT count(*) FILTER (WHERE g.was_read) AS unread, count(*) FILTER (WHERE g.was_seen) AS unseen
                    FROM changed g
                ) AS gone
                WHERE c.user_id = $1::text
                RETURNING \(counterColumns)
            )
            SELECT \(counterColumns), \(itemColumns)
            FROM counted c
            LEFT JOIN changed i ON true
            ORDER BY i.seq
            """)
    }
}
