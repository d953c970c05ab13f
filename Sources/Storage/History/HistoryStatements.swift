internal import Postgres

/// The statements that read what was sent, and what was not.
struct HistoryStatements {
    /// How the rows of a list are found: by the narrowest index that the filter allows.
    enum Path: CaseIterable {
        case all, account, user, event, object
    }

    static let notificationColumns = """
        n.notification_id, n.event_id, n.type_key, n.audience, n.account_id, n.recipient, n.user_id, n.object, n.reason,
        n.trace
        """
    static let deliveryColumns = """
        d.channel, d.verdict, d.reason, d.state, d.state_reason, d.masked_address, d.message_id,
        d.deliver_at, d.updated_at, q.due_at, q.lease, q.attempts
        """

    /// $1 notification.
    let notification: Statement
    /// $1 notification.
    let deliveries: Statement
    /// $1 notification.
    let attempts: Statement
    /// $1 before this id, $2 how many rows to look at, $3 account or NULL, $4 user or NULL, $5 event or NULL, $6 object
    /// or NULL, $7 type or NULL, $8 state or NULL, $9 limit. One row for each delivery. The last notification looked at
    /// comes along even if it does not match: the first column says whether it does, the second how many were looked
    /// at.
    let page: [Path: Statement]

    init(_ schema: SchemaName) {
        notification = Statement(
            "SELECT \(Self.notificationColumns) FROM \(schema).notification n WHERE n.notification_id = $1::uuid")
        deliveries = Statement(
            """
            SELECT \(Self.deliveryColumns)
            FROM \(schema).delivery d
            LEFT JOIN \(schema).queue q ON q.notification_id = d.notification_id AND q.channel = d.channel
            WHERE d.notification_id = $1::uuid
            ORDER BY d.rank
            """)
        attempts = Statement(
            """
            SELECT a.channel, a.number, a.provider_id, a.outcome, a.code, a.detail, a.provider_message_id, a.started_at,
                a.finished_at
            FROM \(schema).attempt a
            WHERE a.notification_id = $1::uuid
            ORDER BY a.channel, a.number
            """)
        page = Dictionary(uniqueKeysWithValues: Path.allCases.map { ($0, Self.page(schema, $0)) })
    }

    /// A rare state in a long history must not make one page read all of it. So a page looks at a limited number of
    /// rows, and one that finds nothing still says where to go on.
    private static func page(_ schema: SchemaName, _ path: Path) -> Statement {
        let narrowest =
            switch path {
            case .all: ""
            case .account: "AND n.account_id = $3::text"
            case .user: "AND n.user_id = $4::text"
            case .event: "AND n.event_id = $5::uuid"
            case .object: "AND n.object = $6::text"
            }
        return Statement(
            """
            WITH looked AS MATERIALIZED (
                SELECT \(notificationColumns)
                FROM \(schema).notification n
                WHERE n.notification_id < $1::uuid \(narrowest)
                ORDER BY n.notification_id DESC
                LIMIT $2::int8
            ), judged AS (
                SELECT n.*,
                    ($3::text IS NULL OR n.account_id = $3::text) AND ($4::text IS NULL OR n.user_id = $4::text)
                        AND ($5::uuid IS NULL OR n.event_id = $5::uuid) AND ($6::text IS NULL OR n.object = $6::text)
                        AND ($7::text IS NULL OR n.type_key = $7::text)
                        AND ($8::text IS NULL OR $8::text = (
                            SELECT CASE
                                WHEN bool_or(d.state IN ('pending', 'deferred', 'digesting')) THEN 'pending'
                                WHEN bool_or(d.state = 'delivered') THEN 'delivered'
                                ELSE coalesce((array_agg(d.state ORDER BY d.rank))[1], 'suppressed')
                            END
                            FROM \(schema).delivery d
                            WHERE d.notification_id = n.notification_id)) AS matches
                FROM looked n
            ), chosen AS MATERIALIZED (
                SELECT n.*
                FROM judged n
                WHERE n.matches OR n.notification_id = (
                    SELECT l.notification_id FROM looked l ORDER BY l.notification_id LIMIT 1)
                ORDER BY n.notification_id DESC
                LIMIT $9::int8
            )
            SELECT n.matches, (SELECT count(*) FROM looked), \(notificationColumns), \(deliveryColumns)
            FROM chosen n
            LEFT JOIN \(schema).delivery d ON d.notification_id = n.notification_id
            LEFT JOIN \(schema).queue q ON q.notification_id = d.notification_id AND q.channel = d.channel
            ORDER BY n.notification_id DESC, d.rank
            """)
    }
}
