internal import Domain
internal import Postgres

/// Puts the results of ``PeopleStatements`` together.
struct PeopleReader {
    private var candidates: [AccountID?: [UserID: DutyRoster.Candidate]] = [:]
    private var homes: [AccountID?: HomeSnapshot] = [:]
    private var zones: [AccountID?: String] = [:]
    private var schedules: ScheduleMaker
    private var rows = FactsRows()

    private init(_ clocks: Clocks) {
        schedules = ScheduleMaker(clocks)
    }

    /// Reads the results of the queries, which begin at `first`.
    static func read(
        _ results: [ResultSet], from first: Int = 0, _ clocks: Clocks
    ) throws(PostgresError) -> PeopleSnapshot {
        var reader = PeopleReader(clocks)
        for row in results[first + 1] { try reader.candidate(row) }
        try reader.rows.takeSettings(results[first + 2])
        try reader.rows.takeChoices(results[first + 5])
        try reader.rows.takeSends(results[first + 7])
        let provided = try results[first + 6].providedChannels()
        for row in results[first] { try reader.home(row, provided) }
        var records = try results[first + 3].read(UserRecord.init(row:))
        var points: [UserID: [ContactPoint]] = [:]
        for row in results[first + 4] {
            points[try row.identifier(0), default: []].append(try ContactPoint(row: row))
        }
        for index in records.indices { records[index].contactPoints = points[records[index].id] ?? [] }
        let users = records.map { ($0.id, reader.user($0)) }
        return PeopleSnapshot(users: Dictionary(uniqueKeysWithValues: users), homes: reader.homes)
    }

    private mutating func candidate(_ row: Row) throws(PostgresError) {
        let (account, user) = (try row.account(0), try row.identifier(1, as: UserID.self))
        let candidate = DutyRoster.Candidate(
            id: user, isDefault: try row.bool(2), isAdmin: try row.bool(3), isTeamMember: try row.bool(4),
            seniority: try row.instant(5).microseconds, channels: [])
        let channel = try row.value(6, as: Channel.self)
        candidates[account, default: [:]][user, default: candidate].channels.formUnion(ChannelSet(channel))
    }

    private mutating func home(_ row: Row, _ provided: ChannelSet) throws(PostgresError) {
        let account = try row.account(0)
        let zone = try row.optionalText(5)
        zones[account] = zone
        // On the supplier's own row they are those of the team's mailbox.
        let choices = Choices(DefaultChoice.list(json: try row.optionalText(3)))
        homes[account] = HomeSnapshot(
            version: try row.int8(1),
            facts: SideFacts(
                account: account, isSuppressed: try row.bool(2),
                defaults: account == nil ? .none : choices, candidates: (candidates[account] ?? [:]).values,
                mailbox: try row.value(4, as: AddressState.self), mailboxChoices: account == nil ? choices : .none),
            overrides: rows.overrides[account] ?? SettingOverrides(), schedule: schedules.schedule(zone, nil),
            providedChannels: provided, caps: FrequencyCap.list(json: try row.optionalText(6)))
    }

    private mutating func user(_ record: UserRecord) -> UserSnapshot {
        let schedule = schedules.schedule(record.timeZone ?? zones[record.account], record.times)
        return UserSnapshot(
            record: record,
            facts: record.facts(
                choices: rows.choices[record.id], schedule: schedule, recentSends: rows.sends[record.id]))
    }
}
