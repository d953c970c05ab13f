internal import Postgres

/// The statements of `carillon_owner` that change a tenant's line in the registry, and end it. They run seldom, so no
/// connection keeps them.
enum TenantLifeStatements {
    /// $1 tenant, $2 the revision it must have.
    static let assertRevision = Statement.assertion(
        "SELECT 1 FROM carillon.tenant t WHERE t.tenant_id = $1::text AND t.revision = $2::int8 FOR UPDATE")
    /// $1 tenant, $2…$7 its values, $8…$10 its look, $11…$15 its limits, $16 now.
    static let update = Statement(
        """
        UPDATE carillon.tenant t
        SET display_name = $2::text, portal_url = $3::text, time_zone = $4::text, locale = $5::text,
            enabled_without_subscription = $6::text, history_months = $7::int4, accent_color = $8::text,
            logo_url = $9::text, imprint = $10::text, calls_per_second = $11::int4, events_per_second = $12::int4,
            stored_rows = $13::int8, open_streams = $14::int4, message_octets = $15::int4, updated_at = $16::timestamptz,
            revision = t.revision + 1
        WHERE t.tenant_id = $1::text
        RETURNING \(RegistryStatements.tenantColumns)
        """, prepared: false)
    /// $1 tenant, $2 state, $3 when it is erased or NULL, $4 now.
    static let changeState = Statement(
        """
        UPDATE carillon.tenant t
        SET state = $2::text, erase_at = $3::timestamptz, updated_at = $4::timestamptz, revision = t.revision + 1
        WHERE t.tenant_id = $1::text
        RETURNING \(RegistryStatements.tenantColumns)
        """, prepared: false)
    /// $1 now, $2 the same less what a resumption may be late, for those who live elsewhere, $3 after this id, $4 limit: tenants
    /// whose time has come. One that is being moved is erased when that is over: until then there are two copies of it.
    static let due = Statement(
        """
        SELECT \(RegistryStatements.tenantColumns)
        FROM carillon.tenant t
        WHERE t.state = 'deleting' AND t.tenant_id > $3::text
            AND t.erase_at <= CASE t.database WHEN 'main' THEN $1::timestamptz ELSE $2::timestamptz END
            AND NOT EXISTS (SELECT 1 FROM carillon.tenant_move m WHERE m.tenant_id = t.tenant_id)
        ORDER BY t.tenant_id
        LIMIT $4::int8
        """, prepared: false)
    /// $1 tenant, $2 now: its line, with it its keys, portal keys, lease, signal and usage. Nothing if it was resumed.
    static let erase = Statement(
        """
        DELETE FROM carillon.tenant t
        WHERE t.tenant_id = $1::text AND t.state = 'deleting' AND t.erase_at <= $2::timestamptz
        """, prepared: false)
    /// $1 tenant, $2 now: its id is not given again for a while.
    static let reserve = Statement(
        """
        INSERT INTO carillon.erased_tenant (tenant_id, erased_at, is_swept)
        VALUES ($1::text, $2::timestamptz, false)
        ON CONFLICT (tenant_id) DO UPDATE SET erased_at = excluded.erased_at, is_swept = false
        """, prepared: false)
    /// $1 tenant, $2 since when erased ids are reserved: that this one is not. To be asked behind the insertion of the
    /// tenant's line, which waits for an erasure that is under way.
    static let assertNotReserved = Statement.assertion(
        """
        SELECT 1
        WHERE NOT EXISTS (
            SELECT 1
            FROM carillon.erased_tenant e
            WHERE e.tenant_id = $1::text AND e.erased_at > $2::timestamptz
        )
        """)
    /// $1 tenant, $2 now: it is taken from the services that could act for it, so that they do not act for the next of its id.
    static let leaveServices = Statement(
        """
        UPDATE carillon.service_identity s
        SET tenant_ids = x.tenant_ids, revision = s.revision + 1, updated_at = $2::timestamptz
        FROM (
            SELECT o.spiffe_id, array_remove(o.tenant_ids, $1::text) AS tenant_ids
            FROM carillon.service_identity o
            WHERE $1::text = ANY (o.tenant_ids)
        ) AS x
        WHERE s.spiffe_id = x.spiffe_id
        """, prepared: false)
    /// The line of an erasure. $5 tenant.
    static let auditErasure = RegistryAudit.line(
        """
        SELECT 'tenant.erase', 'tenant/' || $5::text, NULL::jsonb, (
                SELECT jsonb_build_object('taken_from_services', jsonb_agg(s.spiffe_id ORDER BY s.spiffe_id COLLATE "C"))
                FROM carillon.service_identity s
                WHERE $5::text = ANY (s.tenant_ids)
                HAVING count(*) > 0
            )
        """)
    /// $1 chain: the audit of what operators did to the tenant.
    static let eraseAudit = Statement("DELETE FROM carillon.audit a WHERE a.chain = $1::text", prepared: false)
    /// $1 chain.
    static let eraseAuditHead = Statement("DELETE FROM carillon.audit_head h WHERE h.chain = $1::text", prepared: false)
    /// $1 tenant, $2 now: that it is to be erased now and is not being moved, and its line locked so that nobody resumes it meanwhile.
    static let assertDue = Statement.assertion(
        """
        SELECT 1
        FROM carillon.tenant t
        WHERE t.tenant_id = $1::text AND t.state = 'deleting' AND t.erase_at <= $2::timestamptz
            AND NOT EXISTS (SELECT 1 FROM carillon.tenant_move m WHERE m.tenant_id = t.tenant_id)
        FOR UPDATE
        """)
}
