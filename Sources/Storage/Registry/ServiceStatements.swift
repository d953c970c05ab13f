internal import Postgres

/// The statements on internal services.
enum ServiceStatements {
    static let columns = """
        s.spiffe_id, s.display_name, s.scopes, s.all_tenants, s.tenant_ids, s.revision, s.created_by, s.created_at,
        s.updated_at
        """

    private static let audited = """
        jsonb_build_object('display_name', s.display_name, 'scopes', to_jsonb(s.scopes), 'all_tenants', s.all_tenants,
            'tenant_ids', to_jsonb(s.tenant_ids))
        """

    /// $2 the tenant that a service names or NULL: that one, or the only one that the service may act for.
    private static let meantTenant = """
        CASE
            WHEN $2::text IS NOT NULL THEN $2::text
            WHEN NOT s.all_tenants AND cardinality(s.tenant_ids) = 1 THEN s.tenant_ids[1]
        END
        """

    /// $1 service.
    static let one = Statement("SELECT \(columns) FROM carillon.service_identity s WHERE s.spiffe_id = $1::text")
    /// $1 service, $2 the tenant that it names or NULL: that tenant if the service may act for it, or the only one that it
    /// may act for.
    static let tenant = Statement(
        """
        SELECT \(RegistryStatements.tenantColumns)
        FROM carillon.service_identity s
        JOIN carillon.tenant t ON t.tenant_id = \(meantTenant)
        WHERE s.spiffe_id = $1::text AND (s.all_tenants OR t.tenant_id = ANY (s.tenant_ids))
        """)
    /// $1 service, $2 tenant or NULL: what the same tenant has stored.
    static let usage = Statement(
        """
        SELECT \(RegistryStatements.usageColumns)
        FROM carillon.service_identity s
        JOIN carillon.tenant_usage u ON u.tenant_id = \(meantTenant)
        WHERE s.spiffe_id = $1::text AND (s.all_tenants OR u.tenant_id = ANY (s.tenant_ids))
        """)
    /// $1 after this service, $2 limit.
    static let page = Statement(
        """
        SELECT \(columns)
        FROM carillon.service_identity s
        WHERE s.spiffe_id > $1::text
        ORDER BY s.spiffe_id
        LIMIT $2::int8
        """)
    /// $1 limit: what tells whether a service has changed.
    static let versions = Statement(
        """
        SELECT s.spiffe_id, s.revision, s.updated_at FROM carillon.service_identity s ORDER BY s.spiffe_id LIMIT $1::int8
        """)
    /// $1 service, $2 its expected revision: fails with a division by zero when it has another one.
    static let assertRevision = Statement.assertion(
        """
        SELECT 1 FROM carillon.service_identity s WHERE s.spiffe_id = $1::text AND s.revision = $2::int8 FOR UPDATE
        """)
    /// The line of ``put``, which is none when nothing changes. $5 service, $6 after.
    static let auditPut = RegistryAudit.line(
        """
        SELECT 'service.put', 'service/' || $5::text, (
                SELECT \(audited) FROM carillon.service_identity s WHERE s.spiffe_id = $5::text
            ), $6::jsonb
        WHERE NOT EXISTS (
            SELECT 1 FROM carillon.service_identity s WHERE s.spiffe_id = $5::text AND \(audited) = $6::jsonb
        )
        """)
    /// The line of ``delete``, which is none if there is no such service. $5 service.
    static let auditDelete = RegistryAudit.line(
        """
        SELECT 'service.delete', 'service/' || s.spiffe_id, \(audited), NULL::jsonb
        FROM carillon.service_identity s
        WHERE s.spiffe_id = $5::text
        """)
    /// $1…$5 the service, $6 who, $7 now, $8 the revision of one that is new. No row when nothing
    /// changes.
    static let put = Statement(
        """
        INSERT INTO carillon.service_identity AS s (spiffe_id, display_name, scopes, all_tenants, tenant_ids, revision,
            created_by, created_at, updated_at)
        VALUES ($1::text, $2::text, $3::text[], $4::bool, $5::text[], $8::int8, $6::text, $7::timestamptz, $7::timestamptz)
        ON CONFLICT (spiffe_id) DO UPDATE SET display_name = excluded.display_name, scopes = excluded.scopes,
            all_tenants = excluded.all_tenants, tenant_ids = excluded.tenant_ids, revision = s.revision + 1,
            updated_at = excluded.updated_at
        WHERE s.display_name <> excluded.display_name OR s.scopes <> excluded.scopes
            OR s.all_tenants <> excluded.all_tenants OR s.tenant_ids <> excluded.tenant_ids
        RETURNING s.revision
        """)
    /// $1 service.
    static let delete = Statement("DELETE FROM carillon.service_identity s WHERE s.spiffe_id = $1::text")
}
