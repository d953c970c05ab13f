internal import Postgres

/// The audit's statements. A change writes its line before it changes anything, so that `before` is what was there.
struct AuditStatements {
    /// $1 id, $2 actor, $3 user, $4 what was asked for: a user's choices are about to change.
    let preferences: Statement
    /// $1 id, $2 actor, $3 provider, $4 the new public part: a provider is about to change.
    let provider: Statement
    /// $1 id, $2 actor, $3 types, $4 audiences, $5 accounts, $6 the new values: settings are about to change.
    let settings: Statement
    /// $1 before this id, $2 limit.
    let page: Statement

    init(_ schema: SchemaName) {
        preferences = Statement(
            """
            INSERT INTO \(schema).audit (audit_id, actor, action, object, before, after)
            SELECT $1::uuid, $2::text, 'preference.update', 'user/' || $3::text, (
                SELECT jsonb_agg(jsonb_build_array(p.audience, p.scope, p.scope_key, p.channel, p.choice))
                FROM \(schema).preference p
                WHERE p.user_id = $3::text
            ), $4::jsonb
            FROM \(schema).app_user u
            WHERE u.user_id = $3::text
            """)
        provider = Statement(
            """
            INSERT INTO \(schema).audit (audit_id, actor, action, object, before, after)
            SELECT $1::uuid, $2::text, 'provider.put', 'provider/' || $3::text, (
                SELECT to_jsonb(p) - 'sealed_secret'
                FROM \(schema).provider p
                WHERE p.provider_id = $3::text
            ), $4::jsonb
            """)
        settings = Statement(
            """
            INSERT INTO \(schema).audit (audit_id, actor, action, object, before, after)
            SELECT $1::uuid, $2::text, 'setting.put', 'settings', (
                SELECT jsonb_agg(to_jsonb(s))
                FROM unnest($3::text[], $4::text[], $5::text[]) AS x (type_key, audience, account_id)
                JOIN \(schema).setting s
                    ON s.type_key = x.type_key AND s.audience = x.audience AND s.account_id = x.account_id
            ), $6::jsonb
            """)
        page = Statement(
            """
            SELECT a.audit_id, a.actor, a.action, a.object, a.before, a.after
            FROM \(schema).audit a
            WHERE a.audit_id < $1::uuid
            ORDER BY a.audit_id DESC
            LIMIT $2::int8
            """)
    }
}
