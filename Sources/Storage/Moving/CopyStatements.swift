internal import Domain
internal import Postgres

/// The statements of `carillon_owner` that copy a tenant's schema from one database to another and compare the two.
enum CopyStatements {
    /// The digests of a table's buckets (``BucketDigests``).
    static func digests(
        _ table: ArchivedTable, of schema: SchemaName, recent: UUIDv7, where condition: String?
    ) -> Statement {
        let columns = table.columns.map { "x.\($0)" }.joined(separator: ", ")
        let rows = condition.map { "WHERE \($0)" } ?? ""
        return Statement(
            """
            SELECT b.bucket, count(*), sum(b.digest)::text
            FROM (
                SELECT \(TableCut(table).bucket(recent: recent)) AS bucket,
                    ('x' || pg_catalog.substr(pg_catalog.md5(ROW(\(columns))::text), 1, 16))::bit(64)::int8 AS digest
                FROM \(schema).\(table.name) x
                \(rows)
            ) b
            GROUP BY b.bucket
            """, prepared: false)
    }

    /// Rows of a table as they are.
    static func copyOut(_ table: ArchivedTable, of schema: SchemaName, where condition: String?) -> Statement {
        let columns = table.columns.map { "x.\($0)" }.joined(separator: ", ")
        let rows = condition.map { " WHERE \($0)" } ?? ""
        return Statement("COPY (SELECT \(columns) FROM \(schema).\(table.name) x\(rows)) TO STDOUT", prepared: false)
    }

    /// Removes rows of the copy.
    static func clear(_ table: ArchivedTable, of schema: SchemaName, where condition: String) -> Statement {
        Statement("DELETE FROM \(schema).\(table.name) x WHERE \(condition)", prepared: false)
    }

    /// Waits until nobody is writing, and lets nobody write.
    static func lock(_ tables: [ArchivedTable], of schema: SchemaName) -> Statement {
        let names = tables.map { "\(schema).\($0.name)" }.joined(separator: ", ")
        return Statement("LOCK TABLE \(names) IN SHARE MODE", prepared: false)
    }
    static let lockTimeout = Statement("SET LOCAL lock_timeout = '2s'", prepared: false)

    /// Keeps other transactions away that change the copy or open it. The table is one that vacuum is seldom at, which would be in
    /// the way for a second.
    static func guardCopy(_ schema: SchemaName) -> Statement {
        Statement("LOCK TABLE \(schema).queue_owner IN SHARE ROW EXCLUSIVE MODE", prepared: false)
    }

    /// How long each statement of the open transaction may last, in whole milliseconds above zero.
    static func limitStatements(_ milliseconds: Int64) -> Statement {
        Statement("SET LOCAL statement_timeout = '\(milliseconds)ms'", prepared: false)
    }

    /// Shuts a tenant's own role out of its schema: whatever begins from now on is refused and has done nothing.
    static func shut(_ schema: SchemaName) -> Statement {
        Statement("REVOKE USAGE ON SCHEMA \(schema) FROM \(schema)", prepared: false)
    }

    /// Lets it in.
    static func open(_ schema: SchemaName) -> Statement {
        Statement("GRANT USAGE ON SCHEMA \(schema) TO \(schema)", prepared: false)
    }

    /// Marks the copy of a move (``TenantMoveRecord/mark``).
    ///
    /// - Parameter mark: our own digits and words only.
    static func mark(_ schema: SchemaName, _ mark: String) -> Statement {
        precondition(!mark.contains("'"), "a mark needs no quotes")
        return Statement("COMMENT ON SCHEMA \(schema) IS '\(mark)'", prepared: false)
    }

    /// Takes the mark away: the schema is nobody's copy any more.
    static func unmark(_ schema: SchemaName) -> Statement {
        Statement("COMMENT ON SCHEMA \(schema) IS NULL", prepared: false)
    }

    /// $1 schema: its mark, empty without one; no row if there is no such schema.
    static let markOf = Statement(
        """
        SELECT coalesce(pg_catalog.obj_description(n.oid, 'pg_namespace'), '')
        FROM pg_catalog.pg_namespace n
        WHERE n.nspname = $1::text
        """, prepared: false)

    /// $1 role, $2 table: whether the role may do more to its rows than read and add.
    static let mayChange = Statement(
        "SELECT pg_catalog.has_table_privilege($1::text, $2::text, 'UPDATE, DELETE, TRUNCATE')", prepared: false)

    /// $1 schema: its foreign keys, with what each says.
    static let foreignKeys = Statement(
        """
        SELECT pg_catalog.quote_ident(c.relname), pg_catalog.quote_ident(k.conname), pg_catalog.pg_get_constraintdef(k.oid)
        FROM pg_catalog.pg_constraint k
        JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1::text AND k.contype = 'f' AND k.conparentid = 0
        ORDER BY c.relname, k.conname
        """, prepared: false)

    /// About how many rows a schema has. $1 schema.
    static let estimate = Statement(
        """
        SELECT coalesce(sum(greatest(c.reltuples::int8, pg_catalog.pg_stat_get_live_tuples(c.oid), 0)), 0)::int8
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = $1::text AND c.relkind = 'r'
        """, prepared: false)

    /// Drops a month of the copy.
    static func dropMonth(_ month: String, of schema: SchemaName) -> [Statement] {
        TenantSchema.history.map { Statement("DROP TABLE \(schema).\($0.table)_\(month)", prepared: false) }
    }

    /// Lets the planner know what was copied.
    static func analyze(_ table: ArchivedTable, of schema: SchemaName) -> Statement {
        Statement("ANALYZE \(schema).\(table.name)", prepared: false)
    }
}

/// A foreign key of a tenant's schema.
struct ForeignKey: Sendable, Hashable {
    let table: String
    let name: String
    let definition: String

    /// Reads ``CopyStatements/foreignKeys``, whose names are quoted where they have to be.
    init(row: Row) throws(PostgresError) {
        table = try row.text(0)
        name = try row.text(1)
        definition = try row.text(2)
    }

    func addition(in schema: SchemaName) -> Statement {
        Statement("ALTER TABLE \(schema).\(table) ADD CONSTRAINT \(name) \(definition)", prepared: false)
    }

    func removal(in schema: SchemaName) -> Statement {
        Statement("ALTER TABLE \(schema).\(table) DROP CONSTRAINT \(name)", prepared: false)
    }
}
