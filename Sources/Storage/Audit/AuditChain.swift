/// How each line of an audit is bound to the one before: `hash = SHA-256(hash of the line before ‖ canonical form)`, where
/// the first line follows an empty hash.
///
/// The canonical form is a sequence of parts, each `<octets>:<text>,` with the decimal number of octets that the text has
/// in UTF-8, or `-,` for NULL. The parts are ``form``, the scope (`tenant` within a tenant's schema, `registry/<chain>` in
/// the registry), seq, id, actor, origin, action, object, before and after. Numbers are decimal, the id is in lower case
/// with its hyphens, before and after are as PostgreSQL prints `jsonb`, which is the same for the same value.
///
/// No part can run into the next one, and nothing is left out but the hash itself; so two lines that differ have different
/// forms. Within the database it is computed by immutable functions only.
enum AuditChain {
    /// Names the form; it changes with it.
    static let form = "carillon-audit/1"
    /// The scope of the chain in a tenant's schema. It does not name the tenant, whose schema may be carried elsewhere.
    static let tenantScope = "tenant"

    /// The scope of a chain of the registry.
    static func registryScope(_ chain: String) -> String { "registry/\(chain)" }

    /// SQL that adds a line to a chain.
    ///
    /// The head must be locked before, by a statement of its own: what this one sees is then the last line.
    ///
    /// - Parameters:
    ///   - table: the table of lines with the columns that a line fills before the others, such as `s.audit (`.
    ///   - own: the values of those columns, such as `$4::text, `.
    ///   - scope: the scope as SQL.
    ///   - head: the head's table with its condition, such as `s.audit_head h ON h.singleton`.
    ///   - line: a SELECT of action, object, before and after, with one row or none. $1 to $3 are id, actor and origin.
    static func insertion(into table: String, own: String = "", scope: String, head: String, line: String) -> String {
        let parts =
            [
                "'\(form)'", scope, "x.seq::text", "x.audit_id::text", "x.actor", "x.origin", "x.action", "x.object",
                "x.before::text", "x.after::text",
            ]
            .map { "coalesce(octet_length(\($0))::text || ':' || \($0), '-') || ','" }
            .joined(separator: "\n        || ")
        // Turning text into its octets by the name of an encoding is not immutable in PostgreSQL; the escape form is, in which
        // only backslashes are written in another way. The database is in UTF-8.
        // OFFSET 0 keeps the planner from computing before and after once for each place that they are named at. Without a
        // head the line has no place in the chain, rather than no line at all.
        return """
            INSERT INTO \(table)audit_id, seq, actor, origin, action, object, before, after, hash)
            SELECT \(own)x.audit_id, x.seq, x.actor, x.origin, x.action, x.object, x.before, x.after,
                sha256(x.previous || decode(replace(\(parts), '\\', '\\\\'), 'escape'))
            FROM (
                SELECT $1::uuid AS audit_id, h.seq + 1 AS seq, $2::text AS actor, $3::text AS origin, l.action, l.object,
                    l.before, l.after, h.hash AS previous
                FROM (\(line)) AS l (action, object, before, after)
                LEFT JOIN \(head)
                OFFSET 0
            ) AS x
            """
    }
}
