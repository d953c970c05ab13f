internal import Postgres

/// The statements on API keys: how they are known, and how a tenant's are made, listed and revoked.
enum KeyStatements {
    static let columns = """
        k.key_id, k.tenant_id, k.display_name, k.secret_sha256, k.last_four, k.scopes, k.created_by, k.created_at,
        k.expires_at, k.revoked_at, k.last_used_at
        """

    /// $1 key.
    static let one = Statement("SELECT \(columns) FROM carillon.api_key k WHERE k.key_id = $1::text")
    /// $1 key: its tenant.
    static let tenant = Statement(
        """
        SELECT \(RegistryStatements.tenantColumns)
        FROM carillon.api_key k
        JOIN carillon.tenant t ON t.tenant_id = k.tenant_id
        WHERE k.key_id = $1::text
        """)
    /// $1 key: what its tenant has stored.
    static let usage = Statement(
        """
        SELECT \(RegistryStatements.usageColumns)
        FROM carillon.api_key k
        JOIN carillon.tenant_usage u ON u.tenant_id = k.tenant_id
        WHERE k.key_id = $1::text
        """)
    /// $1 tenant.
    static let ofTenant = Statement(
        "SELECT \(columns) FROM carillon.api_key k WHERE k.tenant_id = $1::text ORDER BY k.key_id")
    /// $1 id, $2 tenant, $3…$8 the key, $9 now.
    static let add = Statement(
        """
        INSERT INTO carillon.api_key AS k (key_id, tenant_id, display_name, secret_sha256, last_four, scopes,
            created_by, expires_at, created_at)
        VALUES ($1::text, $2::text, $3::text, $4::bytea, $5::text, $6::text[], $7::text, $8::timestamptz,
            $9::timestamptz)
        RETURNING \(columns)
        """)
    /// $1 keys, $2 times: the coarse record of use.
    static let touch = Statement(
        """
        UPDATE carillon.api_key k
        SET last_used_at = x.used_at
        FROM unnest($1::text[], $2::timestamptz[]) AS x (key_id, used_at)
        WHERE k.key_id = x.key_id AND (k.last_used_at IS NULL OR k.last_used_at < x.used_at)
        """)
    /// $1…$9 as for ``add``, $10 how many keys in force there may be: no row when there are as many.
    static let create = Statement(
        """
        INSERT INTO carillon.api_key AS k (key_id, tenant_id, display_name, secret_sha256, last_four, scopes,
            created_by, expires_at, created_at)
        SELECT $1::text, $2::text, $3::text, $4::bytea, $5::text, $6::text[], $7::text, $8::timestamptz,
            $9::timestamptz
        WHERE (\(countInForce("$2", at: "$9"))) < $10::int8
        RETURNING \(columns)
        """)
    /// The line of ``create``. $5 object, $6 after, $7 now, $8 how many keys in force there may be.
    static let auditCreate = RegistryAudit.line(
        """
        SELECT 'key.create', $5::text, NULL::jsonb, $6::jsonb
        WHERE (\(countInForce("$4", at: "$7"))) < $8::int8
        """)
    /// The line of ``revoke``, which is none for a key that was revoked before. $5 key.
    static let auditRevoke = RegistryAudit.line(
        """
        SELECT 'key.revoke', 'key/' || k.key_id, jsonb_build_object('revoked', false),
            jsonb_build_object('revoked', true)
        FROM carillon.api_key k
        WHERE k.tenant_id = $4::text AND k.key_id = $5::text AND k.revoked_at IS NULL
        """)
    /// $1 tenant, $2 after this key, $3 limit.
    static let page = Statement(
        """
        SELECT \(columns)
        FROM carillon.api_key k
        WHERE k.tenant_id = $1::text AND k.key_id > $2::text
        ORDER BY k.key_id
        LIMIT $3::int8
        """)
    /// $1 tenant, $2 key, $3 now.
    static let revoke = Statement(
        """
        UPDATE carillon.api_key k
        SET revoked_at = coalesce(k.revoked_at, $3::timestamptz)
        WHERE k.tenant_id = $1::text AND k.key_id = $2::text
        RETURNING \(columns)
        """)

    /// How many keys of a tenant are in force. Both are parameters of the statement.
    private static func countInForce(_ tenant: String, at now: String) -> String {
        """
        SELECT count(*)
        FROM carillon.api_key o
        WHERE o.tenant_id = \(tenant)::text AND o.revoked_at IS NULL
            AND (o.expires_at IS NULL OR o.expires_at > \(now)::timestamptz)
        """
    }
}
