internal import Postgres

/// The statements of `carillon_owner` that look after all tenants. They run seldom, so no connection keeps them.
enum MaintenanceStatements {
    /// $1 the first name of a partition, $2 the first that is too young, $3 and $4 after this schema and name, $5 limit.
    static let oldPartitions = Statement(
        """
        SELECT n.nspname::text, c.relname::text
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname >= $1::text::name AND c.relname < $2::text::name AND c.relispartition AND c.relkind = 'r'
            AND n.nspname ~ '^t_[a-z]' AND (n.nspname, c.relname) > ($3::text::name, $4::text::name)
        ORDER BY n.nspname, c.relname
        LIMIT $5::int8
        """, prepared: false)
    /// $1 names of partitions, $2 schemas: those of them in which any of these has rows. Statistics and catalog are asked and no
    /// table is touched, so that a session that looks at all tenants keeps nothing of them in memory. A tenant that they know
    /// nothing of gets its months when it publishes.
    static let schemasWithRows = Statement(
        """
        SELECT DISTINCT n.nspname::text
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = ANY ($1::text[]) AND c.relispartition AND c.relkind = 'r' AND n.nspname = ANY ($2::text[])
            AND (c.reltuples > 0 OR pg_catalog.pg_stat_get_tuples_inserted(c.oid) > 0)
        """, prepared: false)
    /// $1 and $2 behind this wish, $3 limit: tenants that miss the partitions of a month and where they live, those that have waited
    /// longest first. One that is held for a move is let be until that is over.
    static let wantedMonths = Statement(
        """
        SELECT s.tenant_id, d.name, d.connection, s.months_wanted_at
        FROM carillon.tenant_signal s
        JOIN carillon.tenant t ON t.tenant_id = s.tenant_id
        JOIN carillon.database d ON d.name = t.database
        WHERE s.months_wanted_at IS NOT NULL AND (s.months_wanted_at, s.tenant_id) > ($1::timestamptz, $2::text)
            AND t.moving_to IS NULL
        ORDER BY s.months_wanted_at, s.tenant_id
        LIMIT $3::int8
        """, prepared: false)
    /// $1 tenant, $2 until when they were wanted: they are there.
    static let monthsMade = Statement(
        """
        UPDATE carillon.tenant_signal s
        SET months_wanted_at = NULL
        WHERE s.tenant_id = $1::text AND s.months_wanted_at <= $2::timestamptz
        """, prepared: false)
    /// $1 now, $2 how many keys that ended each tenant keeps: the others go. The serving login may take none away.
    static let dropEndedKeys = Statement(
        """
        WITH ended AS MATERIALIZED (
            SELECT k.key_id, row_number() OVER (
                PARTITION BY k.tenant_id ORDER BY coalesce(k.revoked_at, k.expires_at) DESC, k.key_id
            ) AS place
            FROM carillon.api_key k
            WHERE k.tenant_id IS NOT NULL AND (k.revoked_at IS NOT NULL OR k.expires_at <= $1::timestamptz)
        )
        DELETE FROM carillon.api_key k
        USING ended
        WHERE k.key_id = ended.key_id AND ended.place > $2::int8
        """, prepared: false)
    /// $1 tenants, $2 a database: how long the history of those that live there is kept. One that is held for a move is let be.
    static let historyOf = Statement(
        """
        SELECT t.tenant_id, t.history_months
        FROM carillon.tenant t
        WHERE t.tenant_id = ANY ($1::text[]) AND t.database = $2::text AND t.moving_to IS NULL
        """, prepared: false)
    /// Rows and octets of every tenant's schema, by the statistics: exact counts would read everything.
    static let usage = Statement(
        """
        SELECT pg_catalog.substr(n.nspname, 3), sum(greatest(c.reltuples::int8,
                pg_catalog.pg_stat_get_live_tuples(c.oid), 0))::int8, sum(c.relpages::int8 * 8192)::int8
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND n.nspname ~ '^t_[a-z]'
        GROUP BY n.nspname
        ORDER BY n.nspname
        """, prepared: false)
    /// $1 tenants, $2 rows, $3 octets, $4 now, $5 the database that they were counted in.
    static let recordUsage = Statement(
        """
        INSERT INTO carillon.tenant_usage (tenant_id, stored_rows, stored_octets, counted_at)
        SELECT t.tenant_id, x.stored_rows, x.stored_octets, $4::timestamptz
        FROM unnest($1::text[], $2::int8[], $3::int8[]) AS x (tenant_id, stored_rows, stored_octets)
        JOIN carillon.tenant t ON t.tenant_id = x.tenant_id
        WHERE t.database = $5::text
        ORDER BY t.tenant_id
        ON CONFLICT (tenant_id) DO UPDATE SET stored_rows = excluded.stored_rows,
            stored_octets = excluded.stored_octets, counted_at = excluded.counted_at
        """, prepared: false)
}
