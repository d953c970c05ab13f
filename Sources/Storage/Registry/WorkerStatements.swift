internal import Postgres

/// The statements on workers and their leases. One row for each worker holds the time of expiry; a tenant's lease
/// counts while the worker that it names has a row.
///
/// Expiry goes by the database's clock, the one clock that all workers share: a machine whose clock is wrong must not
/// be able to end the leases of others. `now()` stands only where a reference table of Citus takes it.
enum WorkerStatements {
    /// $1 worker, $2 microseconds to live.
    static let join = Statement(
        """
        INSERT INTO carillon.worker (worker_id, started_at, expires_at)
        VALUES ($1::uuid, now(), now() + $2::int8 * interval '1 microsecond')
        """)
    /// $1 worker, $2 microseconds to live. A worker that has expired is not revived: its tenants may be others'
    /// already.
    static let renew = Statement(
        """
        UPDATE carillon.worker w
        SET expires_at = now() + $2::int8 * interval '1 microsecond'
        WHERE w.worker_id = $1::uuid AND w.expires_at > now()
        """)
    /// Renewal and removal write the same row, so one of the two sees what the other did.
    static let removeExpired = Statement("DELETE FROM carillon.worker w WHERE w.expires_at <= now()")
    /// $1 worker, $2 limit: takes tenants that nobody works. A fence only ever grows.
    static let acquire = Statement(
        """
        INSERT INTO carillon.tenant_lease AS l (tenant_id, worker_id, fence)
        SELECT t.tenant_id, $1::uuid, 1
        FROM carillon.tenant t
        LEFT JOIN carillon.tenant_lease o ON o.tenant_id = t.tenant_id
        LEFT JOIN carillon.worker w ON w.worker_id = o.worker_id
        WHERE t.state = 'active' AND t.moving_to IS NULL AND w.worker_id IS NULL
            AND EXISTS (SELECT 1 FROM carillon.worker me WHERE me.worker_id = $1::uuid)
        ORDER BY t.tenant_id
        LIMIT $2::int8
        ON CONFLICT (tenant_id) DO UPDATE SET worker_id = excluded.worker_id, fence = l.fence + 1
        WHERE NOT EXISTS (SELECT 1 FROM carillon.worker w WHERE w.worker_id = l.worker_id)
        """)
    /// $1 worker: the tenants whose leases it has, with its fences, where they are, and whether they are to be worked: one that is
    /// suspended, or held for a move, is not.
    static let leases = Statement(
        """
        SELECT l.tenant_id, l.fence, d.name, d.connection, t.state = 'active' AND t.moving_to IS NULL
        FROM carillon.tenant_lease l
        JOIN carillon.tenant t ON t.tenant_id = l.tenant_id
        JOIN carillon.database d ON d.name = t.database
        JOIN carillon.worker w ON w.worker_id = l.worker_id
        WHERE l.worker_id = $1::uuid
        ORDER BY l.tenant_id
        """)
    /// How many workers there are, how many active tenants.
    static let census = Statement(
        """
        SELECT (SELECT count(*) FROM carillon.worker w),
            (SELECT count(*) FROM carillon.tenant t WHERE t.state = 'active' AND t.moving_to IS NULL)
        """)
    /// $1 tenant: whether a worker works it, or may be at the last of it.
    static let isWorked = Statement(
        """
        SELECT EXISTS (
            SELECT 1
            FROM carillon.tenant_lease l
            JOIN carillon.worker w ON w.worker_id = l.worker_id
            WHERE l.tenant_id = $1::text AND w.expires_at > now()
        )
        """, prepared: false)
    /// $1 worker, $2 tenants, $3 their fences. One that comes late, when the worker has the tenant anew, does nothing.
    static let release = Statement(
        """
        UPDATE carillon.tenant_lease l
        SET worker_id = NULL
        FROM unnest($2::text[], $3::int8[]) AS x (tenant_id, fence)
        WHERE l.worker_id = $1::uuid AND l.tenant_id = x.tenant_id AND l.fence = x.fence
        """)
    /// $1 worker: its tenants are free at once.
    static let leave = Statement("DELETE FROM carillon.worker w WHERE w.worker_id = $1::uuid")
}
