internal import Postgres

/// The questions that are asked of a database before it is served from.
enum ReadinessStatements {
    /// Attributes of the login role: whether it is more than any login may be, whether it makes roles, whether it inherits what it
    /// must not, and the roles that it could become and must not: those of the other logins, those that are above all rules, and
    /// PostgreSQL's own for reading and writing everything.
    static let role = Statement(
        """
        SELECT r.rolname::text, r.rolsuper OR r.rolbypassrls OR r.rolcreatedb OR r.rolreplication, r.rolcreaterole,
            r.rolinherit, ARRAY(
                SELECT o.rolname::text
                FROM pg_catalog.pg_roles o
                WHERE NOT r.rolsuper AND o.oid <> r.oid AND pg_catalog.pg_has_role(r.oid, o.oid, 'MEMBER')
                    AND (o.rolsuper OR o.rolbypassrls OR o.rolcreaterole OR o.rolreplication OR o.rolname IN (
                        'carillon_owner', 'carillon_serve', 'carillon_work', 'pg_read_all_data', 'pg_write_all_data',
                        'pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program'))
                ORDER BY o.rolname
            )
        FROM pg_catalog.pg_roles r
        WHERE r.rolname = session_user
        """, prepared: false)
    /// Names of functions that everybody may call and nobody should.
    static let functions = Statement(
        """
        SELECT DISTINCT p.proname::text
        FROM pg_catalog.pg_proc p
        WHERE \(Bootstrap.isRisky)
            AND pg_catalog.has_function_privilege(session_user, p.oid, 'EXECUTE')
        ORDER BY 1
        """, prepared: false)
    /// Rights on the database and in it. The search path is looked up where sessions take it from, since ours set their
    /// own.
    static let database = Statement(
        """
        SELECT EXISTS (
                SELECT 1
                FROM pg_catalog.pg_db_role_setting s
                JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase
                WHERE d.datname = pg_catalog.current_database() AND s.setrole = 0
                    AND 'search_path=""' = ANY (s.setconfig)),
            pg_catalog.has_database_privilege(session_user, pg_catalog.current_database(), 'CREATE')
                OR pg_catalog.has_database_privilege(session_user, pg_catalog.current_database(), 'TEMPORARY'),
            EXISTS (
                SELECT 1 FROM pg_catalog.pg_language l
                WHERE l.lanpltrusted AND pg_catalog.has_language_privilege(session_user, l.oid, 'USAGE')),
            EXISTS (
                SELECT 1 FROM pg_catalog.pg_namespace n
                WHERE n.nspname = 'public' AND pg_catalog.has_schema_privilege(session_user, n.oid, 'CREATE')),
            pg_catalog.to_regclass('carillon.schema_version') IS NOT NULL
        """, prepared: false)
    /// What kinds of schema there are, at which version, and which programs can use them. Registries of version 1 do not know
    /// the last, for all programs can use them; so it is not read by its name.
    static let versions = Statement(
        """
        SELECT v.component, v.version,
            coalesce((to_jsonb(v) ->> 'serves_from')::int4, 1)
        FROM carillon.schema_version v
        """, prepared: false)
}
