package import Postgres

/// What a superuser does once in Carillon's database, before the first `migrate`.
package enum Bootstrap {
    /// The script, for psql: `carillon_owner` and `carillon_serve` without passwords, and the hardening.
    package static var script: String { SQLScript.bootstrap.filled(values) }

    /// The same as statements, to be run in order by a superuser. Running them again is harmless.
    package static var statements: [Statement] { SQLScript.bootstrap.statements(values) }

    /// What is true of a function `p` of `pg_proc` that PUBLIC may not call: the script and the check at start share it.
    static let isRisky = """
        p.proname ~ '^(set_config|(query|table|cursor|schema|database)_to_xml.*|dblink.*|lo_.*|loread|lowrite|pg_sleep.*|\
        pg_notify|ts_stat|ts_rewrite|pg_(try_)?advisory_.*|pg_export_snapshot)$' \
        AND p.prokind = 'f' AND NOT (p.proname = 'ts_rewrite' AND p.pronargs = 3)
        """

    private static let values = ["is_risky": isRisky]
}
