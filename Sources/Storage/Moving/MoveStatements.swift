internal import Postgres

/// The statements of `carillon_owner` on the registry while a tenant is moved. They run seldom, so no connection keeps them.
enum MoveStatements {
    /// One tenant is moved at a time, by one program. The mode is at odds with itself only: whoever reads or writes a move goes
    /// on. The lock costs no transaction id, so what is held for hours does not keep vacuum from its work, and ends with the
    /// program, however that ends.
    static let guardMoves = Statement(
        "LOCK TABLE carillon.tenant_move IN SHARE UPDATE EXCLUSIVE MODE NOWAIT", prepared: false)
    /// Whether the session with the lock is still there.
    static let stillThere = Statement("SELECT true", prepared: false)
    /// $1 tenant.
    static let move = Statement(
        """
        SELECT m.tenant_id, m.source, m.target, m.stage, m.move_id
        FROM carillon.tenant_move m
        WHERE m.tenant_id = $1::text
        """, prepared: false)
    /// $1 tenant, $2 source, $3 target, $4 stage, $5 who, $6 now, $7 the move. The tenant's revision grows: whoever has read it and found
    /// it in no move must not go by that any more.
    static let begin = Statement(
        """
        INSERT INTO carillon.tenant_move (tenant_id, source, target, stage, actor, started_at, move_id)
        VALUES ($1::text, $2::text, $3::text, $4::text, $5::text, $6::timestamptz, $7::uuid)
        """, prepared: false)
    /// $1 tenant, $2 its database, $3 its schema's version: it can be moved, and has changed.
    static let claim = Statement(
        """
        UPDATE carillon.tenant t
        SET revision = t.revision + 1
        WHERE t.tenant_id = $1::text AND t.database = $2::text AND t.schema_version = $3::int4 AND t.state <> 'deleting'
            AND t.moving_to IS NULL
        """, prepared: false)
    /// $1 tenant, $2 the stage that it is at, $3 the next one.
    static let advance = Statement(
        """
        UPDATE carillon.tenant_move m
        SET stage = $3::text
        WHERE m.tenant_id = $1::text AND m.stage = $2::text
        """, prepared: false)
    /// $1 tenant.
    static let end = Statement("DELETE FROM carillon.tenant_move m WHERE m.tenant_id = $1::text", prepared: false)
    /// $1 tenant, $2 target: from now on no worker takes it.
    static let hold = Statement(
        """
        UPDATE carillon.tenant t
        SET moving_to = $2::text, revision = t.revision + 1
        WHERE t.tenant_id = $1::text
        """, prepared: false)
    /// $1 tenant, $2 source, $3 target, $4 its schema's version: it lives at the target.
    static let switchOver = Statement(
        """
        UPDATE carillon.tenant t
        SET database = $3::text, revision = t.revision + 1
        WHERE t.tenant_id = $1::text AND t.database = $2::text AND t.moving_to = $3::text AND t.schema_version = $4::int4
        """, prepared: false)
    /// $1 tenant: it is served where it lives.
    static let letGo = Statement(
        """
        UPDATE carillon.tenant t
        SET moving_to = NULL, revision = t.revision + 1
        WHERE t.tenant_id = $1::text AND t.moving_to IS NOT NULL
        """, prepared: false)
    /// What tells this session from all others of its server.
    static let ownSession = Statement(
        """
        SELECT a.pid::int4, a.backend_start::text
        FROM pg_catalog.pg_stat_activity a
        WHERE a.pid = pg_catalog.pg_backend_pid()
        """, prepared: false)
    /// $1 and $2 another session: whether it is with this very database.
    static let isHere = Statement(
        """
        SELECT EXISTS (
            SELECT 1
            FROM pg_catalog.pg_stat_activity a
            WHERE a.pid = $1::int4 AND a.backend_start = $2::text::timestamptz
                AND a.datname = pg_catalog.current_database()
        )
        """, prepared: false)
}
