internal import Domain
internal import Postgres

/// Puts the results of ``FactsStatements`` together.
struct FactsReader {
    private var versions: [AccountID?: Int64] = [:]
    private var records: [AccountID: AccountRecord] = [:]
    private var users: [UserID: UserRecord] = [:]
    private var choices: [UserID: PerAudience<Choices>] = [:]
    private var overrides: [AccountID?: SettingOverrides] = [:]
    private var providedChannels: ChannelSet = []
    private var schedules: ScheduleMaker

    private init(_ clocks: Clocks) {
        schedules = ScheduleMaker(clocks)
    }

    /// Reads the results of the queries, which begin at `first`.
    static func read(
        _ results: [ResultSet], from first: Int = 0, _ clocks: Clocks
    ) throws(PostgresError) -> [AccountID?: FactsSnapshot] {
        var reader = FactsReader(clocks)
        for row in results[first] { try reader.account(row) }
        for row in results[first + 1] { try reader.user(row) }
        for row in results[first + 2] {
            reader.users[try row.identifier(0)]?.contactPoints.append(try ContactPoint(row: row, from: 1))
        }
        for row in results[first + 3] { try reader.choice(row) }
        for row in results[first + 4] { try reader.setting(row) }
        for row in results[first + 5] {
            reader.providedChannels.formUnion(ChannelSet(try row.value(0, as: Channel.self)))
        }
        return reader.snapshots()
    }

    private mutating func account(_ row: Row) throws(PostgresError) {
        let id = try row.account(0)
        versions[id] = try row.int8(8)
        if let id { records[id] = try AccountRecord(row: row) }
    }

    private mutating func user(_ row: Row) throws(PostgresError) {
        let user = try UserRecord(row: row)
        users[user.id] = user
    }

    private mutating func choice(_ row: Row) throws(PostgresError) {
        let choice = try PreferenceChoice(row: row, from: 1)
        choice.apply(to: &choices[try row.identifier(0), default: .none][choice.audience])
    }

    private mutating func setting(_ row: Row) throws(PostgresError) {
        let stored = try StoredSetting(row: row)
        overrides[stored.account, default: SettingOverrides()][stored.type, stored.audience] = stored.setting
    }

    private mutating func snapshots() -> [AccountID?: FactsSnapshot] {
        let members = Dictionary(grouping: users.values, by: \.account)
        var snapshots: [AccountID?: FactsSnapshot] = [:]
        for account in versions.keys {
            let record = account.flatMap { records[$0] }
            let members = members[account] ?? []
            let directory = Directory(
                users: members.map { user in
                    user.facts(
                        choices: choices[user.id] ?? .none,
                        schedule: schedules.schedule(user.timeZone ?? record?.timeZone, user.times))
                },
                defaultUser: record?.defaultUser,
                mailbox: record?.billingEmail == nil ? .missing : .usable)
            snapshots[account] = FactsSnapshot(
                account: account,
                version: versions[account] ?? 0,
                record: record,
                users: Dictionary(uniqueKeysWithValues: members.map { ($0.id, $0) }),
                directory: directory,
                overrides: overrides[account] ?? SettingOverrides(),
                // The inbox needs nobody to carry it.
                providedChannels: providedChannels.union(ChannelSet(.inApp)))
        }
        return snapshots
    }
}

extension UserRecord {
    /// The user as decisions see them.
    func facts(choices: PerAudience<Choices>, schedule: Schedule) -> UserFacts {
        var choices = choices
        for cadence in cadences { cadence.apply(to: &choices[cadence.audience]) }
        var addresses = PerChannel(repeating: AddressState.missing)
        addresses[.inApp] = .usable
        for channel in [Channel.email, .push, .sms, .webhook] {
            if let point = contactPoint(on: channel) { addresses[channel] = point.state }
        }
        return UserFacts(
            id: id, status: status, isAdmin: isAdmin, seniority: createdAt.microseconds, addresses: addresses,
            choices: choices, schedule: schedule, snoozedUntil: snoozedUntil)
    }
}
