internal import CarillonNet

extension PostgresConfiguration {
    /// The commands that a session begins with: its limits, and what makes statements mean the same everywhere.
    var sessionCommands: [String] {
        let fixed = [
            ("statement_timeout", Self.milliseconds(statementTimeout)),
            ("lock_timeout", Self.milliseconds(lockTimeout)),
            ("idle_in_transaction_session_timeout", Self.milliseconds(idleInTransactionTimeout)),
            ("search_path", "''"),
            ("TimeZone", "'UTC'"),
        ]
        let further = sessionSettings.sorted { $0.key < $1.key }.map { name, value in
            (Self.quoted(name, "\""), Self.quoted(value, "'"))
        }
        return (fixed + further).map { name, value in "SET \(name) TO \(value)" }
    }

    /// PostgreSQL takes whole milliseconds, and zero for none: a short limit must not become no limit.
    static func milliseconds(_ duration: Duration) -> String {
        guard duration > .zero else { return "0" }
        return String(min(max(1, duration.wholeNanoseconds / 1_000_000), Int64(Int32.max)))
    }

    private static func quoted(_ text: String, _ quote: Character) -> String {
        let doubled = text.split(separator: quote, omittingEmptySubsequences: false).joined(
            separator: "\(quote)\(quote)")
        return "\(quote)\(doubled)\(quote)"
    }
}
