internal import Postgres

/// The statements on accounts and users.
struct DirectoryStatements {
    static let accountColumns = """
        a.account_id, a.display_name, a.default_user_id, a.assigned_rep_user_ids, a.billing_email,
        a.notifications_suppressed, a.time_zone, a.locale, a.facts_version, a.revision, a.created_at, a.updated_at,
        a.defaults
        """
    static let userColumns = """
        u.user_id, u.account_id, u.display_name, u.state, u.is_admin, u.team_member, u.time_zone, u.locale,
        u.revision, u.choices_revision, u.created_at, u.updated_at, u.snoozed_until, u.timing, u.cadences
        """

    /// $1…$7 the account, $8 its first facts version, $9 now, $10 the fields to change.
    let upsertAccount: Statement
    /// $1 name, $2 mailbox, $3 choices, $4 the fields that change, $5 now: the supplier's own row.
    let updateTeam: Statement
    /// $1 account, $2 its expected revision: fails with a division by zero when it has another one.
    let assertAccountRevision: Statement
    /// $1 user, $2 its expected revision: fails likewise.
    let assertUserRevision: Statement
    /// $1 user, $2 account: fails likewise when the user exists and has another account.
    let assertAccountOfUser: Statement
    /// $1 account.
    let account: Statement
    /// $1 after this id, $2 limit.
    let accounts: Statement
    /// $1 account, $2 user or NULL, $3 now.
    let setDefaultUser: Statement
    /// $1 account, $2 user: whether each exists.
    let accountAndUserExist: Statement
    /// $1 user, $2 the account it shall have, $3 the fields to change: counts up the facts of the accounts it touches.
    let touchAccountsOfUser: Statement
    /// $1…$8 the user, $9 now, $10 the fields to change.
    let upsertUser: Statement
    /// $1 user, $2 channels, $3 addresses: the portal's addresses that are no longer named; bad ones keep their state.
    let dropContactPoints: Statement
    /// $1 user: addresses without a place and without a blemish are forgotten.
    let forgetContactPoints: Statement
    /// $1 user, $2 channels, $3 addresses, $4 positions, $5 states: an address that is suppressed is so here too.
    let putContactPoints: Statement
    /// $1 users.
    let contactPointsOfUsers: Statement
    /// $1 users.
    let users: Statement
    /// $1 account, $2 after this id, $3 limit.
    let usersOfAccount: Statement

