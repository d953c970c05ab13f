internal import Domain
internal import Postgres

/// The statements on addresses that nobody writes to.
///
/// The table is the truth of an address, and the state of each contact point its projection. A row in the state `usable` says that the
/// address may be written to again, and since when: what happened before is old news then, however late it is told.
///
/// All changes hold the lock of the audit's head, so that none of them, and nobody who stores an address, is between another one's
/// statements.
struct SuppressionStatements {
    /// $1 channels, $2 addresses, $3 states, $4 times: accounts whose people, or whose billing mailbox, have an address that is
    /// suppressed with them count up.
    let touch: Statement
    /// $1…$4 the same, $5 source: stores what is new; its rows are the addresses of which something was.
    let put: Statement
    /// $1 channels, $2 addresses: contact points take the state.
    let project: Statement
    /// $1 channels, $2 addresses, $3 limit: accounts some of whose people have one of the addresses that are suppressed.
    let concerned: Statement
    /// $1 channels, $2 addresses, $3 times, $4 states that are lifted, $5 whether also what is newer is, $6 states of one user's
    /// address that are lifted with them: the addresses that it makes usable.
    let liftable: Statement
    /// $1…$6 the same: accounts count up.
    let touchLifted: Statement
    /// $1…$6 the same: contact points are usable.
    let restore: Statement
    /// $1…$5 the same, $6 source: it is stored.
    let lift: Statement
    /// $1 channels, $2 addresses, $3 times: numbers whose owners said START before anybody knew of a STOP.
    let remember: Statement
    /// $1 channel, $2 address.
    let state: Statement
    /// $1 channels, $2 addresses: those that somebody has, or of which something is stored.
    let known: Statement
    /// $1 after this channel, $2 and address, $3 channels, $4 address or NULL, $5 limit.
    let page: Statement

    /// SQL for a state's place among those that take each other's place; NULL for a state that is none of them.
    private static func strength(_ state: String) -> String {
        let names = AddressState.byStrength.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        return "array_position(ARRAY[\(names)], \(state))"
    }

    /// SQL for whether the news x change what is stored as s, of the same address, if anything is.
    static let isNews = """
        (s.state IS NULL OR (s.state = 'usable' AND s.created_at < x.at)
                OR \(strength("s.state")) < \(strength("x.state")))
        """

    /// SQL for whether the suppression s is one that x lifts, by the parameters from `first` on.
    static func isLifted(from first: Int) -> String {
        "(s.state = ANY ($\(first)::text[]) AND ($\(first + 1)::bool OR s.created_at <= x.at))"
    }

    /// SQL for whether the contact point c is made usable by x, whose suppression is s, if there is one. What a user has added later is
    /// not confirmed by it.
    static func isRestored(from first: Int) -> String {
        """
        (c.state = ANY ($\(first)::text[] || $\(first + 2)::text[])
                AND (c.state <> 'unverified' OR c.own_since IS NULL OR c.own_since <= x.at)
                AND (s.state IS NULL OR s.state = 'usable' OR \(isLifted(from: first))))
        """
    }

