internal import Postgres

/// The statements of ``Migrator`` on the registry, as `carillon_owner`. They run seldom, so no connection keeps them.
enum MigrationStatements {
    /// For a look that must not change anything.
    static let readOnly = Statement("SET TRANSACTION READ ONLY", prepared: false)
    /// Whether there is a registry.
    static let registryExists = Statement(
        "SELECT pg_catalog.to_regclass('carillon.schema_version') IS NOT NULL", prepared: false)
    /// $1 component, $2 version, $3 now.
    static let recordVersion = Statement(
        """
        INSERT INTO carillon.schema_version AS v (component, version, migrated_at)
        VALUES ($1::text, $2::int4, $3::timestamptz)
        ON CONFLICT (component) DO UPDATE SET version = excluded.version, migrated_at = excluded.migrated_at
        WHERE v.version < excluded.version
        """, prepared: false)
    /// $1 component, $2 the oldest programs that may go on.
    static let raiseServesFrom = Statement(
        """
        UPDATE carillon.schema_version v
        SET serves_from = $2::int4
        WHERE v.component = $1::text AND v.serves_from < $2::int4
        """, prepared: false)
    /// How many tenants there are of each version in each state.
    static let census = Statement(
        """
        SELECT t.schema_version, t.state, count(*)
        FROM carillon.tenant t
        GROUP BY t.schema_version, t.state
        ORDER BY t.schema_version, t.state
        """, prepared: false)
    /// $1 version: how many tenants are behind it.
    static let countBehind = Statement(
        "SELECT count(*) FROM carillon.tenant t WHERE t.schema_version < $1::int4 AND t.state <> 'deleting'",
        prepared: false)
    /// $1 version, $2 after this id, $3 limit: tenants that are behind it.
    static let tenantsBehind = Statement(
        """
        SELECT t.tenant_id, t.schema_version, t.database
        FROM carillon.tenant t
        WHERE t.schema_version < $1::int4 AND t.state <> 'deleting' AND t.tenant_id > $2::text
        ORDER BY t.tenant_id
        LIMIT $3::int8
        """, prepared: false)
    /// $1 tenant: its version, unless it is gone or being erased.
    static let tenantVersion = Statement(
        """
        SELECT t.schema_version, t.database
        FROM carillon.tenant t
        WHERE t.tenant_id = $1::text AND t.state <> 'deleting'
        """, prepared: false)
    /// $1 tenant, $2 version: breaks off unless the tenant, which the statement before has locked, is still at this version
    /// and is not being erased.
    static let assertVersion = Statement(
        """
        SELECT 1 / count(*)
        FROM carillon.tenant t
        WHERE t.tenant_id = $1::text AND t.schema_version = $2::int4 AND t.state <> 'deleting'
        """, prepared: false)
    /// $1 tenant: breaks off while the tenant, which is locked, is being moved: what is changed at one place would be missing at
    /// the other.
    static let assertUnmoved = Statement(
        """
        SELECT 1 / (1 - count(*))
        FROM carillon.tenant_move m
        WHERE m.tenant_id = $1::text
        """, prepared: false)
    /// $1 tenant, $2 version.
    static let recordTenantVersion = Statement(
        """
        UPDATE carillon.tenant t
        SET schema_version = $2::int4
        WHERE t.tenant_id = $1::text AND t.schema_version < $2::int4
        """, prepared: false)
}
