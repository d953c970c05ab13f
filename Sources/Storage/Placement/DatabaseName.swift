internal import Postgres

/// The name that the registry gives a database in which tenants live: a small letter, then at most 30 small letters, digits
/// and hyphens.
package struct DatabaseName: Hashable, Sendable, CustomStringConvertible {
    /// The name.
    package let rawValue: String

    /// The registry's own database.
    package static let main = DatabaseName(unchecked: "main")

    private init(unchecked name: String) {
        rawValue = name
    }

    /// Nil for what is not a name.
    package init?(_ name: String) {
        let octets = name.utf8
        let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
        guard let first = octets.first, letters.contains(first), octets.count <= 31,
            octets.allSatisfy({
                letters.contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-")
            })
        else { return nil }
        rawValue = name
    }

    /// The name.
    package var description: String { rawValue }
}

extension Row {
    /// The name of a database.
    func databaseName(_ column: Int) throws(PostgresError) -> DatabaseName {
        guard let name = DatabaseName(try text(column)) else { throw .corrupt(column) }
        return name
    }
}
