internal import Postgres

/// The statements that read what decisions rest on.
///
/// $1 is the accounts, '' for the supplier, and $2 users whose accounts are wanted too. The account's row, and
/// with it the version, is read first: what is read after it may be newer than the version says, never older, so that a
/// decision on it is at worst made again.
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
    /// $1 accounts: their versions alone.
    let versions: Statement

    init(_ schema: SchemaName) {
        let wanted =
            "ANY ($1::text[] || ARRAY(SELECT o.account_id FROM \(schema).app_user o WHERE o.user_id = ANY ($2::text[])))"
        accounts = Statement(
            """
            SELECT \(DirectoryStatements.accountColumns)
            FROM \(schema).account a
            WHERE a.account_id = \(wanted)
            """)
        users = Statement(
            """
            SELECT \(DirectoryStatements.userColumns)
            FROM \(schema).app_user u
            WHERE u.account_id = \(wanted)
            """)
        contactPoints = Statement(
            """
            SELECT c.user_id, c.channel, c.address, c.state
            FROM \(schema).app_user u
            JOIN \(schema).contact_point c ON c.user_id = u.user_id
            WHERE u.account_id = \(wanted) AND c.position IS NOT NULL
            ORDER BY c.user_id, c.channel, c.position
            """)
        preferences = Statement(
            """
            SELECT p.user_id, p.audience, p.scope, p.scope_key, p.channel, p.choice
            FROM \(schema).app_user u
            JOIN \(schema).preference p ON p.user_id = u.user_id
            WHERE u.account_id = \(wanted)
            """)
        settings = Statement(
            """
            SELECT s.account_id, s.type_key, s.audience, s.enabled, s.default_subscribed, s.mandatory,
                s.mandatory_channels
            FROM \(schema).setting s
            WHERE s.account_id = \(wanted)
            """)
        providedChannels = Statement("SELECT DISTINCT p.channel FROM \(schema).provider p WHERE p.enabled")
        versions = Statement(
            "SELECT a.account_id, a.facts_version FROM \(schema).account a WHERE a.account_id = ANY ($1::text[])")
    }

    /// The queries that ``FactsReader`` reads the results of.
    func queries(accounts: [String], users: [String]) -> [Query] {
        let parameters: [Parameter] = [.textArray(accounts), .textArray(users)]
        return [self.accounts, self.users, contactPoints, preferences, settings].map { Query($0, parameters) }
            + [Query(providedChannels)]
    }

    /// How many queries ``queries(accounts:users:)`` makes.
    static let count = 6
}
