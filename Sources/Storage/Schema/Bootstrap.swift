package import Postgres

/// What a superuser does once in Carillon's database, before the first `migrate`.
package enum Bootstrap {
    /// The script, for psql: `carillon_owner` and `carillon_serve` without passwords, and the hardening.
    package static var script: String { SQLScript.bootstrap.source }

    /// The same as statements, to be run in order by a superuser. Running them again is harmless.
    package static var statements: [Statement] { SQLScript.bootstrap.statements() }

    /// Functions that PUBLIC may not call: the pattern that the script and the check at start share.
    static let riskyFunctions =
        "^(set_config|(query|table|cursor|schema|database)_to_xml.*|dblink.*|lo_.*|loread|lowrite"
        + "|pg_sleep.*|pg_notify|ts_stat|ts_rewrite|pg_(try_)?advisory_.*|pg_export_snapshot)$"
}
