internal import Postgres

/// The statements of `carillon_owner` on the tenants' wrapped data keys. They run seldom, so no connection keeps them.
enum DataKeyStatements {
    /// $1 after this id, $2 limit: the wrapped data keys.
    static let page = Statement(
        """
        SELECT t.tenant_id, t.wrapped_data_key
        FROM carillon.tenant t
        WHERE t.tenant_id > $1::text
        ORDER BY t.tenant_id
        LIMIT $2::int8
        """, prepared: false)
    /// $1 tenant, $2 the wrapped data key as it was read, $3 the same key wrapped anew. Whoever comes second changes nothing.
    static let replace = Statement(
        """
        UPDATE carillon.tenant t
        SET wrapped_data_key = $3::bytea
        WHERE t.tenant_id = $1::text AND t.wrapped_data_key = $2::bytea
        RETURNING t.tenant_id
        """, prepared: false)
    /// How many data keys each key-encryption key wrapped; its id stands in front of what it wraps.
    static let countByWrapper = Statement(
        """
        SELECT pg_catalog.substr(t.wrapped_data_key, 1, 8), count(*)
        FROM carillon.tenant t
        GROUP BY 1
        ORDER BY 1
        """, prepared: false)
}
