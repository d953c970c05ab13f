internal import Postgres

/// How the owner reads audits.
enum AuditReadingStatements {
    private static let columns = "t.tenant_id, d.name, d.connection, t.schema_version"
    /// $1 after this id, $2 limit: the tenants, where they live and their schemas' versions.
    static let tenants = Statement(
        """
        SELECT \(columns)
        FROM carillon.tenant t
        JOIN carillon.database d ON d.name = t.database
        WHERE t.tenant_id > $1::text
        ORDER BY t.tenant_id
        LIMIT $2::int8
        """, prepared: false)
    /// $1 tenant: the same of one.
    static let tenant = Statement(
        """
        SELECT \(columns)
        FROM carillon.tenant t
        JOIN carillon.database d ON d.name = t.database
        WHERE t.tenant_id = $1::text
        """, prepared: false)
    /// $1 tenant: whether the installation's audit says that it was erased, and nobody has its name.
    static let wasErased = Statement(
        """
        SELECT EXISTS (
                SELECT 1
                FROM carillon.audit a
                WHERE a.chain = '' AND a.action = 'tenant.erase' AND a.object = 'tenant/' || $1::text
            ) AND NOT EXISTS (SELECT 1 FROM carillon.tenant t WHERE t.tenant_id = $1::text)
        """, prepared: false)
    /// $1 tenant, $2 the first lines of former lives, $3 the present life's or NULL: how many of them the installation's audit says
    /// were ended. Ids carry the time: the erasure is behind the one and before the other.
    static let erasedLives = Statement(
        """
        SELECT count(*)
        FROM unnest($2::uuid[]) AS x (life)
        WHERE EXISTS (
            SELECT 1
            FROM carillon.audit a
            WHERE a.chain = '' AND a.action = 'tenant.erase' AND a.object = 'tenant/' || $1::text
                AND a.audit_id > x.life AND ($3::uuid IS NULL OR a.audit_id < $3::uuid)
        )
        """, prepared: false)
    /// The chains of the registry, also those without a head.
    static let chains = Statement(
        """
        SELECT h.chain
        FROM carillon.audit_head h
        UNION
        SELECT a.chain
        FROM carillon.audit a
        ORDER BY 1
        """, prepared: false)
}

/// How the owner reads one chain: first its head and then lines, so that all lines up to the head are seen.
struct ChainStatements {
    /// Seq and hash of the head.
    let head: Statement
    /// $1 after this place, $2 limit, and in the registry $3 chain.
    let page: Statement
    /// $1 limit, and in the registry $2 chain: the newest lines, newest first.
    let newest: Statement
    /// How many lines stand beside the chain.
    let unchained: Statement?

    /// The chain in a tenant's schema.
    init(_ schema: SchemaName) {
        head = Statement("SELECT h.seq, h.hash FROM \(schema).audit_head h WHERE h.singleton", prepared: false)
        page = Statement(
            """
            SELECT \(AuditEntry.columns)
            FROM \(schema).audit a
            WHERE a.seq > $1::int8
            ORDER BY a.seq
            LIMIT $2::int8
            """)
        newest = Statement(
            "SELECT \(AuditEntry.columns) FROM \(schema).audit a ORDER BY a.audit_id DESC LIMIT $1::int8",
            prepared: false)
        unchained = Statement("SELECT count(*) FROM \(schema).audit a WHERE a.seq IS NULL", prepared: false)
    }

    private init(head: Statement, page: Statement, newest: Statement) {
        self.head = head
        self.page = page
        self.newest = newest
        unchained = nil
    }

    /// The chains of the registry.
    static let registry = ChainStatements(
        head: Statement("SELECT h.seq, h.hash FROM carillon.audit_head h WHERE h.chain = $1::text", prepared: false),
        page: Statement(
            """
            SELECT \(AuditEntry.columns)
            FROM carillon.audit a
            WHERE a.chain = $3::text AND a.seq > $1::int8
            ORDER BY a.seq
            LIMIT $2::int8
            """),
        newest: Statement(
            """
            SELECT \(AuditEntry.columns)
            FROM carillon.audit a
            WHERE a.chain = $2::text
            ORDER BY a.seq DESC
            LIMIT $1::int8
            """, prepared: false))
}