    init(_ schema: SchemaName) {
        let accountColumns = Self.accountColumns
        let userColumns = Self.userColumns
        upsertAccount = Statement(
            """
            INSERT INTO \(schema).account AS a (account_id, display_name, assigned_rep_user_ids, billing_email,
                notifications_suppressed, time_zone, locale, facts_version, revision, created_at, updated_at)
            VALUES ($1::text, $2::text, $3::text[], $4::text, $5::bool, $6::text, $7::text, $8::int8, 1,
                $9::timestamptz, $9::timestamptz)
            ON CONFLICT (account_id) DO UPDATE SET
                display_name = CASE WHEN 'display_name' = ANY ($10::text[]) THEN excluded.display_name
                    ELSE a.display_name END,
                assigned_rep_user_ids = CASE WHEN 'assigned_user_ids' = ANY ($10::text[])
                    THEN excluded.assigned_rep_user_ids ELSE a.assigned_rep_user_ids END,
                billing_email = CASE WHEN 'billing_email' = ANY ($10::text[]) THEN excluded.billing_email
                    ELSE a.billing_email END,
                notifications_suppressed = CASE WHEN 'notifications_suppressed' = ANY ($10::text[])
                    THEN excluded.notifications_suppressed ELSE a.notifications_suppressed END,
                time_zone = CASE WHEN 'time_zone' = ANY ($10::text[]) THEN excluded.time_zone ELSE a.time_zone END,
                locale = CASE WHEN 'locale' = ANY ($10::text[]) THEN excluded.locale ELSE a.locale END,
                facts_version = a.facts_version + 1,
                revision = a.revision + 1,
                updated_at = excluded.updated_at
            RETURNING \(accountColumns)
            """)
        updateTeam = Statement(
            """
            UPDATE \(schema).account a
            SET display_name = CASE WHEN 'display_name' = ANY ($4::text[]) THEN $1::text ELSE a.display_name END,
                billing_email = CASE WHEN 'mailbox' = ANY ($4::text[]) THEN $2::text ELSE a.billing_email END,
                defaults = CASE WHEN 'choices' = ANY ($4::text[]) THEN $3::jsonb ELSE a.defaults END,
                facts_version = a.facts_version + 1, revision = a.revision + 1, updated_at = $5::timestamptz
            WHERE a.account_id = ''
            RETURNING \(accountColumns)
            """)
        assertAccountRevision = .assertion(
            "SELECT 1 FROM \(schema).account a WHERE a.account_id = $1::text AND a.revision = $2::int8 FOR UPDATE")
        assertUserRevision = .assertion(
            "SELECT 1 FROM \(schema).app_user u WHERE u.user_id = $1::text AND u.revision = $2::int8 FOR UPDATE")
        assertAccountOfUser = .assertion(
            """
            SELECT 1
            WHERE NOT EXISTS (
                SELECT 1
                FROM \(schema).app_user u
                WHERE u.user_id = $1::text AND u.account_id <> $2::text)
            """)
        account = Statement("SELECT \(accountColumns) FROM \(schema).account a WHERE a.account_id = $1::text")
        accounts = Statement(
            """
            SELECT \(accountColumns) FROM \(schema).account a
            WHERE a.account_id > $1::text
            ORDER BY a.account_id
            LIMIT $2::int8
            """)
        setDefaultUser = Statement(
            """
            UPDATE \(schema).account a
            SET default_user_id = $2::text, facts_version = a.facts_version + 1, revision = a.revision + 1,
                updated_at = $3::timestamptz
            WHERE a.account_id = $1::text
                AND ($2::text IS NULL OR EXISTS (
                    SELECT 1 FROM \(schema).app_user u WHERE u.user_id = $2::text AND u.account_id = $1::text))
            RETURNING \(accountColumns)
            """)
        accountAndUserExist = Statement(
            """
            SELECT EXISTS (SELECT 1 FROM \(schema).account a WHERE a.account_id = $1::text),
                EXISTS (SELECT 1 FROM \(schema).app_user u WHERE u.user_id = $2::text AND u.account_id = $1::text)
            """)
        touchAccountsOfUser = Statement(
            """
            WITH touched AS MATERIALIZED (
                SELECT a.account_id
                FROM \(schema).account a
                WHERE a.account_id = (SELECT u.account_id FROM \(schema).app_user u WHERE u.user_id = $1::text)
                    OR a.account_id = $2::text
                ORDER BY a.account_id
                FOR UPDATE
            )
            UPDATE \(schema).account a
            SET facts_version = a.facts_version + 1
            FROM touched
            WHERE a.account_id = touched.account_id
            """)
        upsertUser = Statement(
            """
            INSERT INTO \(schema).app_user AS u (user_id, account_id, display_name, state, is_admin, team_member,
                time_zone, locale, revision, choices_revision, created_at, updated_at)
            VALUES ($1::text, $2::text, $3::text, $4::text, $5::bool, $6::bool, $7::text, $8::text, 1, 1,
                $9::timestamptz, $9::timestamptz)
            ON CONFLICT (user_id) DO UPDATE SET
                account_id = CASE WHEN 'account_id' = ANY ($10::text[]) THEN excluded.account_id
                    ELSE u.account_id END,
                display_name = CASE WHEN 'display_name' = ANY ($10::text[]) THEN excluded.display_name
                    ELSE u.display_name END,
                state = CASE WHEN 'state' = ANY ($10::text[]) THEN excluded.state ELSE u.state END,
                is_admin = CASE WHEN 'admin' = ANY ($10::text[]) THEN excluded.is_admin ELSE u.is_admin END,
                team_member = CASE WHEN 'team_member' = ANY ($10::text[]) THEN excluded.team_member
                    ELSE u.team_member END,
                time_zone = CASE WHEN 'time_zone' = ANY ($10::text[]) THEN excluded.time_zone ELSE u.time_zone END,
                locale = CASE WHEN 'locale' = ANY ($10::text[]) THEN excluded.locale ELSE u.locale END,
                revision = u.revision + 1,
                choices_revision = u.choices_revision
                    + CASE WHEN $10::text[] && ARRAY['time_zone', 'locale'] THEN 1 ELSE 0 END,
                updated_at = excluded.updated_at
            RETURNING \(userColumns)
            """)
        dropContactPoints = Statement(
            """
            UPDATE \(schema).contact_point c
            SET position = NULL
            WHERE c.user_id = $1::text AND NOT EXISTS (
                SELECT 1 FROM unnest($2::text[], $3::text[]) AS x (channel, address)
                WHERE x.channel = c.channel AND x.address = c.address)
            """)
        forgetContactPoints = Statement(
            """
            DELETE FROM \(schema).contact_point c
            WHERE c.user_id = $1::text AND c.position IS NULL AND c.own_position IS NULL
                AND c.state IN ('usable', 'unverified')
            """)
        putContactPoints = Statement(
            """
            INSERT INTO \(schema).contact_point AS c (user_id, channel, address, position, state)
            SELECT $1::text, x.channel, x.address, x.position,
                CASE WHEN x.state = 'usable' THEN coalesce(s.state, x.state) ELSE x.state END
            FROM unnest($2::text[], $3::text[], $4::int4[], $5::text[]) AS x (channel, address, position, state)
            LEFT JOIN \(schema).suppression s ON s.channel = x.channel AND s.address = x.address
            ORDER BY x.channel, x.address
            ON CONFLICT (user_id, channel, address) DO UPDATE SET
                position = excluded.position,
                state = CASE WHEN c.state = 'unverified' OR (c.state = 'usable' AND excluded.state <> 'unverified')
                    THEN excluded.state ELSE c.state END
            """)
        contactPointsOfUsers = Statement(
            """
            SELECT \(ContactPoint.columns)
            FROM \(schema).contact_point c
            WHERE c.user_id = ANY ($1::text[]) AND \(ContactPoint.isInUse)
            ORDER BY \(ContactPoint.order)
            """)
        users = Statement(
            "SELECT \(userColumns) FROM \(schema).app_user u WHERE u.user_id = ANY ($1::text[]) ORDER BY u.user_id")
        usersOfAccount = Statement(
            """
            SELECT \(userColumns), (
                    SELECT array_agg(c.channel ORDER BY c.channel, c.position)
                    FROM \(schema).contact_point c WHERE c.user_id = u.user_id AND c.position IS NOT NULL),
                (
                    SELECT array_agg(c.address ORDER BY c.channel, c.position)
                    FROM \(schema).contact_point c WHERE c.user_id = u.user_id AND c.position IS NOT NULL),
                (
                    SELECT array_agg(c.state ORDER BY c.channel, c.position)
                    FROM \(schema).contact_point c WHERE c.user_id = u.user_id AND c.position IS NOT NULL)
            FROM \(schema).app_user u
            WHERE u.account_id = $1::text AND u.user_id > $2::text
            ORDER BY u.user_id
            LIMIT $3::int8
            """)
    }
}
