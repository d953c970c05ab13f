internal import Domain
internal import Postgres

/// The statements on messages that providers report something of.
struct ReportStatements {
    /// $1 notifications, $2 channels: the messages that there are, with the billing mailbox, or the team's, that one may have gone to.
    let messages: Statement
    /// $1 notifications: all addresses of the users whom they are for, also those given up.
    let addresses: Statement
    /// $1 notifications, $2 channels, $3 states, $4 reasons, $5 now, $6 and $7 the span of ``span(_:until:)``: what became of deliveries
    /// whose outcome is not known, and of all that went in the digests which have their names. Tells which name each settled one had.
    let settle: Statement

    init(_ schema: SchemaName) {
        let given = """
            unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS x (notification_id, channel, state, reason)
            """
        messages = Statement(
            """
            SELECT d.notification_id, d.channel, d.message_id, d.masked_address, d.state, n.user_id,
                CASE WHEN n.recipient = 'mailbox' THEN a.billing_email END
            FROM unnest($1::uuid[], $2::text[]) AS x (notification_id, channel)
            JOIN \(schema).delivery d ON d.notification_id = x.notification_id AND d.channel = x.channel
            JOIN \(schema).notification n ON n.notification_id = x.notification_id
            LEFT JOIN \(schema).account a
                ON a.account_id = CASE WHEN n.audience = 'customer' THEN n.account_id ELSE '' END
            WHERE d.notification_id = ANY ($1::uuid[]) AND n.notification_id = ANY ($1::uuid[])
                AND d.message_id IS NOT NULL
            """)
        addresses = Statement(
            """
            SELECT c.user_id, c.channel, c.address
            FROM \(schema).contact_point c
            WHERE c.user_id = ANY (ARRAY(
                SELECT n.user_id FROM \(schema).notification n WHERE n.notification_id = ANY ($1::uuid[])))
            ORDER BY c.user_id, c.channel, c.address
            """)
        // A digest has the name of its first delivery, which may have come to an end of its own before the others went out. They are
        // later ones of the same user.
        settle = Statement(
            """
            WITH carried AS MATERIALIZED (
                SELECT x.notification_id AS name, x.notification_id, x.channel, x.state, x.reason
                FROM \(given)
                UNION ALL
                SELECT x.notification_id, m.notification_id, m.channel, x.state, x.reason
                FROM \(given)
                JOIN \(schema).notification f ON f.notification_id = x.notification_id
                JOIN \(schema).delivery l ON l.notification_id = x.notification_id AND l.channel = x.channel
                JOIN \(schema).notification n ON n.user_id = f.user_id AND n.notification_id > x.notification_id
                JOIN \(schema).delivery m ON m.notification_id = n.notification_id AND m.channel = x.channel
                WHERE f.notification_id = ANY ($1::uuid[]) AND l.notification_id = ANY ($1::uuid[])
                    AND n.notification_id >= $6::uuid AND n.notification_id <= $7::uuid
                    AND m.notification_id >= $6::uuid AND m.notification_id <= $7::uuid
                    AND m.state = 'outcome_unknown' AND m.message_id = l.message_id
                    AND starts_with(l.message_id, x.notification_id::text)
            )
            UPDATE \(schema).delivery d
            SET state = c.state, state_reason = CASE WHEN c.reason IS NULL THEN d.state_reason ELSE c.reason END,
                updated_at = $5::timestamptz
            FROM carried c
            WHERE d.notification_id = c.notification_id AND d.channel = c.channel
                AND d.notification_id >= $6::uuid AND d.notification_id <= $7::uuid AND d.state = 'outcome_unknown'
            RETURNING c.name, d.channel
            """)
    }

    /// In which notifications it is looked for what went in digests: from the first that lends one its name up to those of the time of
    /// asking, since nothing goes out before it is published.
    ///
    /// - Parameters:
    ///   - names: the deliveries that are named, at least one.
    ///   - now: the time of asking.
    static func span(_ names: [DeliveryID], until now: Instant) -> [Parameter] {
        let first = names.map { UUIDBytes($0.notification) }.min { ($0.high, $0.low) < ($1.high, $1.low) }
        // The clock of whoever published may be ahead of ours.
        let end = now.advanced(by: clockTolerance)
        let last = UUIDv7.lowerBound(milliseconds: UInt64(max(0, end.microseconds / 1_000)))
        let greatest = names.map { UUIDBytes($0.notification) }.reduce(UUIDBytes(last)) { greatest, id in
            (id.high, id.low) > (greatest.high, greatest.low) ? id : greatest
        }
        return [.uuid(first ?? UUIDBytes(last)), .uuid(greatest)]
    }

    private static let clockTolerance: Duration = .seconds(600)
}
