internal import Domain
internal import Postgres

/// The statements on caps, and on what they count.
struct CapStatements {
    /// The caps, and the revision of the row that they are in.
    let caps: Statement
    /// $1 revision: fails with a division by zero when the row has another one.
    let assertRevision: Statement
    /// $1 the caps or NULL for none, $2 now.
    let put: Statement

    init(_ schema: SchemaName) {
        caps = Statement("SELECT a.caps, a.revision FROM \(schema).account a WHERE a.account_id = ''")
        assertRevision = .assertion(
            "SELECT 1 FROM \(schema).account a WHERE a.account_id = '' AND a.revision = $1::int8 FOR UPDATE")
        put = Statement(
            """
            UPDATE \(schema).account a
            SET caps = $1::jsonb, facts_version = a.facts_version + 1, revision = a.revision + 1,
                updated_at = $2::timestamptz
            WHERE a.account_id = ''
            RETURNING a.caps, a.revision
            """)
    }

    /// What users got lately outside of the portal, where there are caps: the newest thousand of each, which is as many as a cap may
    /// allow. What has one Message-ID is one message: of what was told in a digest only the first counts.
    ///
    /// - Parameters:
    ///   - users: a table expression with the column user_id.
    ///   - notifications: the parameter with the least id of notifications that count.
    ///   - time: the parameter with the earliest time of sending that counts.
    static func recentSends(
        _ schema: SchemaName, of users: String, notifications: String, time: String
    ) -> Statement {
        Statement(
            """
            SELECT s.user_id, s.notification_id, s.channel, s.type_key, s.updated_at
            FROM \(users) AS x
            CROSS JOIN LATERAL (
                SELECT m.user_id, m.notification_id, m.channel, m.type_key, m.updated_at
                FROM (
                    SELECT DISTINCT ON (d.channel, coalesce(d.message_id, d.notification_id::text))
                        n.user_id, d.notification_id, d.channel, n.type_key, d.updated_at
                    FROM \(schema).notification n
                    JOIN \(schema).delivery d ON d.notification_id = n.notification_id
                    WHERE n.user_id = x.user_id AND n.notification_id >= \(notifications)::uuid
                        AND d.notification_id >= \(notifications)::uuid AND d.state IN ('delivered', 'outcome_unknown')
                        AND d.channel <> 'in_app' AND d.updated_at > \(time)::timestamptz
                    ORDER BY d.channel, coalesce(d.message_id, d.notification_id::text), d.notification_id) m
                ORDER BY m.notification_id DESC
                LIMIT 1000) s
            WHERE EXISTS (SELECT 1 FROM \(schema).account a WHERE a.account_id = '' AND a.caps IS NOT NULL)
            """)
    }

    /// From when on what was sent counts: the least id of its notification, and the time. What waited before it was sent was
    /// published up to a week earlier.
    static func reach(_ now: Instant) -> [Parameter] {
        let sent = Instant(microseconds: now.microseconds - FrequencyCap.longestSpan * 1_000_000)
        let published = Instant(microseconds: sent.microseconds - FrequencyCap.longestSpan * 1_000_000)
        return [
            .uuid(UUIDv7.lowerBound(milliseconds: UInt64(max(0, published.microseconds / 1_000)))), .timestamp(sent),
        ]
    }
}
