internal import Postgres

/// The statements of `carillon_owner` on the registry. They run seldom, so no connection keeps them.
enum AdministrationStatements {
    /// $1 tenant, $2…$7 its values, $8…$10 its look, $11…$15 its limits, $16 data key, $17 request hash, $18 schema version,
    /// $19 first day of the last month with partitions, $20 now, $21 database, $22 revision.
    static let insertTenant = Statement(
        """
        INSERT INTO carillon.tenant AS t (tenant_id, state, display_name, portal_url, time_zone, locale,
            enabled_without_subscription, history_months, accent_color, logo_url, imprint, calls_per_second,
            events_per_second, stored_rows, open_streams, message_octets, wrapped_data_key, request_hash, schema_version,
            months_through, revision, created_at, updated_at, database)
        VALUES ($1::text, 'active', $2::text, $3::text, $4::text, $5::text, $6::text, $7::int4, $8::text, $9::text,
            $10::text, $11::int4, $12::int4, $13::int8, $14::int4, $15::int4, $16::bytea, $17::bytea, $18::int4,
            $19::text::date, $22::int8, $20::timestamptz, $20::timestamptz, $21::text)
        RETURNING \(RegistryStatements.tenantColumns)
        """, prepared: false)
    /// $1 tenant.
    static let tenantWithHash = Statement(
        """
        SELECT \(RegistryStatements.tenantColumns), t.request_hash
        FROM carillon.tenant t
        WHERE t.tenant_id = $1::text
        """, prepared: false)
    /// $1 schema, $2 names of partitions: those that there are.
    static let existingPartitions = Statement(
        """
        SELECT c.relname::text
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1::text AND c.relname = ANY ($2::text[])
        """, prepared: false)
    /// $1 tenant, $2 first day of the last month with partitions.
    static let recordMonths = Statement(
        """
        UPDATE carillon.tenant t
        SET months_through = $2::text::date
        WHERE t.tenant_id = $1::text AND t.months_through < $2::text::date
        """, prepared: false)
    /// $1 first day of a month, $2 after this id, $3 limit, $4 a time: active tenants without partitions for the month, and
    /// whether they were made since the time. One that is held for a move is let be.
    static let tenantsWithoutMonth = Statement(
        """
        SELECT t.tenant_id, d.name, d.connection, t.created_at >= $4::timestamptz
        FROM carillon.tenant t
        JOIN carillon.database d ON d.name = t.database
        WHERE t.state = 'active' AND t.moving_to IS NULL AND t.months_through < $1::text::date AND t.tenant_id > $2::text
        ORDER BY t.tenant_id
        LIMIT $3::int8
        """, prepared: false)
    /// $1 tenant: other changes of its schema wait, and so does its suspension; the service, whose rows refer to it, does not.
    static let lockTenant = Statement(
        "SELECT t.schema_version FROM carillon.tenant t WHERE t.tenant_id = $1::text FOR NO KEY UPDATE",
        prepared: false)
    /// What changes tables or takes them away never makes the service wait behind it for long: it gives up, and comes again.
    static let shortLockTimeout = Statement("SET LOCAL lock_timeout = '200ms'", prepared: false)
}
