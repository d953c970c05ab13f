/// The one thing that is done with a database: `BEGIN; SET LOCAL ROLE role; queries…; COMMIT`, sent at once and
/// answered in one round trip. All of its queries take effect, or none.
///
/// A later query cannot use an earlier one's result; what depends on it belongs into one statement, or into a second
/// unit.
package struct Unit: Sendable, Hashable {
    /// The role that the queries run as; `nil` for the one that logged in.
    package let role: String?
    /// Whether its prepared statements are planned once, for whatever values (`plan_cache_mode = force_generic_plan`), and not
    /// until PostgreSQL finds that worth while. For statements with one good plan: planning costs as much as running them.
    package let plansOnce: Bool
    /// The queries in order. With none, the unit only proves that the database answers.
    package let queries: [Query]

    /// Makes a unit. The role's name is checked when the unit is run: `[a-z_][a-z0-9_]{0,62}`, and not `none`.
    package init(role: String? = nil, plansOnce: Bool = false, _ queries: [Query]) {
        self.role = role
        self.plansOnce = plansOnce
        self.queries = queries
    }
}

extension Unit {
    /// Refuses what must not or cannot be sent, before anything of the unit is: the database has then seen nothing.
    func validate() throws(PostgresError) {
        if let role, !Self.isRoleName(role) {
            throw PostgresError(.invalidStatement, "the role's name is not allowed")
        }
        for (index, query) in queries.enumerated() {
            if Parameter.text(query.statement.text).defect != nil {
                throw PostgresError(.invalidStatement, "the statement holds a zero byte", queryIndex: index)
            }
            guard query.parameters.count <= Int(UInt16.max) else {
                throw PostgresError(.invalidStatement, "more than 65,535 parameters", queryIndex: index)
            }
            for (place, parameter) in query.parameters.enumerated() {
                if let defect = parameter.defect {
                    throw PostgresError(.invalidValue, "$\(place + 1) is \(defect)", queryIndex: index)
                }
            }
        }
    }

    /// `SET LOCAL ROLE` takes no parameter, so the name goes into the text: only plain names may. `none` is not a role
    /// but the way back to the login role, even in quotes.
    static func isRoleName(_ name: String) -> Bool {
        let bytes = name.utf8
        guard let first = bytes.first, bytes.count <= 63, name != "none" else { return false }
        return (isLetter(first) || first == UInt8(ascii: "_"))
            && bytes.allSatisfy { isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
