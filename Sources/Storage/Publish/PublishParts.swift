/// Parts that the statements for one event, for a batch, and for what comes later share: what is written anew where a row is there
/// already, whose new work is, and how items come into inboxes.
enum PublishParts {
    /// A key that has expired is taken as if it were not there; the statement goes on with the time.
    static let takesExpiredKey = """
        ON CONFLICT (idempotency_key) DO UPDATE SET body_sha256 = excluded.body_sha256, event_id = excluded.event_id,
            response = excluded.response, expires_at = excluded.expires_at
        WHERE held.expires_at <=
        """

    /// Work that is due is born with the fence of the caller, if it is the queue's.
    static func lease(now: String, fence: String) -> String {
        let isOurs = "x.due_at <= \(now)::timestamptz AND o.fence = \(fence)::int8"
        return "CASE WHEN \(isOurs) THEN o.fence ELSE 0 END, 0, CASE WHEN \(isOurs) THEN 1 ELSE 0 END"
    }

    /// Items are added to the counters of an inbox that has some.
    static let addsToCounter = """
        ON CONFLICT (user_id) DO UPDATE SET last_seq = c.last_seq + excluded.last_seq,
            total = c.total + excluded.total, unread = c.unread + excluded.unread, unseen = c.unseen + excluded.unseen
        RETURNING user_id, last_seq, total, unread, unseen
        """

    /// Items get the numbers that their inboxes' counters were moved on by just before, in order.
    ///
    /// - Parameters:
    ///   - rows: the FROM clause, whose x has the columns of an item and an ordinal.
    ///   - time: the parameter with the time at which they come.
    static func placesItems(_ schema: SchemaName, from rows: String, at time: String) -> String {
        """
        INSERT INTO \(schema).inbox_item (user_id, seq, notification_id, type_key, title, body, link, created_at)
        SELECT placed.user_id, c.last_seq - placed.count + placed.place, placed.notification_id, placed.type_key,
            placed.title, placed.body, placed.link, \(time)::timestamptz
        FROM (
            SELECT x.user_id, x.notification_id, x.type_key, x.title, x.body, x.link,
                count(*) OVER (PARTITION BY x.user_id) AS count,
                row_number() OVER (PARTITION BY x.user_id ORDER BY x.ordinal) AS place
            \(rows)
        ) AS placed
        JOIN \(schema).inbox_counter c ON c.user_id = placed.user_id
        """
    }
}
