internal import Postgres

/// The statements on users' choices.
struct PreferenceStatements {
    /// $1 user: counts up the facts of the user's account.
    let touchAccount: Statement
    /// $1 user, $2 the expected revision of the choices: fails with a division by zero when it has another one.
    let assertRevision: Statement
    /// $1 user: counts up the revision of the choices, and tells it.
    let countRevision: Statement
    /// $1 user, $2 names and $3 values of columns, $4 names and $5 values of times, $6 names and $7 values of cadences
    /// (``PersonalPatch``), $8 now, $9 the end of a snooze: changes them. Zone and language count as the user's own.
    let putPersonal: Statement
    /// $1 account, $2 names and $3 values of defaults, $4 now: changes the account's defaults.
    let putDefaults: Statement
    /// $1 user, $2 audiences, $3 scopes, $4 keys, $5 channels: the choices that are taken back.
    let clear: Statement
    /// $1 user, $2…$5 as before, $6 choices, $7 now.
    let put: Statement
    /// $1 user.
    let choices: Statement
    /// $1 after this user, $2 limit: users who said anything.
    let speakers: Statement
    /// $1 users: their choices.
    let choicesOfUsers: Statement

    init(_ schema: SchemaName) {
        touchAccount = Statement(
            """
            UPDATE \(schema).account a
            SET facts_version = a.facts_version + 1
            WHERE a.account_id = (SELECT u.account_id FROM \(schema).app_user u WHERE u.user_id = $1::text)
            """)
        assertRevision = .assertion(
            """
            SELECT 1 FROM \(schema).app_user u
            WHERE u.user_id = $1::text AND u.choices_revision = $2::int8
            FOR UPDATE
            """)
        countRevision = Statement(
            """
            UPDATE \(schema).app_user u
            SET choices_revision = u.choices_revision + 1
            WHERE u.user_id = $1::text
            RETURNING u.choices_revision
            """)
        func isNamed(_ column: String) -> String { "'\(column)' = ANY ($2::text[])" }
        putPersonal = Statement(
            """
            UPDATE \(schema).app_user u
            SET time_zone = CASE WHEN \(isNamed("time_zone")) THEN $3::jsonb ->> 'time_zone' ELSE u.time_zone END,
                locale = CASE WHEN \(isNamed("locale")) THEN $3::jsonb ->> 'locale' ELSE u.locale END,
                snoozed_until = CASE WHEN \(isNamed("snoozed_until")) THEN $9::timestamptz
                    ELSE u.snoozed_until END,
                timing = (coalesce(u.timing, '{}'::jsonb) - $4::text[]) || $5::jsonb,
                cadences = (coalesce(u.cadences, '{}'::jsonb) - $6::text[]) || $7::jsonb,
                revision = u.revision + CASE WHEN \(isNamed("time_zone")) OR \(isNamed("locale")) THEN 1 ELSE 0 END,
                updated_at = CASE WHEN \(isNamed("time_zone")) OR \(isNamed("locale")) THEN $8::timestamptz
                    ELSE u.updated_at END
            WHERE u.user_id = $1::text
            """)
        putDefaults = Statement(
            """
            UPDATE \(schema).account a
            SET defaults = (coalesce(a.defaults, '{}'::jsonb) - $2::text[]) || $3::jsonb,
                facts_version = a.facts_version + 1, revision = a.revision + 1, updated_at = $4::timestamptz
            WHERE a.account_id = $1::text
            RETURNING \(DirectoryStatements.accountColumns)
            """)
        clear = Statement(
            """
            DELETE FROM \(schema).preference p
            USING unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS x (audience, scope, scope_key, channel)
            WHERE p.user_id = $1::text AND p.audience = x.audience AND p.scope = x.scope
                AND p.scope_key = x.scope_key AND p.channel = x.channel
            """)
        put = Statement(
            """
            INSERT INTO \(schema).preference (user_id, audience, scope, scope_key, channel, choice, changed_at)
            SELECT u.user_id, x.audience, x.scope, x.scope_key, x.channel, x.choice, $7::timestamptz
            FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bool[])
                AS x (audience, scope, scope_key, channel, choice)
            JOIN \(schema).app_user u ON u.user_id = $1::text
            ORDER BY x.audience, x.scope, x.scope_key, x.channel
            ON CONFLICT (user_id, audience, scope, scope_key, channel)
            DO UPDATE SET choice = excluded.choice, changed_at = excluded.changed_at
            """)
        choices = Statement(
            """
            SELECT p.audience, p.scope, p.scope_key, p.channel, p.choice
            FROM \(schema).preference p
            WHERE p.user_id = $1::text
            ORDER BY p.audience, p.scope, p.scope_key, p.channel
            """)
        speakers = Statement(
            """
            SELECT \(DirectoryStatements.userColumns)
            FROM \(schema).app_user u
            WHERE u.user_id > $1::text AND (u.time_zone IS NOT NULL OR u.locale IS NOT NULL
                OR u.snoozed_until IS NOT NULL OR u.timing IS NOT NULL OR u.cadences IS NOT NULL
                OR EXISTS (SELECT 1 FROM \(schema).preference p WHERE p.user_id = u.user_id))
            ORDER BY u.user_id
            LIMIT $2::int8
            """)
        choicesOfUsers = Statement(
            """
            SELECT p.user_id, p.audience, p.scope, p.scope_key, p.channel, p.choice
            FROM \(schema).preference p
            WHERE p.user_id = ANY ($1::text[])
            ORDER BY p.user_id, p.audience, p.scope, p.scope_key, p.channel
            """)
    }
}
