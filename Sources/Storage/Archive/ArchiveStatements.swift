internal import Domain
internal import Postgres

/// The statements that read a tenant out and write it in, as `carillon_owner`, who owns all of its tables.
enum ArchiveStatements {
    /// Rows of a table, by its key. Of a sealed column NULL is read when secrets are left out.
    ///
    /// COPY takes no parameters: the tenant's id, which has the form of a checked name, stands in the text.
    static func copyOut(_ table: ArchivedTable, of tenant: TenantID, withSecrets: Bool) -> Statement {
        let columns = table.columns.map { column in
            if column == table.sealed, !withSecrets { return "NULL::bytea AS \(column)" }
            return table.resets[column].map { "\($0) AS \(column)" } ?? "x.\(column)"
        }
        let order = table.key.map { "x.\($0)" }.joined(separator: ", ")
        let condition = owner(of: table).map { " WHERE x.\($0) = '\(tenant.rawValue)'" } ?? ""
        return Statement(
            "COPY (SELECT \(columns.joined(separator: ", ")) FROM \(place(of: table, in: tenant)) x\(condition)"
                + " ORDER BY \(order)) TO STDOUT", prepared: false)
    }

    /// Takes rows of a table, with the columns that the importing side appends behind the archive's.
    static func copyIn(_ table: ArchivedTable, of tenant: TenantID) -> Statement {
        let columns = (table.columns + table.completed).joined(separator: ", ")
        // The name is qualified by `place`, which whoever reads this text alone cannot see.
        return Statement(
            ["COPY", place(of: table, in: tenant), "(\(columns)) FROM STDIN"].joined(separator: " "), prepared: false)
    }

    /// Empties the tables that a new schema has rows in.
    static func clear(_ tenant: TenantID) -> [Statement] {
        ArchivedTable.filledAtCreation.map { table in
            Statement("DELETE FROM \(SchemaName(tenant)).\(table) x", prepared: false)
        }
    }

    /// $1 schema, $2 names of the tables of history: the months that have partitions.
    static let months = Statement(
        """
        SELECT DISTINCT right(c.relname::text, 6)
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        JOIN unnest($2::text[]) AS x (name) ON c.relname::text ~ ('^' || x.name || '_[0-9]{6}$')
        WHERE n.nspname = $1::text AND c.relkind = 'r'
        ORDER BY 1
        """, prepared: false)

    /// The providers of a tenant that have a secret.
    static func providersWithSecret(_ schema: SchemaName) -> Statement {
        Statement(
            """
            SELECT p.provider_id
            FROM \(schema).provider p
            WHERE p.sealed_secret IS NOT NULL
            ORDER BY p.provider_id
            """, prepared: false)
    }

    /// $1 schema: whether there is one.
    static let schemaExists = Statement(
        "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_namespace n WHERE n.nspname = $1::text)", prepared: false)

    static func place(of table: ArchivedTable, in tenant: TenantID) -> String {
        table.isOfRegistry ? table.name : "\(SchemaName(tenant)).\(table.name)"
    }

    /// The column of a table of the registry that says whose a row is.
    private static func owner(of table: ArchivedTable) -> String? {
        guard table.isOfRegistry else { return nil }
        return table.completed.contains("chain") ? "chain" : "tenant_id"
    }
}
