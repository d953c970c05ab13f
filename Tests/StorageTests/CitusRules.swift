import Foundation

/// What a statement must not do, so that a tenant's schema can be a distributed schema of Citus (12 and later,
/// schema-based sharding), the registry's tables reference tables, and a pooler or a second node in the way changes
/// nothing. Pure: a text goes in, the names of the rules it breaks come out.
///
/// A schema whose name is put into a text is written `t_x` there.
struct CitusRule: Sendable {
    let name: String
    /// What happens on Citus, or what we decided.
    let why: String
    let isBroken: @Sendable (SQLText) -> Bool

    init(_ name: String, _ why: String, _ isBroken: @escaping @Sendable (SQLText) -> Bool) {
        (self.name, self.why, self.isBroken) = (name, why, isBroken)
    }

    /// The rules that a statement breaks.
    static func broken(by text: SQLText) -> [CitusRule] {
        all.filter { $0.isBroken(text) }
    }
}

extension CitusRule {
    static let all: [CitusRule] = schemas + functions + locks + objects + partitions

    // MARK: Where a statement goes

    private static let schemas = [
        CitusRule("one schema", "joins and foreign keys of two distributed schemas are refused, writes need 2PC") {
            $0.schemas.count > 1
        },
        CitusRule("qualified", "a search path is the session's, and the wrong one behind a pooler") { text in
            text.tables.contains { !text.isQualified($0) }
        },
        CitusRule("columns are named", "a column that a newer version adds must not change what an older one reads") {
            $0.has(#/\bSELECT\s+(DISTINCT\s+)?\*/#) || $0.takesAllColumnsOfATable
        },
        CitusRule("schema apart", "\"cannot create distributed schema and table in a single statement\"") {
            $0.has(#/CREATE SCHEMA.*\b(CREATE (TABLE|INDEX|VIEW|SEQUENCE|TRIGGER)|GRANT)\b/#.dotMatchesNewlines())
        },
        CitusRule("one role", "Citus opens its connections as the role of the moment: the unit sets one, at first") {
            $0.has(#/\b(SET (LOCAL |SESSION )?(ROLE|SESSION AUTHORIZATION)|RESET)\b|set_config/#)
        },
        CitusRule("settings are local", "SET outlives the transaction, and its connection is another one's then") {
            $0.has(#/^SET (?!LOCAL\b)(?!TRANSACTION\b)(?!(SESSION )?ROLE\b)(?!SESSION AUTHORIZATION\b)/#)
        },
    ]

    // MARK: What a statement computes

    private static var volatile: Regex<(Substring, Substring)> {
        #/
            \b(random|gen_random_uuid|uuid_generate_v\w+|clock_timestamp|timeofday
            |txid_current\w*|pg_current_xact_id\w*|pg_sleep\w*)\s*\(
        /#
    }
    private static var clock: Regex<(Substring, Substring?, Substring?, Substring?, Substring?)> {
        #/\b(now|statement_timestamp|transaction_timestamp)\s*\(|\b(current_(timestamp|date|time)|localtime(stamp)?)\b/#
    }

    private static let functions = [
        CitusRule("nothing volatile", "\"functions … must not be VOLATILE\": ids and chance come from the program") {
            $0.has(volatile.ignoresCase())
        },
        CitusRule("time is a parameter", "a statement that is repeated elsewhere must mean the same time") {
            !$0.mayReadClock && $0.has(clock.ignoresCase())
        },
        CitusRule("what is set is immutable", "\"functions used in the … SET clause must be IMMUTABLE\"") { text in
            text.functions(in: #/\bSET\b(.*?)(?:\bFROM\b|\bWHERE\b|\bRETURNING\b|$)/#.dotMatchesNewlines())
                .contains { $0 != "coalesce" && !(text.mayReadClock && $0 == "now") }
        },
        CitusRule("what is returned is immutable", "\"non-IMMUTABLE functions are not allowed in … RETURNING\"") {
            !$0.functions(in: #/\bRETURNING\b([^)]*(?:\([^)]*\))?[^)]*)/#).isEmpty
        },
    ]

    // MARK: Locks and shapes of queries

    private static let locks = [
        CitusRule("no INSERT in WITH", "\"Router planner doesn't support INSERT common table expressions\"") {
            $0.has(#/AS\s+(?:NOT\s+)?(?:MATERIALIZED\s+)?\(\s*INSERT\b/#)
        },
        CitusRule(
            "no lock on reference tables in WITH", "\"… SELECT FOR UPDATE in CTEs involving reference tables\""
        ) {
            $0.schemas == ["carillon"]
                && $0.has(#/\bWITH\b.*\bFOR (NO KEY )?(UPDATE|SHARE|KEY SHARE)\b/#.dotMatchesNewlines())
        },
        CitusRule("no MERGE", "only some of its shapes are routed") { $0.has(#/^MERGE\b/#) },
        CitusRule("nothing node-local", "notifications, advisory locks, cursors and temporary tables are one node's") {
            $0.has(#/\b(LISTEN|UNLISTEN|NOTIFY|CURSOR|WITH HOLD|DISCARD|TEMP|TEMPORARY|pg_notify)\b|advisory/#)
        },
        CitusRule("one commit", "two-phase commit is Citus' own") {
            $0.has(#/\b(PREPARE TRANSACTION|COMMIT|ROLLBACK|SAVEPOINT)\b/#)
        },
    ]

    // MARK: What there is in a schema

    private static let objects = [
        CitusRule("no triggers or rules", "refused unless citus.enable_unsafe_triggers is on, or altogether") {
            $0.has(#/^CREATE (OR REPLACE )?(CONSTRAINT )?(TRIGGER|RULE|VIEW)\b/#)
        },
        CitusRule("no code", "functions and blocks hide statements from these rules, and from the planner of Citus") {
            // There is no CREATE ROLE IF NOT EXISTS, and roles are no schema's.
            !$0.has(#/^DO\b.*\bCREATE ROLE\b/#.dotMatchesNewlines())
                && $0.has(#/^(DO|CALL)\b|^CREATE (OR REPLACE )?(FUNCTION|PROCEDURE)\b/#)
        },
        CitusRule("no sequences", "they are numbered per node; our ids come from the program") {
            $0.has(#/\b((small|big)?serial|nextval|setval|currval|lastval)\b/#.ignoresCase())
                || $0.has(#/\bAS IDENTITY\b|\bCREATE SEQUENCE\b/#)
        },
        CitusRule("plain tables", "inheritance, typed and foreign tables are refused in a distributed schema") {
            $0.has(#/\bINHERITS\b|^CREATE FOREIGN TABLE\b|^CREATE TABLE (IF NOT EXISTS )?[\w.]+ OF\b/#)
        },
    ]

    private static let partitions = [
        CitusRule("one level of partitions", "\"Citus doesn't support multi-level partitioned tables\"") {
            $0.has(#/(PARTITION OF|\(LIKE)\b.*\bPARTITION BY\b/#.dotMatchesNewlines())
        },
        CitusRule("partitions are attached", "PARTITION OF locks its parent against everybody; ATTACH does not") {
            $0.has(#/\bPARTITION OF\b/#) && !$0.has(#/\bPARTITION BY\b/#)
        },
        CitusRule("no default partition", "every ATTACH scans it under a lock, and it takes what belongs nowhere") {
            $0.has(#/\bATTACH PARTITION\b.*\bDEFAULT\b/#.dotMatchesNewlines())
        },
        CitusRule("detached at once", "CONCURRENTLY does not run in a transaction, and every unit of ours is one") {
            $0.has(#/\bCONCURRENTLY\b/#)
        },
        CitusRule("history has no foreign keys", "they lock every partition, and keep months from being dropped") {
            $0.has(#/\bREFERENCES\b.*\bPARTITION BY\b/#.dotMatchesNewlines())
        },
    ]
}
