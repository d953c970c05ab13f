internal import Domain
internal import Postgres

/// The statements that read what decisions about an event rest on: whole accounts.
///
/// $1 is the accounts, '' for the supplier. The account's row, and with it the version, is read first: what is read after it may be
/// newer than the version says, never older, so that a decision on it is at worst made again.
struct FactsStatements {
    /// Accounts with their versions.
    let accounts: Statement
    /// Their users.
    let users: Statement
    /// The addresses of their users.
    let contactPoints: Statement
    /// The choices of their users.
    let preferences: Statement
    /// The settings made for them.
    let settings: Statement
    /// The channels that a provider carries.
    let providedChannels: Statement
    /// What their users got lately, where there are caps; $2 and $3 are those of ``CapStatements/reach(_:)``.
    let recentSends: Statement
    /// $1 accounts: their versions alone.
    let versions: Statement
    /// When the server was started.
    let server: Statement

    init(_ schema: SchemaName) {
        accounts = Statement(
            """
            SELECT \(DirectoryStatements.accountColumns), a.caps, \(SuppressionStatements.mailboxState(schema))
            FROM \(schema).account a
            WHERE a.account_id = ANY ($1::text[])
            """)
        users = Statement(
            """
            SELECT \(DirectoryStatements.userColumns)
            FROM \(schema).app_user u
            WHERE u.account_id = ANY ($1::text[])
            """)
        contactPoints = Statement(
            """
            SELECT \(ContactPoint.columns)
            FROM \(schema).app_user u
            JOIN \(schema).contact_point c ON c.user_id = u.user_id
            WHERE u.account_id = ANY ($1::text[]) AND \(ContactPoint.isInUse)
            ORDER BY \(ContactPoint.order)
            """)
        preferences = Statement(
            """
            SELECT \(Self.preferenceColumns)
            FROM \(schema).app_user u
            JOIN \(schema).preference p ON p.user_id = u.user_id
            WHERE u.account_id = ANY ($1::text[])
            """)
        settings = Statement(
            """
            SELECT \(Self.settingColumns)
            FROM \(schema).setting s
            WHERE s.account_id = ANY ($1::text[])
            """)
        providedChannels = Self.providedChannels(schema)
        server = Statement("SELECT pg_postmaster_start_time()")
        recentSends = CapStatements.recentSends(
            schema,
            of: "(SELECT u.user_id FROM \(schema).app_user u WHERE u.account_id = ANY ($1::text[]))",
            notifications: "$2", time: "$3")
        versions = Statement(
            "SELECT a.account_id, a.facts_version FROM \(schema).account a WHERE a.account_id = ANY ($1::text[])")
    }

    /// The channels that a provider carries.
    static func providedChannels(_ schema: SchemaName) -> Statement {
        Statement("SELECT DISTINCT p.channel FROM \(schema).provider p WHERE p.enabled")
    }

    /// The columns of choices that ``FactsRows`` reads.
    static let preferenceColumns = "p.user_id, p.audience, p.scope, p.scope_key, p.channel, p.choice"
    /// The columns of settings that ``FactsRows`` reads.
    static let settingColumns =
        "s.account_id, s.type_key, s.audience, s.enabled, s.default_subscribed, s.mandatory, s.mandatory_channels"

    /// The queries that ``FactsReader`` reads the results of.
    func queries(of accounts: [String], now: Instant) -> [Query] {
        [self.accounts, users, contactPoints, preferences, settings].map { Query($0, [.textArray(accounts)]) }
            + [Query(providedChannels), Query(recentSends, [.textArray(accounts)] + CapStatements.reach(now))]
    }
}
