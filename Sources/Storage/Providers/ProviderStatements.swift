internal import Postgres

/// The statements on providers.
struct ProviderStatements {
    static let columns = """
        p.provider_id, p.channel, p.kind, p.display_name, p.priority, p.enabled, p.config, p.sealed_secret IS NOT NULL,
        p.revision, p.created_at, p.updated_at
        """

    /// $1 provider, $2 its expected revision: fails with a division by zero when it has another one.
    let assertRevision: Statement
    /// $1…$7 the provider, $8 what happens to the secret: keep, remove or set, $9 the secret or NULL, $10 now, $11 how many there
    /// may be: no row for a new one when there are as many.
    let put: Statement
    /// $1 provider: counts up the supplier's facts, which say what channels are carried, if it is there: a new one may just have
    /// been refused.
    let touchSupplier: Statement
    /// $1 provider.
    let one: Statement
    /// $1 channel or NULL, $2 after this id, $3 limit.
    let page: Statement
    /// $1 channel: the enabled ones with their secrets, in the order of trial.
    let enabled: Statement

    init(_ schema: SchemaName) {
        assertRevision = .assertion(
            "SELECT 1 FROM \(schema).provider p WHERE p.provider_id = $1::text AND p.revision = $2::int8 FOR UPDATE")
        put = Statement(
            """
            INSERT INTO \(schema).provider AS p (provider_id, channel, kind, display_name, priority, enabled, config,
                sealed_secret, revision, created_at, updated_at)
            SELECT $1::text, $2::text, $3::text, $4::text, $5::int4, $6::bool, $7::jsonb, $9::bytea, 1,
                $10::timestamptz, $10::timestamptz
            WHERE EXISTS (SELECT 1 FROM \(schema).provider o WHERE o.provider_id = $1::text)
                OR (SELECT count(*) FROM \(schema).provider o) < $11::int8
            ON CONFLICT (provider_id) DO UPDATE SET channel = excluded.channel, kind = excluded.kind,
                display_name = excluded.display_name, priority = excluded.priority, enabled = excluded.enabled,
                config = excluded.config,
                sealed_secret = CASE WHEN $8::text = 'keep' THEN p.sealed_secret ELSE excluded.sealed_secret END,
                revision = p.revision + 1, updated_at = excluded.updated_at
            RETURNING \(Self.columns)
            """)
        touchSupplier = Statement(
            """
            UPDATE \(schema).account a
            SET facts_version = a.facts_version + 1
            WHERE a.account_id = ''
                AND EXISTS (SELECT 1 FROM \(schema).provider p WHERE p.provider_id = $1::text)
            """)
        one = Statement("SELECT \(Self.columns) FROM \(schema).provider p WHERE p.provider_id = $1::text")
        page = Statement(
            """
            SELECT \(Self.columns)
            FROM \(schema).provider p
            WHERE p.provider_id > $2::text AND ($1::text IS NULL OR p.channel = $1::text)
            ORDER BY p.provider_id
            LIMIT $3::int8
            """)
        enabled = Statement(
            """
            SELECT \(Self.columns), p.sealed_secret
            FROM \(schema).provider p
            WHERE p.channel = $1::text AND p.enabled
            ORDER BY p.priority, p.provider_id
            """)
    }
}
