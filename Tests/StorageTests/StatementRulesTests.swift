import Domain
import Foundation
import Postgres
import Testing

@testable import Storage

/// Reads every statement of this target, and holds it to the rules under which the schemas can be moved to Citus.
@Suite struct StatementRulesTests {
    struct SQL: CustomTestStringConvertible, Sendable {
        let place: String
        let text: String
        var testDescription: String { place }
        var goesByTheSharedClock: Bool {
            ["WorkerStatements", "ChoreStatements"].contains { place.hasPrefix($0) }
        }
    }

    private static let sources = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Sources/Storage").resolvingSymlinksInPath()

    /// All string literals of the sources that begin like a statement.
    static let statements: [SQL] = {
        var found: [SQL] = []
        let files = FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)
        while let file = files?.nextObject() as? URL {
            guard file.pathExtension == "swift", let text = try? String(contentsOf: file, encoding: .utf8) else {
                continue
            }
            let literal = #/"""\n(?<long>.*?)"""|"(?<short>(?:[^"\\\n]|\\.)+)"/#.dotMatchesNewlines()
            for match in text.matches(of: literal) {
                let body = String(match.output.long ?? match.output.short ?? "")
                    .trimmingCharacters(in: .whitespacesAndNewlines)
                let begins = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains { body.hasPrefix($0 + " ") }
                if begins { found.append(SQL(place: "\(file.lastPathComponent): \(body.prefix(60))", text: body)) }
            }
        }
        return found
    }()

    @Test func thereAreStatementsToRead() {
        #expect(Self.statements.count > 70)
        #expect(Self.statements.contains { $0.text.contains("FOR UPDATE SKIP LOCKED") })
    }

    @Test(arguments: statements)
    func aStatementKeepsTheRules(_ sql: SQL) throws {
        let text = sql.text
        // Time, ids and chance come from the program, so that writes can be routed and repeated. The expiry of workers and
        // chores is the exception: it lies in reference tables and goes by the one clock that all processes share.
        for name in [
            "now()", "current_timestamp", "clock_timestamp", "statement_timestamp", "random()", "gen_random_uuid",
            "nextval", "txid_current", "pg_current_xact_id",
        ] where !(name == "now()" && sql.goesByTheSharedClock) {
            #expect(!text.localizedCaseInsensitiveContains(name), "\(name) is volatile or stable")
        }
        // Node-local things are not for correctness.
        for word in ["LISTEN ", "NOTIFY", "advisory", "TRIGGER", "CREATE RULE", "CREATE TEMP", "CURSOR"] {
            #expect(!text.contains(word), "\(word) does not travel")
        }
        #expect(text.firstMatch(of: #/AS\s+(MATERIALIZED\s+)?\(\s*INSERT/#) == nil, "INSERT within WITH is not routed")
        #expect(text.firstMatch(of: #/SELECT\s+\*/#) == nil, "columns are named")
        // Inside one tenant, or in the registry, never across.
        #expect(!(text.contains("(schema).") && text.contains("carillon.")), "one schema a statement")

        // Every table is qualified, or made within the statement.
        let plain = text.replacing("\\(schema)", with: "t_x").replacing("\\(SchemaName(tenant))", with: "t_x")
        let own = Set(
            plain.matches(of: #/(?:WITH|,)\s+(\w+)\s+AS\s+(?:MATERIALIZED\s+)?\(/#).map { String($0.output.1) })
        let places =
            #/\b(?<before>\w+\s+)?(?:FROM|JOIN|INTO|UPDATE|USING)\s+(?!SET\b|SKIP\b|OF\b|LATERAL\b)(?<table>[\w.]+\(?)/#
        for match in plain.matches(of: places) {
            let before = match.output.before.map { $0.filter { $0.isLetter } } ?? ""
            if ["DO", "FOR", "DISTINCT"].contains(before) { continue }
            let table = String(match.output.table)
            let isQualified = ["t_x.", "carillon.", "pg_catalog.", "unnest("].contains { table.hasPrefix($0) }
            #expect(isQualified || own.contains(table), "\(table) is not qualified")
        }
    }

    /// The values that a conflict or an update sets may use no function that is not immutable.
    @Test(arguments: statements.filter { $0.text.contains(" SET ") || $0.text.contains("SET\n") })
    func whatIsSetIsImmutable(_ sql: SQL) throws {
        for match in sql.text.matches(
            of: #/\bSET\b(?<set>.*?)(?:\bFROM\b|\bWHERE\b|\bRETURNING\b|$)/#.dotMatchesNewlines())
        {
            let functions = match.output.set.matches(of: #/\b([a-z_]+)\s*\(/#).map { String($0.output.1) }
            #expect(
                Set(functions).isSubset(of: sql.goesByTheSharedClock ? ["now"] : ["coalesce"]),
                "\(functions)")
        }
    }

    /// What the server makes of every statement of a tenant: all names are there, and the role may use them.
    @Test func everyStatementOfATenantIsUnderstood() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant()
            let areas: [Any] = [
                tenant.directory, tenant.facts, tenant.preferences, tenant.settings, tenant.providers,
                tenant.publishing,
                tenant.queue, tenant.inbox, tenant.history, tenant.auditing,
            ]
            var count = 0
            for statement in areas.flatMap(Self.members) {
                count += 1
                let prepare = Statement("PREPARE s\(count) AS \(statement.text)", prepared: false)
                do throws(PostgresError) {
                    _ = try await fixture.serve.run(Unit(role: "t_\(tenant.tenant)", [Query(prepare)]))
                } catch {
                    Issue.record("\(statement.text): \(error.debugDescription)")
                }
            }
            #expect(count > 50)
        }
    }

    private static func members(_ area: Any) -> [Statement] {
        Mirror(reflecting: area).children.flatMap { child -> [Statement] in
            if let statement = child.value as? Statement { return [statement] }
            return (child.value as? [HistoryStatements.Path: Statement]).map { Array($0.values) } ?? []
        }
    }
}
