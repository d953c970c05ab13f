package import Domain

/// What decisions about all people of one account, or of the supplier, rest on, as it stood at one version.
package struct FactsSnapshot: Sendable {
    /// Which account; nil for the supplier.
    package let account: AccountID?
    /// The version to pin a decision to; see ``FactsPin``.
    package let version: Int64
    /// The account's row; nil for the supplier.
    package let record: AccountRecord?
    /// The supplier's team; nil for an account.
    package let team: TeamRecord?
    /// The users, by id, with their addresses.
    package let users: [UserID: UserRecord]
    /// The users as decisions see them.
    package let directory: Directory
    /// The account's own settings; for the supplier, those that hold for all accounts.
    package let overrides: SettingOverrides
    /// The channels that something can be sent on: the inbox, and those that an enabled provider carries. Only the
    /// supplier's version grows when they change; decisions take them from the supplier's snapshot.
    package let providedChannels: ChannelSet
    /// How many messages one person may get; the supplier's hold for all.
    package let caps: [FrequencyCap]
    /// Which deliveries stand behind what the users got lately (``Domain/UserFacts/recentSends``).
    package let sent: Set<DeliveryID>

    /// The pin of a decision on these facts.
    package var pin: FactsPin { FactsPin(account: account, version: version) }
}

/// What a decision took for granted: an account's facts at one version. Publish writes nothing of an event whose pins
/// do not hold any more.
package struct FactsPin: Sendable, Hashable {
    /// Which account; nil for the supplier.
    package let account: AccountID?
    /// The version that the decision used.
    package let version: Int64

    /// Pins a decision to a version.
    package init(account: AccountID?, version: Int64) {
        self.account = account
        self.version = version
    }
}
