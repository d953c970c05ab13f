internal import Postgres

/// The statements of a tenant's audit. A change writes its line before it changes anything, so that `before` is what was
/// there, and only if there is something that it changes.
///
/// In all of a line's statements $1 is the id, $2 the actor, $3 the origin.
struct AuditStatements {
    /// The first lock of every change that leaves a line.
    let lock: Statement
    /// The head goes to the line that was added behind it; if none was, it stays.
    let advance: Statement
    /// $4 user, $5 audiences, $6 scopes, $7 keys, $8 channels, $9 `true`, `false` or nothing: choices of a user; $10 names and $11
    /// values of what else changes (``PersonalPatch``).
    let preferences: Statement
    /// $4 account, $5 names and $6 values of its defaults.
    let defaults: Statement
    /// $4 how many messages one person may get; NULL for no bound.
    let caps: Statement
    /// $4 provider, $5 channel, $6 kind, $7 name, $8 priority, $9 enabled, $10 public part, $11 keep, remove or set, $12 how
    /// many there may be: no line for a new one when there are as many.
    let provider: Statement
    /// $4 types, $5 audiences, $6 accounts, $7 enabled, $8 subscribed by default, $9 mandatory, $10 channels that it keeps, with
    /// commas between them.
    let settings: Statement
    /// $4 account, $5 all of its fields, $6 those that change if it exists.
    let account: Statement
    /// $4 the fields that change, as JSON: the supplier's team.
    let team: Statement
    /// $4 user, $5 all of its fields, $6 those that change if it exists.
    let user: Statement
    /// $4 channels, $5 addresses, $6 states, $7 times, $8 reasons, $9 source: what was found out of addresses.
    let suppressions: Statement
    /// $4 channels, $5 addresses, $6 times, $7 states, $8 whether also what is newer ends, $9 states of one user's address, $10 source:
    /// what made addresses usable again.
    let liftedSuppressions: Statement
    /// $4 user, $5 channel, $6 address: an address that the user has added is confirmed.
    let confirmation: Statement
    /// $4 account, $5 user or NULL.
    let defaultUser: Statement
    /// $1 before this id, $2 limit.
    let page: Statement

    /// Of how many users an address is said to be.
    private static let ownersNamed = 10

