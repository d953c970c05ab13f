internal import Postgres

/// The statements on messages that providers report something of.
struct ReportStatements {
    /// $1 notifications, $2 channels: the messages that there are, with the billing mailbox, or the team's, that one may have gone to.
    let messages: Statement
    /// $1 notifications: all addresses of the users whom they are for, also those given up.
    let addresses: Statement
    /// $1 notifications, $2 channels, $3 states, $4 reasons, $5 now: what became of deliveries whose outcome is not known.
    let settle: Statement

    init(_ schema: SchemaName) {
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
        settle = Statement(
            """
            UPDATE \(schema).delivery d
            SET state = x.state, state_reason = x.reason, updated_at = $5::timestamptz
            FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[])
                AS x (notification_id, channel, state, reason)
            WHERE d.notification_id = x.notification_id AND d.channel = x.channel
                AND d.notification_id = ANY ($1::uuid[]) AND d.state = 'outcome_unknown'
            RETURNING d.notification_id, d.channel
            """)
    }
}
