/// Parts that the statements for one event and those for a batch share: what is written anew where a row is there already, and
/// whose new work is.
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
}
