internal import Postgres

/// The statements of `carillon_owner` on where tenants are.
enum PlacementStatements {
    /// All databases with the number of their tenants.
    static let databases = Statement(
        """
        SELECT d.name, d.connection, d.accepts_tenants, (
                SELECT count(*) FROM carillon.tenant t WHERE t.database = d.name
            )
        FROM carillon.database d
        ORDER BY d.name
        """, prepared: false)
    /// $1 name.
    static let database = Statement(
        "SELECT d.name, d.connection FROM carillon.database d WHERE d.name = $1::text", prepared: false)
    /// $1 name: one that takes new tenants.
    static let accepting = Statement(
        """
        SELECT d.name, d.connection
        FROM carillon.database d
        WHERE d.name = $1::text AND d.accepts_tenants
        """, prepared: false)
    /// $1 tenant: where it is.
    static let place = Statement(
        """
        SELECT d.name, d.connection
        FROM carillon.tenant t
        JOIN carillon.database d ON d.name = t.database
        WHERE t.tenant_id = $1::text
        """, prepared: false)
    /// Whether the login role can make schemas and roles.
    static let ownerMayMake = Statement(
        """
        SELECT r.rolcreaterole AND pg_catalog.has_database_privilege(session_user, pg_catalog.current_database(), 'CREATE')
        FROM pg_catalog.pg_roles r
        WHERE r.rolname = session_user
        """, prepared: false)
    /// $1 name, $2 connection, $3 now.
    static let addDatabase = Statement(
        """
        INSERT INTO carillon.database (name, connection, accepts_tenants, created_at)
        VALUES ($1::text, $2::text, true, $3::timestamptz)
        ON CONFLICT (name) DO NOTHING
        """, prepared: false)
    /// $1 name, $2 whether new tenants may be put there.
    static let setAcceptance = Statement(
        "UPDATE carillon.database d SET accepts_tenants = $2::bool WHERE d.name = $1::text", prepared: false)
    /// $5 name, $6 connection: a database is about to be named.
    static let auditAddition = RegistryAudit.line(
        """
        SELECT 'database.add', 'database/' || $5::text, NULL::jsonb, jsonb_build_object('connection', $6::text)
        WHERE NOT EXISTS (SELECT 1 FROM carillon.database d WHERE d.name = $5::text)
        """)
    /// $5 name, $6 whether new tenants may be put there: that is about to change.
    static let auditAcceptance = RegistryAudit.line(
        """
        SELECT 'database.' || CASE WHEN $6::bool THEN 'open' ELSE 'close' END, 'database/' || d.name,
            jsonb_build_object('accepts_tenants', d.accepts_tenants), jsonb_build_object('accepts_tenants', $6::bool)
        FROM carillon.database d
        WHERE d.name = $5::text AND d.accepts_tenants <> $6::bool
        """)

    /// Drops a tenant's schema with all that is in it.
    static func dropSchema(_ schema: SchemaName) -> Statement {
        Statement("DROP SCHEMA \(schema) CASCADE", prepared: false)
    }

    /// Drops a tenant's role; refused while anything in the cluster depends on it.
    static func dropRole(_ schema: SchemaName) -> Statement {
        Statement("DROP ROLE IF EXISTS \(schema)", prepared: false)
    }
}
