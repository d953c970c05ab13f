internal import Postgres

/// The statements on the keys with which tenants sign their portals' tokens.
enum PortalKeyStatements {
    /// $1 tenant.
    static let ofTenant = Statement(
        "SELECT p.kid, p.jwk FROM carillon.portal_key p WHERE p.tenant_id = $1::text ORDER BY p.kid")
    /// $1 tenant.
    static let drop = Statement("DELETE FROM carillon.portal_key p WHERE p.tenant_id = $1::text")
    /// $1 tenant, $2 names, $3 keys, $4 now.
    static let add = Statement(
        """
        INSERT INTO carillon.portal_key (tenant_id, kid, jwk, created_at)
        SELECT $1::text, x.kid, x.jwk::jsonb, $4::timestamptz
        FROM unnest($2::text[], $3::text[]) AS x (kid, jwk)
        """)
    /// $5 names, $6 keys: the portal keys of the tenant in $4 are about to be replaced. A key is told by the SHA-256 of it.
    static let auditSet = RegistryAudit.line(
        """
        SELECT 'portal_keys.set', 'portal_keys', k.before, k.after
        FROM (
            SELECT (
                    SELECT jsonb_object_agg(p.kid, encode(sha256(convert_to(p.jwk::text, 'UTF8')), 'hex'))
                    FROM carillon.portal_key p
                    WHERE p.tenant_id = $4::text
                ) AS before, (
                    SELECT jsonb_object_agg(x.kid, encode(sha256(convert_to(x.jwk::jsonb::text, 'UTF8')), 'hex'))
                    FROM unnest($5::text[], $6::text[]) AS x (kid, jwk)
                ) AS after
        ) AS k
        WHERE k.before IS DISTINCT FROM k.after
        """)
}
