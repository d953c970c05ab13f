internal import Domain
internal import Postgres

/// The statements that read what decisions about single users rest on: the users, and of their accounts no more than decisions about
/// them have to know, however many users those have.
///
/// $1 is the users, $2 accounts that are wanted besides theirs, '' for the supplier. The accounts' rows are read first, as by
/// ``FactsStatements``.
struct PeopleStatements {
    /// Accounts with their versions.
    let homes: Statement
    /// Who of them is tried where at least one must be told (``Domain/DutyRoster``): for each rank and channel the most senior.
    let candidates: Statement
    /// The settings made for them.
    let settings: Statement
    /// The users.
    let users: Statement
    /// Their addresses.
    let contactPoints: Statement
    /// Their choices.
    let preferences: Statement
    /// The channels that a provider carries.
    let providedChannels: Statement
    /// What they got lately, where there are caps; $2 and $3 are those of ``CapStatements/reach(_:)``.
    let recentSends: Statement

    init(_ schema: SchemaName) {
        let wanted =
            "ANY ($2::text[] || ARRAY(SELECT o.account_id FROM \(schema).app_user o WHERE o.user_id = ANY ($1::text[])))"
        homes = Statement(
            """
            SELECT a.account_id, a.facts_version, a.notifications_suppressed, a.defaults,
                \(SuppressionStatements.mailboxState(schema)), a.time_zone, a.caps
            FROM \(schema).account a
            WHERE a.account_id = \(wanted)
            """)
        candidates = Statement(
            """
            SELECT DISTINCT ON (r.account_id, r.rank, r.team_member, r.channel)
                r.account_id, r.user_id, r.rank = 0, r.is_admin, r.team_member, r.created_at, r.channel
            FROM (
                SELECT u.account_id, u.user_id, u.is_admin, u.team_member, u.created_at, c.channel,
                    CASE WHEN u.user_id = a.default_user_id THEN 0 WHEN u.is_admin THEN 1 ELSE 2 END AS rank
                FROM \(schema).account a
                JOIN \(schema).app_user u ON u.account_id = a.account_id
                CROSS JOIN LATERAL (
                    SELECT 'in_app' AS channel
                    UNION ALL
                    SELECT c.channel
                    FROM \(schema).contact_point c
                    WHERE c.user_id = u.user_id AND c.state = 'usable' AND \(ContactPoint.isInUse)) c
                WHERE a.account_id = \(wanted) AND u.state IN ('active', 'invited')) r
            ORDER BY r.account_id, r.rank, r.team_member, r.channel, r.created_at, r.user_id COLLATE "C"
            """)
        settings = Statement(
            """
            SELECT \(FactsStatements.settingColumns)
            FROM \(schema).setting s
            WHERE s.account_id = \(wanted)
            """)
        users = Statement(
            "SELECT \(DirectoryStatements.userColumns) FROM \(schema).app_user u WHERE u.user_id = ANY ($1::text[])")
        contactPoints = Statement(
            """
            SELECT \(ContactPoint.columns)
            FROM \(schema).contact_point c
            WHERE c.user_id = ANY ($1::text[]) AND \(ContactPoint.isInUse)
            ORDER BY \(ContactPoint.order)
            """)
        preferences = Statement(
            """
            SELECT \(FactsStatements.preferenceColumns)
            FROM \(schema).preference p
            WHERE p.user_id = ANY ($1::text[])
            """)
        recentSends = CapStatements.recentSends(
            schema, of: "(SELECT v.user_id FROM unnest($1::text[]) AS v (user_id))", notifications: "$2", time: "$3")
        providedChannels = FactsStatements.providedChannels(schema)
    }

    /// The queries that ``PeopleReader`` reads the results of.
    ///
    /// - Parameters:
    ///   - users: who.
    ///   - includingSupplier: whether the supplier's home is wanted too.
    ///   - now: the time.
    func queries(_ users: [String], includingSupplier: Bool, now: Instant) -> [Query] {
        let (users, accounts) = (Parameter.textArray(users), Parameter.textArray(includingSupplier ? [""] : []))
        return [homes, candidates, settings].map { Query($0, [users, accounts]) }
            + [self.users, contactPoints, preferences].map { Query($0, [users]) }
            + [Query(providedChannels), Query(recentSends, [users] + CapStatements.reach(now))]
    }

    /// How many queries ``queries(_:includingSupplier:now:)`` makes.
    static let count = 8
}
