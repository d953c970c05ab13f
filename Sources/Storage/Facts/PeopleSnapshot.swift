package import Domain

/// What decisions about some users rest on, as it stood at one time.
package struct PeopleSnapshot: Sendable {
    /// The users by id, without those whom there are not.
    package let users: [UserID: UserSnapshot]
    /// The accounts of the users, and what else was asked for; nil is the supplier.
    package let homes: [AccountID?: HomeSnapshot]
}

/// One user.
package struct UserSnapshot: Sendable {
    /// The user's record, with the addresses.
    package let record: UserRecord
    /// The user as decisions see them.
    package let facts: UserFacts
}

/// What decisions about the users of an account, or about the supplier's people, rest on besides them.
package struct HomeSnapshot: Sendable {
    /// Grows with each change of the account, its users or their choices.
    package let version: Int64
    /// The account as decisions see it.
    package let facts: SideFacts
    /// The account's own settings; for the supplier, those that hold for all accounts.
    package let overrides: SettingOverrides
    /// The schedule of those of its users who said nothing of times, and have no zone of their own.
    package let schedule: Schedule
    /// The channels that something can be sent on: the inbox, and those that an enabled provider carries. Only the
    /// supplier's version grows when they change; decisions take them from the supplier's.
    package let providedChannels: ChannelSet
    /// How many messages one person may get; the supplier's hold for all.
    package let caps: [FrequencyCap]
}