    init(_ schema: SchemaName) {
        func line(_ select: String) -> Statement {
            Statement(
                AuditChain.insertion(
                    into: "\(schema).audit (", scope: "'\(AuditChain.tenantScope)'",
                    head: "\(schema).audit_head h ON h.singleton", line: select))
        }
        lock = Statement("SELECT h.seq FROM \(schema).audit_head h WHERE h.singleton FOR UPDATE")
        advance = Statement(
            """
            UPDATE \(schema).audit_head h
            SET seq = a.seq, hash = a.hash
            FROM \(schema).audit a
            WHERE h.singleton AND a.seq = h.seq + 1
            """)
        // Of names and addresses of people the audit keeps what tells them apart at best, so that it need not be changed
        // when they are erased.
        func masked(_ address: String) -> String {
            "left(\(address), 1) || '***' || coalesce(substring(\(address), '@[^@]*$'), '')"
        }
        func maskedPoints(_ points: String) -> String {
            """
            (
                        SELECT coalesce(jsonb_agg(jsonb_build_array(e.point ->> 0, \(masked("(e.point ->> 1)")))
                            ORDER BY e.place), '[]'::jsonb)
                        FROM pg_catalog.jsonb_array_elements(\(points)) WITH ORDINALITY AS e (point, place))
            """
        }
        func maskedWish(_ value: String) -> String {
            "CASE WHEN y.name = 'contact_points' THEN \(maskedPoints(value)) ELSE \(value) END"
        }
        preferences = line(
            """
            SELECT 'preference.update', 'user/' || u.user_id, c.before, c.after
            FROM \(schema).app_user u
            CROSS JOIN LATERAL (
                SELECT jsonb_agg(e.before ORDER BY e.part, e.place) FILTER (WHERE e.before IS NOT NULL) AS before,
                    jsonb_agg(e.after ORDER BY e.part, e.place) AS after
                FROM (
                    SELECT 1 AS part, x.place,
                        CASE WHEN p.choice IS NOT NULL
                            THEN jsonb_build_array(x.audience, x.scope, x.scope_key, x.channel, p.choice) END AS before,
                        jsonb_build_array(x.audience, x.scope, x.scope_key, x.channel, nullif(x.choice, '')::bool)
                            AS after
                    FROM unnest($5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
                        WITH ORDINALITY AS x (audience, scope, scope_key, channel, choice, place)
                    LEFT JOIN \(schema).preference p
                        ON p.user_id = $4::text AND p.audience = x.audience AND p.scope = x.scope
                            AND p.scope_key = x.scope_key AND p.channel = x.channel
                    WHERE p.choice IS DISTINCT FROM nullif(x.choice, '')::bool
                    UNION ALL
                    SELECT 2, y.place,
                        CASE WHEN s.state ? y.name
                            THEN jsonb_build_array(y.name, \(maskedWish("(s.state -> y.name)"))) END,
                        jsonb_build_array(y.name, \(maskedWish("($11::jsonb -> y.name)")))
                    FROM unnest($10::text[]) WITH ORDINALITY AS y (name, place)
                    CROSS JOIN (
                        SELECT jsonb_strip_nulls(jsonb_build_object('time_zone', u.time_zone, 'locale', u.locale,
                            'snoozed_until', (date_part('epoch', u.snoozed_until) * 1000000)::int8,
                            'contact_points', (
                                SELECT jsonb_agg(jsonb_build_array(c.channel, c.address) ORDER BY c.own_position)
                                FROM \(schema).contact_point c
                                WHERE c.user_id = u.user_id AND c.own_position IS NOT NULL)))
                            || coalesce(u.timing, '{}'::jsonb) || coalesce(u.cadences, '{}'::jsonb) AS state
                    ) AS s
                    WHERE s.state -> y.name IS DISTINCT FROM $11::jsonb -> y.name
                ) AS e
            ) AS c
            WHERE u.user_id = $4::text AND c.after IS NOT NULL
            """)
        defaults = line(
            """
            SELECT 'account.defaults', 'account/' || a.account_id, c.before, c.after
            FROM \(schema).account a
            CROSS JOIN LATERAL (
                SELECT jsonb_object_agg(x.name, a.defaults -> x.name) FILTER (WHERE a.defaults ? x.name) AS before,
                    jsonb_object_agg(x.name, $6::jsonb -> x.name) AS after
                FROM unnest($5::text[]) AS x (name)
                WHERE a.defaults -> x.name IS DISTINCT FROM $6::jsonb -> x.name
            ) AS c
            WHERE a.account_id = $4::text AND c.after IS NOT NULL
            """)
        caps = line(
            """
            SELECT 'settings.caps', 'settings/caps', a.caps, coalesce($4::jsonb, '[]'::jsonb)
            FROM \(schema).account a
            WHERE a.account_id = '' AND coalesce(a.caps, '[]'::jsonb) IS DISTINCT FROM coalesce($4::jsonb, '[]'::jsonb)
            """)
        provider = line(
            """
            SELECT 'provider.put', 'provider/' || $4::text, c.before, c.after
            FROM (
                SELECT x.before, jsonb_build_object('channel', $5::text, 'kind', $6::text, 'display_name', $7::text,
                        'priority', $8::int4, 'enabled', $9::bool, 'config', $10::jsonb,
                        'credential', CASE $11::text WHEN 'set' THEN 'new' WHEN 'remove' THEN 'none'
                            ELSE coalesce(x.before ->> 'credential', 'none') END) AS after
                FROM (
                    SELECT (
                        SELECT jsonb_build_object('channel', p.channel, 'kind', p.kind, 'display_name', p.display_name,
                            'priority', p.priority, 'enabled', p.enabled, 'config', p.config,
                            'credential', CASE WHEN p.sealed_secret IS NULL THEN 'none' ELSE 'stored' END)
                        FROM \(schema).provider p
                        WHERE p.provider_id = $4::text
                    ) AS before
                ) AS x
            ) AS c
            WHERE c.before IS DISTINCT FROM c.after
                AND (c.before IS NOT NULL OR (SELECT count(*) FROM \(schema).provider o) < $12::int8)
            """)
        settings = line(
            """
            SELECT 'setting.put', 'settings', c.before, c.after
            FROM (
                SELECT jsonb_agg(jsonb_build_array(x.account_id, x.type_key, x.audience, s.enabled,
                        s.default_subscribed, s.mandatory, array_to_string(s.mandatory_channels, ',')) ORDER BY x.place)
                        FILTER (WHERE s.type_key IS NOT NULL) AS before,
                    jsonb_agg(jsonb_build_array(x.account_id, x.type_key, x.audience, x.enabled,
                        x.default_subscribed, x.mandatory, x.channels) ORDER BY x.place) AS after
                FROM unnest($4::text[], $5::text[], $6::text[], $7::bool[], $8::bool[], $9::text[], $10::text[])
                    WITH ORDINALITY
                    AS x (type_key, audience, account_id, enabled, default_subscribed, mandatory, channels, place)
                LEFT JOIN \(schema).setting s
                    ON s.type_key = x.type_key AND s.audience = x.audience AND s.account_id = x.account_id
                WHERE s.enabled IS DISTINCT FROM x.enabled
                    OR s.default_subscribed IS DISTINCT FROM x.default_subscribed
                    OR s.mandatory IS DISTINCT FROM x.mandatory
                    OR array_to_string(s.mandatory_channels, ',') IS DISTINCT FROM x.channels
            ) AS c
            WHERE c.after IS NOT NULL
            """)
        confirmation = line(
            """
            SELECT 'contact_point.confirm', 'user/' || c.user_id,
                jsonb_build_object('channel', c.channel, 'address', \(masked("c.address")), 'state', c.state),
                jsonb_build_object('channel', c.channel, 'address', \(masked("c.address")),
                    'state', CASE WHEN s.state <> 'usable' THEN s.state ELSE 'usable' END)
            FROM \(schema).contact_point c
            LEFT JOIN \(schema).suppression s ON s.channel = c.channel AND s.address = c.address
            WHERE c.user_id = $4::text AND c.channel = $5::text AND c.address = $6::text AND c.state = 'unverified'
                AND c.own_position IS NOT NULL
            """)
        func maskedAccount(_ row: String) -> String {
            "\(row) || jsonb_build_object('billing_email', \(masked("\(row) ->> 'billing_email'")))"
        }
        account = line(
            """
            SELECT CASE WHEN c.before IS NULL THEN 'account.create' ELSE 'account.update' END, 'account/' || $4::text,
                \(maskedAccount("c.before")), \(maskedAccount("c.after"))
            FROM (
                SELECT x.before, coalesce(x.before || $6::jsonb, $5::jsonb) AS after
                FROM (
                    SELECT (
                        SELECT jsonb_build_object('display_name', a.display_name,
                            'assigned_user_ids', a.assigned_rep_user_ids, 'billing_email', a.billing_email,
                            'notifications_suppressed', a.notifications_suppressed, 'time_zone', a.time_zone,
                            'locale', a.locale)
                        FROM \(schema).account a
                        WHERE a.account_id = $4::text
                    ) AS before
                ) AS x
            ) AS c
            WHERE c.before IS DISTINCT FROM c.after
            """)
        func maskedTeam(_ row: String) -> String {
            "\(row) || jsonb_build_object('mailbox', \(masked("\(row) ->> 'mailbox'")))"
        }
        team = line(
            """
            SELECT 'team.update', 'team', \(maskedTeam("c.before")), \(maskedTeam("c.after"))
            FROM (
                SELECT x.before, x.before || $4::jsonb AS after
                FROM (
                    SELECT jsonb_build_object('display_name', a.display_name, 'mailbox', a.billing_email,
                        'choices', coalesce(a.defaults, '{}'::jsonb)) AS before
                    FROM \(schema).account a
                    WHERE a.account_id = ''
                ) AS x
            ) AS c
            WHERE c.before IS DISTINCT FROM c.after
            """)
        func maskedUser(_ row: String) -> String {
            """
            \(row) || jsonb_build_object(
                    'display_name', coalesce(left(nullif(\(row) ->> 'display_name', ''), 1) || '***', ''),
                    'contact_points', \(maskedPoints("\(row) -> 'contact_points'")))
            """
        }
        user = line(
            """
            SELECT CASE WHEN c.before IS NULL THEN 'user.create' ELSE 'user.update' END, 'user/' || $4::text,
                \(maskedUser("c.before")),
                \(maskedUser("c.after"))
            FROM (
                SELECT x.before, coalesce(x.before || $6::jsonb, $5::jsonb) AS after
                FROM (
                    SELECT (
                        SELECT jsonb_build_object('account_id', u.account_id, 'display_name', u.display_name,
                            'state', u.state, 'admin', u.is_admin, 'team_member', u.team_member,
                            'time_zone', u.time_zone, 'locale', u.locale, 'contact_points', (
                                SELECT coalesce(jsonb_agg(jsonb_build_array(p.channel, p.address)
                                    ORDER BY p.channel COLLATE "C", p.position), '[]'::jsonb)
                                FROM \(schema).contact_point p
                                WHERE p.user_id = u.user_id AND p.position IS NOT NULL))
                        FROM \(schema).app_user u
                        WHERE u.user_id = $4::text
                    ) AS before
                ) AS x
            ) AS c
            WHERE c.before IS DISTINCT FROM c.after
            """)
        // Whose it is, as far as it is of use to read.
        let owners = """
            coalesce((
                        SELECT jsonb_agg(o.user_id ORDER BY o.user_id)
                        FROM (
                            SELECT c.user_id
                            FROM \(schema).contact_point c
                            WHERE c.channel = x.channel AND c.address = x.address
                            ORDER BY c.user_id
                            LIMIT \(Self.ownersNamed)
                        ) AS o), '[]'::jsonb)
            """
        let known = "\(schema).suppression s ON s.channel = x.channel AND s.address = x.address"
        suppressions = line(
            """
            SELECT 'address.suppress', 'suppressions', c.before, c.after
            FROM (
                SELECT jsonb_agg(jsonb_build_object('channel', x.channel, 'address', \(masked("x.address")),
                        'state', s.state) ORDER BY x.place) FILTER (WHERE s.state IS NOT NULL) AS before,
                    jsonb_agg(jsonb_strip_nulls(jsonb_build_object('channel', x.channel,
                        'address', \(masked("x.address")), 'state', x.state, 'source', $9::text,
                        'reason', nullif(x.reason, ''), 'user_ids', \(owners))) ORDER BY x.place) AS after
                FROM unnest($4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::text[])
                    WITH ORDINALITY AS x (channel, address, state, at, reason, place)
                LEFT JOIN \(known)
                WHERE \(SuppressionStatements.isNews)
            ) AS c
            WHERE c.after IS NOT NULL
            """)
        liftedSuppressions = line(
            """
            SELECT 'address.restore', 'suppressions', c.before, c.after
            FROM (
                SELECT jsonb_agg(jsonb_build_object('channel', x.channel, 'address', \(masked("x.address")),
                        'state', s.state) ORDER BY x.place) FILTER (WHERE s.state IS NOT NULL) AS before,
                    jsonb_agg(jsonb_build_object('channel', x.channel, 'address', \(masked("x.address")),
                        'state', 'usable', 'source', $10::text, 'user_ids', \(owners)) ORDER BY x.place) AS after
                FROM unnest($4::text[], $5::text[], $6::timestamptz[])
                    WITH ORDINALITY AS x (channel, address, at, place)
                LEFT JOIN \(known)
                WHERE \(SuppressionStatements.isLifted(from: 7)) OR EXISTS (
                    SELECT 1
                    FROM \(schema).contact_point c
                    WHERE c.channel = x.channel AND c.address = x.address
                        AND \(SuppressionStatements.isRestored(from: 7)))
            ) AS c
            WHERE c.after IS NOT NULL
            """)
        defaultUser = line(
            """
            SELECT 'account.set_default_user', 'account/' || a.account_id,
                jsonb_build_object('default_user_id', a.default_user_id),
                jsonb_build_object('default_user_id', $5::text)
            FROM \(schema).account a
            WHERE a.account_id = $4::text AND a.default_user_id IS DISTINCT FROM $5::text
                AND ($5::text IS NULL OR EXISTS (
                    SELECT 1 FROM \(schema).app_user u WHERE u.user_id = $5::text AND u.account_id = $4::text))
            """)
        page = Statement(
            """
            SELECT \(AuditEntry.columns)
            FROM \(schema).audit a
            WHERE a.audit_id < $1::uuid
            ORDER BY a.audit_id DESC
            LIMIT $2::int8
            """)
    }
}
