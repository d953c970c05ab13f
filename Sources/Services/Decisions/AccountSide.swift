internal import CarillonNet
internal import Domain
internal import Storage

/// The facts of one account, or of the supplier, as they are kept in memory: as read at once, and never changed. Newer
/// facts are another object.
final class AccountSide {
    let snapshot: FactsSnapshot
    /// When the read began: what is here may have been true only then.
    let readAt: MonotonicTime
    /// Whether it was asked for since memory was last cleared up.
    var isWanted = true
    private var settings: (supplier: AccountSide, policy: TenantSettings.EnabledWithoutSubscription, TenantSettings)?

    init(_ snapshot: FactsSnapshot, readAt: MonotonicTime) {
        self.snapshot = snapshot
        self.readAt = readAt
    }

    /// The settings in force for this side: the supplier's with those that were made for this account alone. Put together
    /// once for each pair of sides.
    func settings(
        under supplier: AccountSide, _ policy: TenantSettings.EnabledWithoutSubscription
    ) -> TenantSettings {
        if let settings, settings.supplier === supplier, settings.policy == policy { return settings.2 }
        var made = TenantSettings(
            overrides: supplier.snapshot.overrides, enabledWithoutSubscription: policy,
            caps: supplier.snapshot.caps,
            unavailableChannels: ChannelSet.all.subtracting(supplier.snapshot.providedChannels)
                .subtracting(ChannelSet(.inApp)))
        if let id = snapshot.account, !snapshot.overrides.isEmpty { made.accountOverrides = [id: snapshot.overrides] }
        settings = (supplier, policy, made)
        return made
    }

    /// How much memory it takes, about, in octets.
    var octets: Int { 1_024 + snapshot.users.count * 1_024 }
}

/// What decisions about one event rest on.
struct EventSides {
    /// The account's side; nil for an event without one.
    let account: AccountSide?
    /// The supplier's side.
    let supplier: AccountSide
    /// The settings in force for the account.
    let settings: TenantSettings

    /// Whether the facts may have been read before this call.
    let isOld: Bool

    /// The record of a user of either side.
    func user(_ id: UserID) -> UserRecord? { account?.snapshot.users[id] ?? supplier.snapshot.users[id] }

    /// What the decisions take for granted.
    var pins: [FactsPin] { [account?.snapshot.pin, supplier.snapshot.pin].compactMap { $0 } }
}
