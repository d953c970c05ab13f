internal import Postgres

/// The statements by which processes tell each other that what decisions rest on has changed.
///
/// All times are the database's, the one clock that all processes share: a machine whose clock is wrong must not be able to
/// make others overlook a change. `now()` stands only where a reference table of Citus takes it.
enum FactsSignalStatements {
    /// $1 tenants.
    static let tell = Statement(
        """
        INSERT INTO carillon.tenant_signal AS s (tenant_id, work_at, facts_at)
        SELECT t.tenant_id, 'epoch'::timestamptz, now()
        FROM carillon.tenant t
        WHERE t.tenant_id = ANY ($1::text[])
        ORDER BY t.tenant_id
        ON CONFLICT (tenant_id) DO UPDATE SET
            facts_at = CASE WHEN s.facts_at < excluded.facts_at THEN excluded.facts_at ELSE s.facts_at END
        """)
    /// The time, and which server says it.
    static let clock = Statement("SELECT now(), pg_catalog.pg_postmaster_start_time()")
    /// $1 since: the tenants whose facts have changed, and when; nobody's when it is NULL.
    static let changes = Statement(
        """
        SELECT s.tenant_id, s.facts_at
        FROM carillon.tenant_signal s
        WHERE s.facts_at >= $1::timestamptz
        """)
}
