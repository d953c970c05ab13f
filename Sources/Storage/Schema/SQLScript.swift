internal import Postgres

/// SQL that was written as a file: several statements, with `${name}` where a value of ours goes in.
///
/// Values are schema names, numbers, times, partition bounds and conditions that this module has made; never anything from outside.
struct SQLScript: Sendable {
    private let text: String

    init(_ resource: [UInt8]) {
        text = String(decoding: resource, as: UTF8.self)
    }

    init(_ text: String) {
        self.text = text
    }

    /// The script as it is.
    var source: String { text }

    /// The whole script, for a superuser's psql.
    func filled(_ values: [String: String]) -> String { Self.fill(text, values) }

    /// The statements in order, without comments, to be run once each.
    func statements(_ values: [String: String] = [:]) -> [Statement] {
        Self.split(text).map { Statement(Self.fill($0, values), prepared: false) }
    }

    /// A statement ends with a semicolon at the end of a line, unless the line is inside of `$$ … $$`.
    private static func split(_ text: String) -> [String] {
        var statements: [String] = []
        var lines: [Substring] = []
        var isQuoted = false
        for line in text.split(separator: "\n") where isQuoted || !line.hasPrefix("--") {
            lines.append(line)
            if line.split(separator: "$$", omittingEmptySubsequences: false).count % 2 == 0 { isQuoted.toggle() }
            if !isQuoted, line.hasSuffix(";") {
                statements.append(String(lines.joined(separator: "\n").dropLast()))
                lines = []
            }
        }
        precondition(lines.isEmpty, "an SQL file ends in the middle of a statement")
        return statements
    }

    private static func fill(_ statement: String, _ values: [String: String]) -> String {
        var filled = ""
        var rest = Substring(statement)
        while let start = rest.firstRange(of: "${") {
            guard let end = rest[start.upperBound...].firstIndex(of: "}") else { break }
            guard let value = values[String(rest[start.upperBound..<end])] else {
                preconditionFailure("an SQL file names a value that nobody gives")
            }
            filled += rest[..<start.lowerBound]
            filled += value
            rest = rest[rest.index(after: end)...]
        }
        return filled + rest
    }
}

extension SQLScript {
    /// What a superuser runs once. Takes `is_risky`.
    static let bootstrap = SQLScript(PackageResources.bootstrap_sql)
    /// The registry, version 1.
    static let registry = SQLScript(PackageResources.registry_sql)
    /// The registry from version 1 to 2.
    static let registry2 = SQLScript(PackageResources.registry_2_sql)
    /// The registry from version 2 to 3.
    static let registry3 = SQLScript(PackageResources.registry_3_sql)
    /// A tenant's schema from version 1 to 2. Takes `schema`.
    static let tenant2 = SQLScript(PackageResources.tenant_2_sql)
    /// A tenant's schema from version 2 to 3. Takes `schema`.
    static let tenant3 = SQLScript(PackageResources.tenant_3_sql)
    /// A tenant's schema from version 3 to 4. Takes `schema`.
    static let tenant4 = SQLScript(PackageResources.tenant_4_sql)
    /// A tenant's schema from version 4 to 5. Takes `schema`.
    static let tenant5 = SQLScript(PackageResources.tenant_5_sql)
    /// A tenant's schema from version 5 to 6. Takes `schema`.
    static let tenant6 = SQLScript(PackageResources.tenant_6_sql)
    /// A tenant's schema from version 6 to 7. Takes `schema`.
    static let tenant7 = SQLScript(PackageResources.tenant_7_sql)
    /// A tenant's schema in the current version. Takes `schema`, `micros`, `time`.
    static let tenant = SQLScript(PackageResources.tenant_sql)
    /// One month of one of a tenant's tables. Takes `schema`, `table`, `column`, `month`, `from`, `to`, `fillfactor`.
    static let tenantMonth = SQLScript(PackageResources.tenant_month_sql)
}