    init(_ schema: SchemaName) {
        let given = "unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) AS x (channel, address, state, at)"
        let lifted = "unnest($1::text[], $2::text[], $3::timestamptz[]) AS x (channel, address, at)"
        let known = "\(schema).suppression s ON s.channel = x.channel AND s.address = x.address"
        // No index leads from an address to the accounts whose mailbox it is: it would be paid for by every account, and this comes
        // seldom. All addresses are looked for in one pass, and none where there is no mail address among them.
        func touch(_ accounts: String) -> Statement {
            Statement(
                """
                WITH touched AS MATERIALIZED (
                    SELECT a.account_id
                    FROM \(schema).account a
                    WHERE a.account_id IN (\(accounts))
                    ORDER BY a.account_id
                    FOR UPDATE
                )
                UPDATE \(schema).account a
                SET facts_version = a.facts_version + 1
                FROM touched
                WHERE a.account_id = touched.account_id
                """)
        }
        let state = "CASE WHEN \(Self.isNews) THEN x.state ELSE s.state END"
        self.touch = touch(
            """
            SELECT u.account_id
                FROM \(given)
                LEFT JOIN \(known)
                JOIN \(schema).contact_point c ON c.channel = x.channel AND c.address = x.address
                JOIN \(schema).app_user u ON u.user_id = c.user_id
                WHERE \(state) <> 'usable' AND c.state <> 'unverified' AND c.state <> \(state)
                UNION ALL
                SELECT m.account_id
                FROM \(schema).account m
                WHERE 'email' = ANY ($1::text[]) AND m.billing_email = ANY ($2::text[]) AND EXISTS (
                    SELECT 1
                    FROM \(given)
                    LEFT JOIN \(known)
                    WHERE x.channel = 'email' AND x.address = m.billing_email AND \(Self.isNews))
            """)
        put = Statement(
            """
            INSERT INTO \(schema).suppression AS s (channel, address, state, source, created_at)
            SELECT x.channel, x.address, x.state, $5::text, x.at
            FROM \(given)
            ORDER BY x.channel, x.address
            ON CONFLICT (channel, address) DO UPDATE SET
                state = excluded.state, source = excluded.source, created_at = excluded.created_at
            WHERE (s.state = 'usable' AND s.created_at < excluded.created_at)
                OR \(Self.strength("s.state")) < \(Self.strength("excluded.state"))
            RETURNING s.channel, s.address
            """)
        // What its user has not confirmed is not written to either, and is not usable when the suppression ends.
        project = Statement(
            """
            UPDATE \(schema).contact_point c
            SET state = s.state
            FROM unnest($1::text[], $2::text[]) AS x (channel, address)
            JOIN \(known)
            WHERE c.channel = x.channel AND c.address = x.address AND s.state <> 'usable'
                AND c.state <> 'unverified' AND c.state <> s.state
            """)
        concerned = Statement(
            """
            SELECT DISTINCT x.channel, x.address, s.state, s.created_at, a.account_id, a.display_name
            FROM unnest($1::text[], $2::text[]) AS x (channel, address)
            JOIN \(known)
            JOIN \(schema).contact_point c ON c.channel = x.channel AND c.address = x.address
            JOIN \(schema).app_user u ON u.user_id = c.user_id
            JOIN \(schema).account a ON a.account_id = u.account_id
            WHERE a.account_id <> '' AND c.position IS NOT NULL AND s.state <> 'usable'
            ORDER BY x.channel, x.address, a.account_id
            LIMIT $3::int8
            """)
        liftable = Statement(
            """
            SELECT x.channel, x.address
            FROM \(lifted)
            LEFT JOIN \(known)
            WHERE \(Self.isLifted(from: 4)) OR EXISTS (
                SELECT 1
                FROM \(schema).contact_point c
                WHERE c.channel = x.channel AND c.address = x.address AND \(Self.isRestored(from: 4)))
            """)
        touchLifted = touch(
            """
            SELECT u.account_id
                FROM \(lifted)
                LEFT JOIN \(known)
                JOIN \(schema).contact_point c ON c.channel = x.channel AND c.address = x.address
                JOIN \(schema).app_user u ON u.user_id = c.user_id
                WHERE \(Self.isRestored(from: 4))
                UNION ALL
                SELECT m.account_id
                FROM \(schema).account m
                WHERE 'email' = ANY ($1::text[]) AND m.billing_email = ANY ($2::text[]) AND EXISTS (
                    SELECT 1
                    FROM \(lifted)
                    LEFT JOIN \(known)
                    WHERE x.channel = 'email' AND x.address = m.billing_email AND \(Self.isLifted(from: 4)))
            """)
        restore = Statement(
            """
            UPDATE \(schema).contact_point c
            SET state = 'usable'
            FROM \(lifted)
            LEFT JOIN \(known)
            WHERE c.channel = x.channel AND c.address = x.address AND \(Self.isRestored(from: 4))
            """)
        lift = Statement(
            """
            UPDATE \(schema).suppression s
            SET state = 'usable', source = $6::text,
                created_at = CASE WHEN s.created_at < x.at THEN x.at ELSE s.created_at END
            FROM \(lifted)
            WHERE s.channel = x.channel AND s.address = x.address AND \(Self.isLifted(from: 4))
            """)
        remember = Statement(
            """
            INSERT INTO \(schema).suppression AS s (channel, address, state, source, created_at)
            SELECT x.channel, x.address, 'usable', 'provider', x.at
            FROM \(lifted)
            ORDER BY x.channel, x.address
            ON CONFLICT (channel, address) DO UPDATE SET created_at = excluded.created_at
            WHERE s.state = 'usable' AND s.created_at < excluded.created_at
            """)
        // An account's mailbox is looked for in one pass, as above, and only by whoever has no room left.
        self.known = Statement(
            """
            SELECT x.channel, x.address
            FROM unnest($1::text[], $2::text[]) AS x (channel, address)
            WHERE EXISTS (
                    SELECT 1 FROM \(schema).contact_point c WHERE c.channel = x.channel AND c.address = x.address)
                OR EXISTS (
                    SELECT 1 FROM \(schema).suppression s WHERE s.channel = x.channel AND s.address = x.address)
            UNION
            SELECT 'email', m.billing_email
            FROM \(schema).account m
            WHERE 'email' = ANY ($1::text[]) AND m.billing_email = ANY ($2::text[])
            """)
        self.state = Statement(
            "SELECT s.state FROM \(schema).suppression s WHERE s.channel = $1::text AND s.address = $2::text")
        page = Statement(
            """
            SELECT s.channel, s.address, s.state, s.source, s.created_at
            FROM \(schema).suppression s
            WHERE (s.channel, s.address) > ($1::text, $2::text) AND s.channel = ANY ($3::text[])
                AND ($4::text IS NULL OR s.address = $4::text) AND s.state <> 'usable'
            ORDER BY s.channel, s.address
            LIMIT $5::int8
            """)
    }

    /// SQL for the state of an account's billing mailbox, where the account is `a`.
    static func mailboxState(_ schema: SchemaName) -> String {
        """
        CASE WHEN a.billing_email IS NULL THEN 'missing' ELSE coalesce((
                    SELECT s.state FROM \(schema).suppression s
                    WHERE s.channel = 'email' AND s.address = a.billing_email), 'usable') END
        """
    }
}
