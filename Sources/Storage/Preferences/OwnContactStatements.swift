internal import Domain
internal import Postgres

/// The statements on addresses that users add to those which the portal gives.
struct OwnContactStatements {
    /// $1 user, $2 channels, $3 addresses: those that are no longer named are the user's own no more.
    let drop: Statement
    /// $1 user, $2 channels, $3 addresses, $4 places, $5 now: those that nobody has given, or that were given up, have to be confirmed. So
    /// have those that are suppressed for everybody: the end of a suppression says nothing of whose an address is.
    let put: Statement
    /// $1 user, $2 channel, $3 address: since when it is the user's own, and its state as a message that asks to confirm it would find it.
    let find: Statement
    /// $1 user, $2 channel, $3 address: it is confirmed.
    let confirm: Statement

    init(_ schema: SchemaName) {
        let suppression = "\(schema).suppression s"
        drop = Statement(
            """
            UPDATE \(schema).contact_point c
            SET own_position = NULL, own_since = NULL
            WHERE c.user_id = $1::text AND c.own_position IS NOT NULL AND NOT EXISTS (
                SELECT 1 FROM unnest($2::text[], $3::text[]) AS x (channel, address)
                WHERE x.channel = c.channel AND x.address = c.address)
            """)
        put = Statement(
            """
            INSERT INTO \(schema).contact_point AS c (user_id, channel, address, own_position, own_since, state)
            SELECT u.user_id, x.channel, x.address, x.position, $5::timestamptz, 'unverified'
            FROM unnest($2::text[], $3::text[], $4::int4[]) AS x (channel, address, position)
            JOIN \(schema).app_user u ON u.user_id = $1::text
            ORDER BY x.channel, x.address
            ON CONFLICT (user_id, channel, address) DO UPDATE SET
                own_position = excluded.own_position, own_since = coalesce(c.own_since, excluded.own_since),
                state = CASE WHEN c.position IS NULL AND c.own_position IS NULL THEN excluded.state ELSE c.state END
            """)
        find = Statement(
            """
            SELECT c.own_since,
                CASE WHEN c.state = 'unverified' AND s.state <> 'usable' THEN s.state ELSE c.state END
            FROM \(schema).contact_point c
            LEFT JOIN \(suppression) ON s.channel = c.channel AND s.address = c.address
            WHERE c.user_id = $1::text AND c.channel = $2::text AND c.address = $3::text AND c.own_since IS NOT NULL
            """)
        confirm = Statement(
            """
            UPDATE \(schema).contact_point c
            SET state = CASE WHEN s.state <> 'usable' THEN s.state ELSE 'usable' END
            FROM \(schema).app_user u
            LEFT JOIN \(suppression) ON s.channel = $2::text AND s.address = $3::text
            WHERE u.user_id = $1::text AND c.user_id = u.user_id AND c.channel = $2::text AND c.address = $3::text
                AND c.state = 'unverified' AND c.own_position IS NOT NULL
            """)
    }
}
