internal import Postgres

/// The statements on the supplier's settings.
struct SettingStatements {
    static let columns =
        "s.account_id, s.type_key, s.audience, s.enabled, s.default_subscribed, s.mandatory, "
        + "s.mandatory_channels"

    /// All settings that differ from the catalog's.
    let all: Statement
    /// $1 accounts: counts up their facts.
    let touchAccounts: Statement
    /// $1 types, $2 audiences, $3 accounts, $4 enabled, $5 subscribed by default, $6 mandatory, $7 channels that it keeps, with commas between them, $8 now.
    let put: Statement

    init(_ schema: SchemaName) {
        all = Statement(
            "SELECT \(Self.columns) FROM \(schema).setting s ORDER BY s.type_key, s.audience, s.account_id")
        touchAccounts = Statement(
            """
            WITH touched AS MATERIALIZED (
                SELECT a.account_id
                FROM \(schema).account a
                WHERE a.account_id = ANY ($1::text[])
                ORDER BY a.account_id
                FOR UPDATE
            )
            UPDATE \(schema).account a
            SET facts_version = a.facts_version + 1
            FROM touched
            WHERE a.account_id = touched.account_id
            """)
        put = Statement(
            """
            INSERT INTO \(schema).setting (type_key, audience, account_id, enabled, default_subscribed, mandatory,
                mandatory_channels, changed_at)
            SELECT x.type_key, x.audience, x.account_id, x.enabled, x.default_subscribed, x.mandatory,
                string_to_array(x.channels, ','), $8::timestamptz
            FROM unnest($1::text[], $2::text[], $3::text[], $4::bool[], $5::bool[], $6::text[], $7::text[])
                AS x (type_key, audience, account_id, enabled, default_subscribed, mandatory, channels)
            ORDER BY x.type_key, x.audience, x.account_id
            ON CONFLICT (type_key, audience, account_id) DO UPDATE SET enabled = excluded.enabled,
                default_subscribed = excluded.default_subscribed, mandatory = excluded.mandatory,
                mandatory_channels = excluded.mandatory_channels, changed_at = excluded.changed_at
            """)
    }
}
