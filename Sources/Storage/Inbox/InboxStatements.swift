internal import Postgres

/// The statements on inboxes. What changes items takes the counter's lock first, so changes of one inbox follow each other
/// and the counters stay exact.
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
    /// $1 user, $2 notifications, $3 now: tells the counters after it.
    let markRead: Statement
    /// $1 user, $2 up to this number, $3 now: tells the counters after it.
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
        // What is read has been seen.
        markRead = Statement(
            """
            WITH found AS MATERIALIZED (
                SELECT i.seq, i.seen_at IS NULL AS unseen
                FROM \(schema).inbox_item i
                WHERE i.user_id = $1::text AND i.notification_id = ANY ($2::uuid[]) AND i.read_at IS NULL
                    AND i.archived_at IS NULL
                FOR UPDATE
            ), changed AS (
                UPDATE \(schema).inbox_item i
                SET read_at = $3::timestamptz, seen_at = coalesce(i.seen_at, $3::timestamptz)
                FROM found
                WHERE i.user_id = $1::text AND i.seq = found.seq
                RETURNING found.unseen
            )
            UPDATE \(schema).inbox_counter c
            SET unread = c.unread - counted.read, unseen = c.unseen - counted.seen
            FROM (SELECT count(*) AS read, count(*) FILTER (WHERE changed.unseen) AS seen FROM changed) AS counted
            WHERE c.user_id = $1::text
            RETURNING counted.read, \(Self.counterColumns)
            """)
        markSeen = Statement(
            """
            WITH changed AS (
                UPDATE \(schema).inbox_item i
                SET seen_at = $3::timestamptz
                WHERE i.user_id = $1::text AND i.seq <= $2::int8 AND i.seen_at IS NULL AND i.archived_at IS NULL
                RETURNING i.seq
            )
            UPDATE \(schema).inbox_counter c
            SET unseen = c.unseen - counted.seen
            FROM (SELECT count(*) AS seen FROM changed) AS counted
            WHERE c.user_id = $1::text
            RETURNING counted.seen, \(Self.counterColumns)
            """)
    }
}
