internal import Postgres

/// The statements on tenants, and on what processes tell each other of them. They run as the login role, never as a tenant's.
enum RegistryStatements {
    static let tenantColumns = """
        t.tenant_id, t.display_name, t.state, t.portal_url, t.time_zone, t.locale, t.enabled_without_subscription,
        t.wrapped_data_key, t.schema_version, t.revision, t.created_at, t.updated_at, t.database, t.moving_to,
        t.history_months, t.erase_at, t.accent_color, t.logo_url, t.imprint, t.calls_per_second, t.events_per_second,
        t.stored_rows, t.open_streams, t.message_octets,
        (SELECT d.connection FROM carillon.database d WHERE d.name = t.database)
        """
    static let usageColumns = "u.stored_rows, u.stored_octets, u.counted_at"

    /// $1 tenant.
    static let tenant = Statement("SELECT \(tenantColumns) FROM carillon.tenant t WHERE t.tenant_id = $1::text")
    /// $1 after this id, $2 limit.
    static let tenants = Statement(
        """
        SELECT \(tenantColumns)
        FROM carillon.tenant t
        WHERE t.tenant_id > $1::text
        ORDER BY t.tenant_id
        LIMIT $2::int8
        """)
    /// $1 tenant.
    static let usage = Statement(
        "SELECT \(usageColumns) FROM carillon.tenant_usage u WHERE u.tenant_id = $1::text")
    /// $1 tenants, $2 time of work or NULL, $3 time of credentials or NULL: hints to other processes.
    static let signal = Statement(
        """
        INSERT INTO carillon.tenant_signal AS s (tenant_id, work_at, facts_at, credentials_at, credentials_count)
        SELECT t.tenant_id, CASE WHEN $2::timestamptz IS NULL THEN 'epoch'::timestamptz ELSE $2::timestamptz END,
            'epoch'::timestamptz,
            CASE WHEN $3::timestamptz IS NULL THEN 'epoch'::timestamptz ELSE $3::timestamptz END,
            CASE WHEN $3::timestamptz IS NULL THEN 0 ELSE 1 END
        FROM carillon.tenant t
        WHERE t.tenant_id = ANY ($1::text[])
        ORDER BY t.tenant_id
        ON CONFLICT (tenant_id) DO UPDATE SET
            work_at = CASE WHEN s.work_at < excluded.work_at THEN excluded.work_at ELSE s.work_at END,
            credentials_at = CASE WHEN s.credentials_at < excluded.credentials_at THEN excluded.credentials_at
                ELSE s.credentials_at END,
            credentials_count = s.credentials_count + excluded.credentials_count
        """)
    /// $1 tenants: those of them that there are.
    static let present = Statement(
        "SELECT t.tenant_id FROM carillon.tenant t WHERE t.tenant_id = ANY ($1::text[])")
    /// $1 since: the tenants whose credentials were said to have changed, and when.
    static let changedCredentials = Statement(
        """
        SELECT s.tenant_id, s.credentials_at, s.credentials_count
        FROM carillon.tenant_signal s
        WHERE s.credentials_at >= $1::timestamptz
        """)
    /// $1 tenant, $2 now: it misses the partitions of a month, and this process cannot make them.
    static let wantMonths = Statement(
        """
        INSERT INTO carillon.tenant_signal AS s (tenant_id, work_at, facts_at, months_wanted_at)
        SELECT t.tenant_id, 'epoch'::timestamptz, 'epoch'::timestamptz, $2::timestamptz
        FROM carillon.tenant t
        WHERE t.tenant_id = $1::text
        ON CONFLICT (tenant_id) DO UPDATE SET months_wanted_at = excluded.months_wanted_at
        """)
    /// $1 since: the tenants that were signalled.
    static let signals = Statement(
        """
        SELECT s.tenant_id, s.work_at >= $1::timestamptz, s.credentials_at >= $1::timestamptz
        FROM carillon.tenant_signal s
        WHERE s.work_at >= $1::timestamptz OR s.credentials_at >= $1::timestamptz
        """)
}
