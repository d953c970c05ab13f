/// A text of SQL with `$1`…`$n` for its parameters. Names in it are schema-qualified, since the search path is empty.
///
/// Make it once and keep it: its hash is computed when it is made, so that looking it up in a connection's cache of
/// prepared statements does not read the text.
package struct Statement: Sendable, Hashable, CustomStringConvertible {
    /// The SQL: one command, no semicolons.
    package let text: String
    /// Whether a connection prepares it at its first use and keeps it; false for what runs once, such as DDL.
    package let prepared: Bool
    private let digest: Int

    /// Makes a statement of its text.
    package init(_ text: String, prepared: Bool = true) {
        self.text = text
        self.prepared = prepared
        digest = text.hashValue
    }

    /// The SQL; parameters are not part of it.
    package var description: String { text }

    package static func == (lhs: Statement, rhs: Statement) -> Bool {
        lhs.digest == rhs.digest && lhs.prepared == rhs.prepared && lhs.text == rhs.text
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(digest)
    }
}
