internal import Postgres

/// The statements that call an event off. Each is one statement, so that it sees the event whole or not at all: whoever calls off by
/// the key of an event that is just being published finds nothing, or all of it.
struct CallOffStatements {
    /// $1 event, $2 now: the event and how many of its deliveries were called off, are finished, and are under way; no row when
    /// there is no such event.
    let byEvent: Statement
    /// $1 the idempotency key that the event was published with, $2 now: tells what ``byEvent`` does.
    let byKey: Statement

    init(_ schema: SchemaName) {
        byEvent = Self.callingOff(schema, "SELECT e.event_id FROM \(schema).event e WHERE e.event_id = $1::uuid")
        byKey = Self.callingOff(
            schema,
            """
            SELECT k.event_id FROM \(schema).idempotency k
            WHERE k.idempotency_key = $1::text AND k.expires_at > $2::timestamptz
            """)
    }

    /// Rows that no worker has leave the queue. Those that one has stay, with a mark: their worker may be sending, and gives its word
    /// on them; if it wants to go on later, it finds the mark (``callingOff(_:)``).
    ///
    /// The rows are locked first, in the order of all who lock several, and of a row what counts is what the lock found: a claim that came
    /// in between has been seen. What is read beside the rows is as it was when the statement began: a delivery whose word comes in just
    /// then is told as under way, and an attempt that is recorded just then as one whose outcome is not known.
    private static func callingOff(_ schema: SchemaName, _ target: String) -> Statement {
        Statement(
            """
            WITH target AS MATERIALIZED (
                \(target)
            ), held AS MATERIALIZED (
                SELECT q.notification_id, q.channel, q.lease, q.attempts, q.claims
                FROM target t
                JOIN \(schema).notification n ON n.event_id = t.event_id
                JOIN \(schema).queue q ON q.notification_id = n.notification_id
                ORDER BY q.notification_id, q.channel
                FOR UPDATE OF q
            ), gone AS (
                DELETE FROM \(schema).queue q
                USING held h
                WHERE q.notification_id = h.notification_id AND q.channel = h.channel AND h.lease = 0
            ), marked AS (
                UPDATE \(schema).queue q
                SET called_off = true
                FROM held h
                WHERE q.notification_id = h.notification_id AND q.channel = h.channel AND h.lease <> 0
            ), changed AS (
                UPDATE \(schema).delivery d
                SET state = CASE WHEN x.is_unknown THEN 'outcome_unknown' ELSE 'cancelled' END,
                    state_reason = CASE WHEN x.is_unknown THEN NULL ELSE '\(CalledOff.reason)' END,
                    updated_at = $2::timestamptz
                FROM (
                    SELECT h.notification_id, h.channel, \(mayHaveBeenSent(schema, "h", claims: 0)) AS is_unknown
                    FROM held h
                    WHERE h.lease = 0
                ) AS x
                WHERE d.notification_id = x.notification_id AND d.channel = x.channel
                RETURNING d.notification_id, d.channel, d.state
            )
            SELECT t.event_id,
                count(*) FILTER (WHERE coalesce(c.state, d.state) = 'cancelled'),
                count(*) FILTER (
                    WHERE coalesce(c.state, d.state) IN ('delivered', 'failed', 'expired', 'outcome_unknown')),
                count(*) FILTER (WHERE coalesce(c.state, d.state) IN ('pending', 'deferred', 'digesting'))
            FROM target t
            LEFT JOIN \(schema).notification n ON n.event_id = t.event_id
            LEFT JOIN \(schema).delivery d ON d.notification_id = n.notification_id
            LEFT JOIN changed c ON c.notification_id = d.notification_id AND c.channel = d.channel
            GROUP BY t.event_id
            """)
    }

    /// A column that tells a worker of a row `q` of the queue whether its event was called off: ``DeliveryWork/CalledOff``, or NULL.
    static func callingOff(_ schema: SchemaName) -> String {
        """
        CASE WHEN NOT q.called_off THEN NULL
            WHEN \(mayHaveBeenSent(schema, "q", claims: 1)) THEN 'perhaps_sent' ELSE 'unsent' END
        """
    }

    /// Whether somebody may have sent what a row stands for: it was claimed more often than is known of, or not all attempts are
    /// known to have failed. An inbox knows what came into it.
    private static func mayHaveBeenSent(_ schema: SchemaName, _ row: String, claims: Int) -> String {
        """
        (\(row).channel <> 'in_app' AND (\(row).claims > \(claims) OR \(row).attempts > (
            SELECT count(*) FROM \(schema).attempt f
            WHERE f.notification_id = \(row).notification_id AND f.channel = \(row).channel
                AND f.outcome IN ('temporary_failure', 'permanent_failure'))))
        """
    }
}
