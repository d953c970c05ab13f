internal import Postgres

/// The statements of `carillon_owner` on the registry. They run seldom, so no connection keeps them.
enum AdministrationStatements {
    /// $1…$8 the tenant, $9 schema version, $10 first day of the last month with partitions, $11 now, $12 database.
    static let insertTenant = Statement(
        """
        INSERT INTO carillon.tenant AS t (tenant_id, display_name, state, portal_url, time_zone, locale,
            enabled_without_subscription, wrapped_data_key, request_hash, schema_version, months_through, revision,
            created_at, updated_at, database)
        VALUES ($1::text, $2::text, 'active', $3::text, $4::text, $5::text, $6::text, $7::bytea, $8::bytea, $9::int4,
            $10::text::date, 1, $11::timestamptz, $11::timestamptz, $12::text)
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
    /// $1 first day of a month, $2 after this id, $3 limit: active tenants without partitions for the month.
    static let tenantsWithoutMonth = Statement(
        """
        SELECT t.tenant_id
        FROM carillon.tenant t
        WHERE t.state = 'active' AND t.months_through < $1::text::date AND t.tenant_id > $2::text
        ORDER BY t.tenant_id
        LIMIT $3::int8
        """, prepared: false)
    /// Whether there is a registry.
    static let registryExists = Statement(
        "SELECT pg_catalog.to_regclass('carillon.schema_version') IS NOT NULL", prepared: false)
    /// The registry's version.
    static let registryVersion = Statement(
        "SELECT v.version FROM carillon.schema_version v WHERE v.component = 'registry'", prepared: false)
    /// $1 version, $2 now.
    static let recordRegistryVersion = Statement(
        """
        INSERT INTO carillon.schema_version AS v (component, version, migrated_at)
        VALUES ('registry', $1::int4, $2::timestamptz)
        ON CONFLICT (component) DO UPDATE SET version = excluded.version, migrated_at = excluded.migrated_at
        WHERE v.version < excluded.version
        """, prepared: false)
    /// $1 version: how many tenants are behind it.
    static let countBehind = Statement(
        "SELECT count(*) FROM carillon.tenant t WHERE t.schema_version < $1::int4 AND t.state <> 'deleting'",
        prepared: false)
    /// $1 version, $2 after this id, $3 limit: tenants that are behind it.
    static let tenantsBehind = Statement(
        """
        SELECT t.tenant_id, t.schema_version
        FROM carillon.tenant t
        WHERE t.schema_version < $1::int4 AND t.state <> 'deleting' AND t.tenant_id > $2::text
        ORDER BY t.tenant_id
        LIMIT $3::int8
        """, prepared: false)
    /// $1 tenant: other migrations of it wait.
    static let lockTenant = Statement(
        "SELECT t.schema_version FROM carillon.tenant t WHERE t.tenant_id = $1::text FOR UPDATE", prepared: false)
    /// $1 tenant, $2 version.
    static let recordTenantVersion = Statement(
        """
        UPDATE carillon.tenant t
        SET schema_version = $2::int4
        WHERE t.tenant_id = $1::text AND t.schema_version < $2::int4
        """, prepared: false)
    /// A migration never makes the service wait behind it for long: it gives up, and comes again.
    static let shortLockTimeout = Statement("SET LOCAL lock_timeout = '200ms'", prepared: false)
}
