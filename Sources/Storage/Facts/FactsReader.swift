internal import Domain
internal import Postgres

/// Puts the results of ``FactsStatements`` together.
struct FactsReader {
    private var versions: [AccountID?: Int64] = [:]
    private var records: [AccountID: AccountRecord] = [:]
    private var team: TeamRecord?
    private var users: [UserID: UserRecord] = [:]
    private var rows = FactsRows()
    private var caps: [AccountID?: [FrequencyCap]] = [:]
    private var mailboxes: [AccountID?: AddressState] = [:]
    private var providedChannels: ChannelSet = []
    private var schedules: ScheduleMaker

    private init(_ clocks: Clocks) {
        schedules = ScheduleMaker(clocks)
    }

    /// Reads the results of the queries.
    static func read(_ results: [ResultSet], _ clocks: Clocks) throws(PostgresError) -> [AccountID?: FactsSnapshot] {
        var reader = FactsReader(clocks)
        for row in results[0] { try reader.account(row) }
        for row in results[1] { try reader.user(row) }
        for row in results[2] {
            reader.users[try row.identifier(0)]?.contactPoints.append(try ContactPoint(row: row))
        }
        try reader.rows.takeChoices(results[3])
        try reader.rows.takeSettings(results[4])
        try reader.rows.takeSends(results[6])
        reader.providedChannels = try results[5].providedChannels()
        return reader.snapshots()
    }

    private mutating func account(_ row: Row) throws(PostgresError) {
        let id = try row.account(0)
        versions[id] = try row.int8(8)
        caps[id] = FrequencyCap.list(json: try row.optionalText(13))
        mailboxes[id] = try row.value(14, as: AddressState.self)
        if let id { records[id] = try AccountRecord(row: row) } else { team = try TeamRecord(row: row) }
    }

    private mutating func user(_ row: Row) throws(PostgresError) {
        let user = try UserRecord(row: row)
        users[user.id] = user
    }

    private mutating func snapshots() -> [AccountID?: FactsSnapshot] {
        let members = Dictionary(grouping: users.values, by: \.account)
        var snapshots: [AccountID?: FactsSnapshot] = [:]
        for account in versions.keys {
            let record = account.flatMap { records[$0] }
            let team = account == nil ? team : nil
            let members = members[account] ?? []
            let directory = Directory(
                of: account,
                users: members.map { user in
                    user.facts(
                        choices: rows.choices[user.id],
                        schedule: schedules.schedule(user.timeZone ?? record?.timeZone, user.times),
                        recentSends: rows.sends[user.id])
                },
                defaultUser: record?.defaultUser,
                mailbox: mailboxes[account] ?? .missing,
                mailboxChoices: Choices(team?.choices ?? []),
                isSuppressed: record?.notificationsSuppressed ?? false,
                defaults: Choices(record?.defaults ?? []))
            snapshots[account] = FactsSnapshot(
                account: account,
                version: versions[account] ?? 0,
                record: record,
                team: team,
                users: Dictionary(uniqueKeysWithValues: members.map { ($0.id, $0) }),
                directory: directory,
                overrides: rows.overrides[account] ?? SettingOverrides(),
                providedChannels: providedChannels,
                caps: caps[account] ?? [],
                sent: rows.sent)
        }
        return snapshots
    }
}
