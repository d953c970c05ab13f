internal import CarillonNet
internal import Domain
internal import Storage

/// The facts of one account, or of the supplier, as they are kept in memory: as read at once, and never changed. Newer
/// facts are another object.
final class AccountSide {
    let snapshot: FactsSnapshot
    /// When the read began: what is here may have been true only then.
    let readAt: MonotonicTime
    /// For decisions about customers; nil for the supplier.
    let account: AccountFacts?
    /// For decisions about the supplier's people; nobody for an account.
    let supplier: SupplierFacts
    /// Whether it was asked for since memory was last cleared up.
    var isWanted = true
    private var settings: (supplier: AccountSide, policy: TenantSettings.EnabledWithoutSubscription, TenantSettings)?

    init(_ snapshot: FactsSnapshot, readAt: MonotonicTime) {
        self.snapshot = snapshot
        self.readAt = readAt
        account = snapshot.accountFacts
        supplier = snapshot.account == nil ? snapshot.supplierFacts : .none
    }

    /// The settings in force for this side: the supplier's with those that were made for this account alone. Put together
    /// once for each pair of sides.
    func settings(
        under supplier: AccountSide, _ policy: TenantSettings.EnabledWithoutSubscription
    ) -> TenantSettings {
        if let settings, settings.supplier === supplier, settings.policy == policy { return settings.2 }
        var made = TenantSettings(
            overrides: supplier.snapshot.overrides, enabledWithoutSubscription: policy,
            unavailableChannels: ChannelSet.all.subtracting(supplier.snapshot.providedChannels)
                .subtracting(ChannelSet(.inApp)))
        if let id = snapshot.account, !snapshot.overrides.isEmpty { made.accountOverrides = [id: snapshot.overrides] }
        settings = (supplier, policy, made)
        return made
    }
}

/// A user with everything that decisions about the user rest on.
struct Subject {
    /// The account's side, or the supplier's own for its people.
    let home: AccountSide
    /// The supplier's side.
    let supplier: AccountSide
    /// The settings in force for the account.
    let settings: TenantSettings

    /// The audience in which the user is meant when none is named.
    var ownAudience: Audience { home.snapshot.account == nil ? .internalIndividual : .customer }

    /// Whether the user can be considered in this audience at all.
    func belongs(to audience: Audience) -> Bool { audience.isInternal == (home.snapshot.account == nil) }

    /// What a type would mean to the user now.
    func decide(_ user: UserID, _ type: NotificationType, as audience: Audience, now: Instant) -> Decision {
        Domain.decide(
            user: user, as: audience, event: .hypothetical(type, for: user), account: home.account,
            supplier: supplier.supplier, settings: settings, now: now)
    }

    /// What a type would mean to the user if something about the user were different.
    func decide(
        _ user: UserID, _ type: NotificationType, as audience: Audience, now: Instant,
        supposing change: (inout UserFacts) -> Void
    ) -> Decision {
        guard var facts = home.snapshot.directory[user] else { return decide(user, type, as: audience, now: now) }
        change(&facts)
        let directory = home.snapshot.directory.replacing(facts)
        let account = home.account.map {
            AccountFacts(id: $0.id, directory: directory, isSuppressed: $0.isSuppressed, defaults: $0.defaults)
        }
        let people =
            account == nil
            ? SupplierFacts(directory: directory, teamMembers: supplier.supplier.teamMembers) : supplier.supplier
        return Domain.decide(
            user: user, as: audience, event: .hypothetical(type, for: user), account: account, supplier: people,
            settings: settings, now: now)
    }
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
