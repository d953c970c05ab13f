import Foundation

/// A statement as the rules look at it.
struct SQLText: Sendable {
    let text: String
    /// Whether it may read the database's clock. Only the expiry of leases may: it lies in a reference table, and goes by the
    /// one clock that all processes share.
    let mayReadClock: Bool

    /// - Parameter text: the statement. Comments and texts in quotes are left out of it.
    init(_ text: String, mayReadClock: Bool = false) {
        self.text = text.replacing(#/'(?:[^']|'')*'/#, with: "''").replacing(#/--[^\n]*/#, with: "")
        self.mayReadClock = mayReadClock
    }

    func has(_ pattern: Regex<some Any>) -> Bool {
        text.firstMatch(of: pattern) != nil
    }

    /// The schemas that it names: the registry, and `t_…` for tenants.
    var schemas: Set<String> {
        Set(text.matches(of: #/\b(carillon|t_\w+)\.\w/#).map { String($0.output.1) })
    }

    /// The names of functions that are called in a part of it.
    func functions(in part: Regex<(Substring, Substring)>) -> [String] {
        text.matches(of: part).flatMap { match in
            match.output.1.matches(of: #/\b([a-z_]+)\s*\(/#).map { String($0.output.1) }
        }
    }

    private static var commands: Regex<(Substring, Substring)> {
        #/^(CREATE|ALTER|DROP|GRANT|REVOKE|TRUNCATE|LOCK|COMMENT)\b/#
    }
    private static var tablesOfCommands: Regex<(Substring, table: Substring)> {
        #/
            (?:\bTABLE\ (?:IF\ (?:NOT\ )?EXISTS\ )?|\bREFERENCES\ |\bLIKE\ |\b(?:ATTACH|DETACH)\ PARTITION\s
            |\bPARTITION\ OF\ |^CREATE\ (?:UNIQUE\ )?INDEX\ .*?\bON\ (?:ONLY\ )?)
            (?<table>[\w.]+)
        /#
    }
    private static var tablesOfQueries: Regex<(Substring, before: Substring?, table: Substring)> {
        #/
            \b(?<before>\w+\s+)?(?:FROM|JOIN|INTO|UPDATE|USING)\s+
            (?!SET\b|SKIP\b|OF\b|LATERAL\b|NOWAIT\b)(?<table>[\w.]+\(?)
        /#
    }

    /// Whether all columns of a stored table are taken by a star; those of a query within the statement have their names there.
    var takesAllColumnsOfATable: Bool {
        let stored = text.matches(of: #/\b(?:FROM|JOIN)\s+\w+\.\w+(?:\s+AS)?\s+(\w+)/#).map { $0.output.1 }
        let made = text.matches(of: #/\b(?:FROM|JOIN)\s+\w+(?:\s+AS)?\s+(\w+)/#).map { $0.output.1 }
        return text.matches(of: #/\b(\w+)\.\*/#).contains { match in
            stored.contains(match.output.1) && !made.contains(match.output.1)
        }
    }

    /// The tables that it reads, writes or makes; functions that stand for tables end with a parenthesis.
    var tables: [String] {
        guard !has(Self.commands) else {
            return text.matches(of: Self.tablesOfCommands.dotMatchesNewlines()).map { String($0.output.table) }
        }
        return text.matches(of: Self.tablesOfQueries).compactMap { match in
            let before = match.output.before.map { $0.filter(\.isLetter) } ?? ""
            return ["DO", "FOR", "KEY", "DISTINCT"].contains(before) ? nil : String(match.output.table)
        }
    }

    /// Whether a table has its schema with it, or is made within the statement.
    func isQualified(_ table: String) -> Bool {
        let isFunction = ["unnest(", "jsonb_populate_recordset("].contains(table)
        if isFunction || table.contains(#/^(carillon|t_\w+|pg_catalog)\./#) { return true }
        let own = text.matches(of: #/(?:WITH|,)\s+(\w+)\s+AS\s+(?:NOT\s+)?(?:MATERIALIZED\s+)?\(/#)
        return own.contains { $0.output.1 == table }
    }
}
