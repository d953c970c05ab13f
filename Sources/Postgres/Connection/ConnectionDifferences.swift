internal import CLibPQ

/// What a connection string says differently from another one, such as `host=db2 dbname=carillon`.
///
/// It names a place and nothing else: who logs in, with what, and how the server is trusted stay as the other string says.
package struct ConnectionDifferences: Sendable, Hashable {
    /// What it may say.
    package static let allowed: Set<String> = [
        "host", "hostaddr", "port", "dbname", "sslrootcert", "sslmode", "target_session_attrs", "connect_timeout",
    ]

    /// The text as written.
    package let text: String
    private let values: [String: String]

    /// Reads differences; an empty text says none.
    ///
    /// - Throws: `invalidValue` if libpq does not understand the text, or it says what it may not, such as a password. The
    ///   error quotes nothing.
    package init(_ text: String) throws(PostgresError) {
        self.text = text
        values = try Self.parse(text)
        guard Set(values.keys).isSubset(of: Self.allowed) else {
            throw PostgresError(
                .invalidValue,
                "a database's connection names its place only: \(Self.allowed.sorted().joined(separator: ", "))")
        }
    }

    /// The connection string that says what the other one says, but for the differences.
    ///
    /// - Throws: `invalidValue` if libpq does not understand the other one.
    package func applied(to other: String) throws(PostgresError) -> String {
        var merged = try Self.parse(other)
        // A host and its address belong together.
        if values["host"] != nil || values["hostaddr"] != nil {
            merged["host"] = nil
            merged["hostaddr"] = nil
        }
        merged.merge(values) { $1 }
        return merged.sorted { $0.key < $1.key }.map { keyword, value in
            "\(keyword)='\(value.reduce(into: "") { $0 += $1 == "'" || $1 == "\\" ? "\\\($1)" : "\($1)" })'"
        }.joined(separator: " ")
    }

    private static func parse(_ text: String) throws(PostgresError) -> [String: String] {
        var message: UnsafeMutablePointer<CChar>?
        guard let parsed = PQconninfoParse(text, &message) else {
            PQfreemem(message)
            throw PostgresError(.invalidValue, "the connection string is not one")
        }
        defer { PQconninfoFree(parsed) }
        var options: [String: String] = [:]
        var option = parsed
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { options[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        return options
    }
}
