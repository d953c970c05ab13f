package import Postgres

/// One line of an audit.
package struct AuditEntry: Sendable, Hashable {
    /// Its place in the chain, from 1; nil in lines of programs that knew no chains.
    package var seq: Int64?
    /// The line's id, a UUIDv7, which carries the time.
    package var id: UUIDBytes
    /// Who made the change.
    package var actor: String
    /// From where; nil in lines of programs that did not say it.
    package var origin: String?
    /// What was done, such as `provider.put`.
    package var action: String
    /// To what, such as `provider/main`.
    package var object: String
    /// What was there before, as JSON in PostgreSQL's form; nil when there was nothing.
    package var before: String?
    /// What is there afterwards, as JSON in PostgreSQL's form. Secrets are never in it.
    package var after: String?
    /// SHA-256 over the hash of the line before and this line; nil where ``seq`` is.
    package var hash: [UInt8]?
}

extension AuditEntry {
    /// The columns of a line, for ``init(row:)``.
    static let columns = """
        a.seq, a.audit_id, a.actor, a.origin, a.action, a.object, a.before, a.after, a.hash
        """

    /// Reads ``columns`` from column 0.
    init(row: Row) throws(PostgresError) {
        seq = try row.optionalInt8(0)
        id = try row.uuid(1)
        actor = try row.text(2)
        origin = try row.optionalText(3)
        action = try row.text(4)
        object = try row.text(5)
        before = try row.optionalText(6)
        after = try row.optionalText(7)
        hash = try row.optionalBytes(8)
    }
}
