internal import Domain
internal import Postgres

/// How a tenant's schema is made.
enum TenantSchema {
    /// A table of history, cut by month.
    struct History: Sendable {
        let table: String
        /// The UUIDv7 that carries the time.
        let column: String
        /// Deliveries are updated in place, once or twice; the others never.
        let fillFactor: Int
        /// Columns with words of people: statistics keep no samples of them, where erasing a tenant would not reach.
        let words: [String]
    }

    /// The version that ``SQLScript/tenant`` makes.
    static let version: Int32 = 7

    static let history = [
        History(
            table: "event", column: "event_id", fillFactor: 100,
            words: ["object", "source_event_id", "context", "sealed_context", "published_by"]),
        History(
            table: "notification", column: "notification_id", fillFactor: 100, words: ["recipient", "object", "trace"]),
        History(
            table: "delivery", column: "notification_id", fillFactor: 85, words: ["masked_address", "message_id"]),
        History(
            table: "attempt", column: "notification_id", fillFactor: 100,
            words: ["code", "detail", "provider_message_id"]),
    ]

    /// How long before its beginning a month is made for a new tenant: long enough for several rounds of maintenance, which
    /// makes it otherwise.
    private static let margin: Int64 = 3600

    /// The months that a new tenant needs: this one, and the next if it is about to begin. Each is four tables with their indexes,
    /// and costs as much as all the rest once there are thousands of tenants.
    static func firstMonths(now: Instant) -> [Month] {
        let month = Month(containing: now)
        let soon = Month(containing: Instant(microseconds: now.microseconds + margin * 1_000_000))
        return soon == month ? [month] : [month, soon]
    }

    /// The statements that make the role and the schema, without partitions.
    static func creation(_ schema: SchemaName, now: Instant) -> [Statement] {
        let role = SQLScript(
            """
            DO $$
            BEGIN
                IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = '${schema}') THEN
                    CREATE ROLE ${schema} NOLOGIN NOINHERIT;
                    -- Citus connects to its workers as the role of the moment.
                    IF EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'citus') THEN
                        ALTER ROLE ${schema} LOGIN;
                    END IF;
                END IF;
            END
            $$;
            GRANT ${schema} TO carillon_serve, carillon_work;
            """)
        let values = [
            "schema": schema.text, "micros": String(now.microseconds),
            "time": LocalTime(secondsSinceEpoch: now.seconds).description + "Z",
        ]
        return role.statements(values) + SQLScript.tenant.statements(values)
    }

    /// The statements that make all partitions of a month.
    static func partitions(_ schema: SchemaName, _ month: Month) -> [Statement] {
        history.flatMap { partition(schema, $0, month) }
    }

    /// The statements that make the partition of one table for a month.
    static func partition(_ schema: SchemaName, _ history: History, _ month: Month) -> [Statement] {
        SQLScript.tenantMonth.statements([
            "schema": schema.text, "table": history.table, "column": history.column, "month": month.description,
            "from": UUIDv7.lowerBound(of: month).description, "to": UUIDv7.lowerBound(of: month.next).description,
            "fillfactor": String(history.fillFactor),
            "unsampled": history.words.map { "ALTER COLUMN \($0) SET STATISTICS 0" }.joined(separator: ", "),
        ])
    }

    /// The name of the partition of a table for a month.
    static func partitionName(_ history: History, _ month: Month) -> String { "\(history.table)_\(month)" }
}
