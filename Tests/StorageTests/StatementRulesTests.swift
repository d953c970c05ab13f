import Domain
import Foundation
import Postgres
import Testing

@testable import Storage

/// Reads every statement of this target, and holds it to the rules under which the schemas can be moved to Citus.
@Suite struct StatementRulesTests {
    struct SQL: CustomTestStringConvertible, Sendable {
        let place: String
        let text: SQLText
        var testDescription: String { place }
    }

    private static let sources = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Sources/Storage").resolvingSymlinksInPath()

    private static func files(_ ending: String) -> [(name: String, text: String)] {
        var found: [(name: String, text: String)] = []
        let files = FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)
        while let file = files?.nextObject() as? URL {
            guard file.pathExtension == ending, let text = try? String(contentsOf: file, encoding: .utf8) else {
                continue
            }
            found.append((file.lastPathComponent, text))
        }
        return found.sorted { $0.name < $1.name }
    }

    private static var beginning: Regex<(Substring, Substring)> {
        #/
            ^(SELECT|INSERT|UPDATE|DELETE|WITH|JOIN|ON|CASE|MERGE|SET|RESET|CREATE|ALTER|DROP|GRANT|REVOKE|TRUNCATE|LOCK|COPY
            |DO|CALL|LISTEN|NOTIFY|PREPARE|EXECUTE)\s+[^a-z]
        /#
    }

    /// All string literals of the sources that begin like a statement, or like a part that several statements share.
    private static let readingClock = [
        "WorkerStatements.swift", "ChoreStatements.swift", "FactsSignalStatements.swift",
    ]

    private static let inCode: [SQL] = files("swift").flatMap { name, source in
        let literal = #/"""\n(?<long>.*?)"""|"(?<short>(?:[^"\\\n]|\\.)+)"/#.dotMatchesNewlines()
        return source.matches(of: literal).compactMap { match -> SQL? in
            let body = String(match.output.long ?? match.output.short ?? "")
                .trimmingCharacters(in: .whitespacesAndNewlines)
            // A word in small letters follows in messages, and in statements that begin with a name.
            guard
                body.contains(beginning) || body.contains(#/^(SELECT|WITH|UPDATE|JOIN)\s+[a-z\\]/#)
            else { return nil }
            let filled = body.replacing(#/\\\((schema|SchemaName\(tenant\))\)/#, with: "t_x")
            return SQL(
                place: "\(name): \(body.prefix(60))",
                text: SQLText(filled, mayReadClock: readingClock.contains(name)))
        }
    }

    /// All statements of the schemas' files. The superuser's script is not among them: it runs before there is a schema,
    /// and on one node.
    private static let inFiles: [SQL] = files("sql").filter { $0.name != "bootstrap.sql" }.flatMap { name, text in
        let filled = text.replacing("${schema}", with: "t_x").replacing(#/\$\{\w+\}/#, with: "x")
        return SQLScript(filled).statements().map { statement in
            SQL(place: "\(name): \(statement.text.prefix(60))", text: SQLText(statement.text))
        }
    }

    static let statements = inCode + inFiles

    @Test func thereAreStatementsToRead() {
        #expect(Self.inCode.count > 70)
        #expect(Self.inFiles.count > 40)
        #expect(Self.inCode.contains { $0.text.text.contains("FOR UPDATE SKIP LOCKED") })
        #expect(Self.inFiles.contains { $0.text.text.contains("ATTACH PARTITION") })
    }

    @Test(arguments: statements)
    func aStatementKeepsTheRules(_ sql: SQL) throws {
        for rule in CitusRule.broken(by: sql.text) {
            Issue.record("\(rule.name): \(rule.why)\n\(sql.text.text)")
        }
    }

    /// A partitioned table is nobody's partition, and nothing refers to it.
    @Test func partitionedTablesStandAlone() {
        let parents = Set(
            Self.inFiles.compactMap { sql -> String? in
                let made = #/^CREATE TABLE (?:IF NOT EXISTS )?([\w.]+).*PARTITION BY/#.dotMatchesNewlines()
                return sql.text.text.firstMatch(of: made).map { String($0.output.1) }
            })
        #expect(parents.count >= 4)
        for sql in Self.inFiles {
            let used = sql.text.text.matches(of: #/(?:REFERENCES|ATTACH PARTITION|INHERITS)\s*\(?\s*([\w.]+)/#)
            #expect(parents.isDisjoint(with: used.map { String($0.output.1) }), "\(sql.place)")
        }
    }

    /// Each of them breaks one rule and no other: so each rule is there, and can fail.
    @Test(arguments: [
        ("SELECT u.a FROM t_x.app_user u JOIN t_y.app_user v ON v.a = u.a", "one schema"),
        ("UPDATE t_x.queue q SET lease = 1 FROM carillon.worker w WHERE w.a = q.a", "one schema"),
        ("CREATE TABLE t_x.a (b text REFERENCES carillon.tenant (tenant_id))", "one schema"),
        ("SELECT e.a FROM event e", "qualified"),
        ("INSERT INTO event (a) VALUES ($1)", "qualified"),
        ("CREATE TABLE a (b text)", "qualified"),
        ("CREATE INDEX a_b ON a (b)", "qualified"),
        ("ALTER TABLE t_x.a ATTACH PARTITION a_2026 FOR VALUES FROM (1) TO (2)", "qualified"),
        ("SELECT * FROM t_x.event", "columns are named"),
        ("SELECT e.* FROM t_x.event e", "columns are named"),
        ("CREATE SCHEMA t_x CREATE TABLE t_x.a (b text)", "schema apart"),
        ("SET LOCAL ROLE t_x", "one role"),
        ("SELECT set_config('role', 't_x', true)", "one role"),
        ("SET lock_timeout = '1s'", "settings are local"),
        ("SET SESSION lock_timeout = '1s'", "settings are local"),
        ("UPDATE t_x.a SET b = 1 WHERE c = random()", "nothing volatile"),
        ("INSERT INTO t_x.a (b) SELECT gen_random_uuid()", "nothing volatile"),
        ("CREATE TABLE t_x.a (b uuid DEFAULT gen_random_uuid())", "nothing volatile"),
        ("DELETE FROM t_x.a WHERE b < now()", "time is a parameter"),
        ("SELECT a.b FROM t_x.a WHERE b < CURRENT_TIMESTAMP", "time is a parameter"),
        ("CREATE TABLE t_x.a (b timestamptz DEFAULT now())", "time is a parameter"),
        ("UPDATE t_x.a SET b = upper(c) WHERE d = 1", "what is set is immutable"),
        (
            "INSERT INTO t_x.a AS o (b) VALUES (1) ON CONFLICT (b) DO UPDATE SET b = age(o.b)",
            "what is set is immutable"
        ),
        ("DELETE FROM t_x.a WHERE b = 1 RETURNING to_char(b)", "what is returned is immutable"),
        ("WITH i AS (INSERT INTO t_x.a (b) VALUES (1) RETURNING b) SELECT i.b FROM i", "no INSERT in WITH"),
        ("WITH i AS MATERIALIZED (INSERT INTO t_x.a (b) VALUES (1)) SELECT 1", "no INSERT in WITH"),
        (
            "WITH f AS (SELECT w.a FROM carillon.worker w FOR UPDATE) SELECT f.a FROM f",
            "no lock on reference tables in WITH"
        ),
        ("MERGE INTO t_x.a USING t_x.b ON a.c = b.c WHEN MATCHED THEN DELETE", "no MERGE"),
        ("LISTEN work", "nothing node-local"),
        ("SELECT pg_notify('work', $1)", "nothing node-local"),
        ("SELECT pg_advisory_xact_lock(1)", "nothing node-local"),
        ("CREATE TEMP TABLE t_x.a (b text)", "nothing node-local"),
        ("DECLARE c CURSOR FOR SELECT a.b FROM t_x.a", "nothing node-local"),
        ("PREPARE TRANSACTION 'x'", "one commit"),
        ("CREATE TRIGGER a AFTER INSERT ON t_x.a EXECUTE FUNCTION t_x.f()", "no triggers or rules"),
        ("CREATE RULE a AS ON INSERT TO t_x.a DO INSTEAD NOTHING", "no triggers or rules"),
        ("CREATE VIEW t_x.v AS SELECT a.b FROM t_x.a", "no triggers or rules"),
        ("DO $$ BEGIN NULL; END $$", "no code"),
        ("CREATE FUNCTION t_x.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", "no code"),
        ("CREATE TABLE t_x.a (b bigserial)", "no sequences"),
        ("CREATE TABLE t_x.a (b bigint GENERATED ALWAYS AS IDENTITY)", "no sequences"),
        ("INSERT INTO t_x.a (b) SELECT nextval('s')", "no sequences"),
        ("CREATE TABLE t_x.a (b text) INHERITS (t_x.c)", "plain tables"),
        ("CREATE FOREIGN TABLE t_x.a (b text) SERVER s", "plain tables"),
        ("CREATE TABLE t_x.a OF t_x.kind", "plain tables"),
        (
            "CREATE TABLE t_x.a_1 PARTITION OF t_x.a FOR VALUES FROM (1) TO (2) PARTITION BY RANGE (b)",
            "one level of partitions"
        ),
        ("CREATE TABLE t_x.a_1 (LIKE t_x.a) PARTITION BY RANGE (b)", "one level of partitions"),
        ("CREATE TABLE t_x.a_1 PARTITION OF t_x.a FOR VALUES FROM (1) TO (2)", "partitions are attached"),
        ("ALTER TABLE t_x.a ATTACH PARTITION t_x.rest DEFAULT", "no default partition"),
        ("ALTER TABLE t_x.a DETACH PARTITION t_x.a_1 CONCURRENTLY", "detached at once"),
        ("CREATE INDEX CONCURRENTLY a_b ON t_x.a (b)", "detached at once"),
        (
            "CREATE TABLE t_x.a (b text REFERENCES t_x.c (b)) PARTITION BY RANGE (b)",
            "history has no foreign keys"
        ),
    ])
    func aBadStatementBreaksItsRule(statement: String, rule: String) {
        #expect(CitusRule.broken(by: SQLText(statement)).map(\.name) == [rule])
    }

    @Test func everyRuleIsSeenToFail() {
        #expect(Set(CitusRule.all.map(\.name)).count == CitusRule.all.count)
        // What the table above does not name would be a rule that nobody has seen fail.
        let source = (try? String(contentsOf: URL(filePath: #filePath), encoding: .utf8)) ?? ""
        for rule in CitusRule.all { #expect(source.contains("\"\(rule.name)\""), "\(rule.name)") }
    }

    @Test(arguments: [
        "SELECT a.b FROM t_x.a WHERE a.c = 'now() and random()' -- CURSOR",
        "WITH f AS (DELETE FROM t_x.a WHERE b = 1 RETURNING b) INSERT INTO t_x.c (b) SELECT f.b FROM f",
        "SET LOCAL lock_timeout = '200ms'",
        "SET TRANSACTION READ ONLY",
        "GRANT SELECT, INSERT, UPDATE ON t_x.a TO t_x",
        "ALTER TABLE t_x.a DETACH PARTITION t_x.a_1",
    ])
    func aGoodStatementBreaksNone(statement: String) {
        #expect(CitusRule.broken(by: SQLText(statement)).map(\.name) == [])
    }

    /// What the server makes of every statement of a tenant: all names are there, and the role may use them.
    @Test func everyStatementOfATenantIsUnderstood() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant()
            let areas: [Any] = [
                tenant.directory, tenant.suppressions, tenant.reports, tenant.facts, tenant.people, tenant.capping,
                tenant.preferences, tenant.settings,
                tenant.providers,
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
