internal import Domain
internal import Postgres

/// Gathers rows of choices, settings and sends, of many users and accounts.
struct FactsRows {
    private(set) var choices: [UserID: PerAudience<Choices>] = [:]
    private(set) var overrides: [AccountID?: SettingOverrides] = [:]

    private(set) var sends: [UserID: [RecentSend]] = [:]
    private(set) var sent: Set<DeliveryID> = []

    /// Takes rows of ``CapStatements/recentSends(_:of:notifications:time:)``.
    mutating func takeSends(_ rows: ResultSet) throws(PostgresError) {
        for row in rows {
            let channel = try row.value(2, as: Channel.self)
            let type = try row.identifier(3, as: TypeKey.self)
            // A type of another version is of no category that this one could cap.
            let category = Catalog.builtIn[type]?.category ?? CategoryName(unchecked: "")
            sends[try row.identifier(0), default: []].append(
                RecentSend(at: try row.instant(4), type: type, category: category, channel: channel))
            sent.insert(DeliveryID(notification: NotificationID(try row.uuidv7(1)), channel: channel))
        }
    }

    /// Takes rows of ``FactsStatements/preferenceColumns``.
    mutating func takeChoices(_ rows: ResultSet) throws(PostgresError) {
        for row in rows {
            let choice = try PreferenceChoice(row: row, from: 1)
            choice.apply(to: &choices[try row.identifier(0), default: .none][choice.audience])
        }
    }

    /// Takes rows of ``FactsStatements/settingColumns``.
    mutating func takeSettings(_ rows: ResultSet) throws(PostgresError) {
        for row in rows {
            let stored = try StoredSetting(row: row)
            overrides[stored.account, default: SettingOverrides()][stored.type, stored.audience] = stored.setting
        }
    }
}

extension UserRecord {
    /// The user as decisions see them.
    func facts(choices: PerAudience<Choices>?, schedule: Schedule, recentSends: [RecentSend]?) -> UserFacts {
        var choices = choices ?? .none
        for cadence in cadences { cadence.apply(to: &choices[cadence.audience]) }
        let addresses = addressStates()
        let forAccess = contactPoints.contains { $0.ownSince != nil } ? addressStates(isAboutAccess: true) : addresses
        return UserFacts(
            id: id, status: status, isAdmin: isAdmin, isTeamMember: isTeamMember, seniority: createdAt.microseconds,
            addresses: addresses, accessAddresses: forAccess == addresses ? nil : forAccess, choices: choices,
            schedule: schedule, snoozedUntil: snoozedUntil,
            recentSends: recentSends ?? [])
    }
}

extension ResultSet {
    /// The channels that something can be sent on, from rows of the providers'. The inbox needs nobody to carry it.
    func providedChannels() throws(PostgresError) -> ChannelSet {
        var channels = ChannelSet(.inApp)
        for row in self { channels.formUnion(ChannelSet(try row.value(0, as: Channel.self))) }
        return channels
    }
}
