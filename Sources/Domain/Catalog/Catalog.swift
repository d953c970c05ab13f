/// A set of notification types: the built-in ones, or those of one tenant.
package struct Catalog: Sendable, Equatable {
    /// The types in the order of the table.
    package let types: [NotificationType]

    private let places: [TypeKey: NotificationType]
    private let categoryNames: Set<CategoryName>

    /// Makes a catalog; of two types with one key the first counts.
    package init(_ types: [NotificationType]) {
        self.types = types
        places = Dictionary(types.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
        categoryNames = Set(types.map(\.category))
    }

    /// The type called `key`, nil when there is none.
    package subscript(key: TypeKey) -> NotificationType? { places[key] }

    /// The category of this name as the catalog's types have it, nil when there is none.
    package func category(_ name: CategoryName) -> CategoryName? {
        categoryNames.firstIndex(of: name).map { categoryNames[$0] }
    }

    /// The categories in the order in which they first occur.
    package var categories: [CategoryName] {
        var seen: Set<CategoryName> = []
        return types.map(\.category).filter { seen.insert($0).inserted }
    }

    /// This catalog with `others` besides; a type of `others` takes the place of one with the same key.
    package func adding(_ others: [NotificationType]) -> Catalog {
        let keys = Set(others.map(\.key))
        return Catalog(types.filter { !keys.contains($0.key) } + others)
    }

    /// The types that every tenant starts with. Parsed on first use, once in a process.
    package static let builtIn: Catalog = {
        do {
            return try CatalogParser.parse(CatalogText.value.description)
        } catch {
            // The table is part of this binary and a test parses it: reaching this is a defect of the build.
            preconditionFailure("the built-in catalog is broken: \(error)")
        }
    }()
}

/// What is wrong with a catalog table.
package struct CatalogError: Error, Hashable, Sendable, CustomStringConvertible {
    /// One wrong cell.
    package struct Problem: Hashable, Sendable, CustomStringConvertible {
        /// The line of the table; the header is line 1.
        package let row: Int
        /// The column's name; empty when the row as a whole is wrong.
        package let column: String
        /// What is wrong, and what is expected.
        package let problem: String

        /// `row 12, column kind: …`.
        package var description: String {
            column.isEmpty ? "row \(row): \(problem)" : "row \(row), column \(column): \(problem)"
        }
    }

    /// Everything that is wrong, in the order of the table; never empty.
    package let problems: [Problem]

    /// One problem a line.
    package var description: String { problems.map(\.description).joined(separator: "\n") }
}
