internal import CarillonNet
internal import Domain
internal import Storage

/// Settings as they were put together. Few accounts have any: one that has none is the smaller for a reference.
private final class MergedSettings {
    let stamp: Int
    let settings: TenantSettings

    init(stamp: Int, settings: TenantSettings) {
        self.stamp = stamp
        self.settings = settings
    }
}

/// What decisions about the users of an account, or about the supplier's people, rest on besides them, as it is kept in memory.
///
/// There is one for each account of a tenant on a loop, which all its users refer to, so that what is learned of the account holds
/// for them too. Its version says which of them are still as they were: each was read at a version, and those that are older
/// than the last change that this process does not know in full hold no more.
///
/// Confined to its loop.
final class KnownHome {
    /// The account as decisions see it.
    private(set) var facts: SideFacts
    /// The schedule of those who said nothing of times.
    private(set) var schedule: Schedule
    /// The account's own settings.
    private(set) var overrides: SettingOverrides
    /// The channels that something can be sent on; of use in the supplier's.
    private(set) var providedChannels: ChannelSet
    /// The version that all this is of.
    private(set) var version: Int64
    /// Users who were read at this version or a later one are as they were.
    private var since: Int64
    /// When it was known last that this is the account's version.
    private(set) var provenAt: MonotonicTime
    /// Whether it was asked for since memory was last cleared up.
    var isWanted = true
    /// How often its version is still proven before somebody has to ask for it again.
    private var proofsLeft = KnownHome.proofs
    private var merged: MergedSettings?

    init(_ snapshot: HomeSnapshot, readAt: MonotonicTime) {
        facts = snapshot.facts
        schedule = snapshot.schedule
        overrides = snapshot.overrides
        providedChannels = snapshot.providedChannels
        version = snapshot.version
        since = snapshot.version
        provenAt = readAt
    }

    /// Takes what was read of the account, unless more is known.
    ///
    /// - Parameter isOwnChange: whether this process has made the change that led to the version, and knows whom it was about.
    func take(_ snapshot: HomeSnapshot, readAt: MonotonicTime, isOwnChange: Bool = false) {
        guard snapshot.version >= version else { return }
        if snapshot.version > version {
            if !isOwnChange || snapshot.version != version + 1 { since = snapshot.version }
            version = snapshot.version
        }
        // Also of the same version: the supplier's zone and channels of the provider are part of it, not of the account's.
        facts = snapshot.facts
        schedule = snapshot.schedule
        overrides = snapshot.overrides
        providedChannels = snapshot.providedChannels
        merged = nil
        provenAt = max(provenAt, readAt)
    }

    /// With one each 20 seconds: five minutes.
    private static let proofs = 15

    /// Whether its version is worth proving.
    var isInUse: Bool { proofsLeft > 0 }

    /// Somebody asks for it.
    func ask() { proofsLeft = Self.proofs }

    /// Takes note of the version that the account had.
    func prove(_ found: Int64?, at time: MonotonicTime) {
        proofsLeft -= 1
        if found == version {
            provenAt = max(provenAt, time)
        } else if found.map({ $0 > version }) ?? true {
            lapse()
        }
    }

    /// Makes nothing current that rests on it, until it is read anew.
    func lapse() {
        provenAt = MonotonicTime(nanoseconds: .min)
        since = .max
    }

    /// Whether a user is as read at a version.
    ///
    /// - Parameter version: the lower half of it.
    func vouches(for version: UInt32) -> Bool {
        since <= self.version
            && UInt32(truncatingIfNeeded: self.version) &- version <= UInt32(clamping: self.version - since)
    }

    /// The settings in force for the account; put together once for each state of the supplier's, which `stamp` names.
    func settings(_ stamp: Int, under supplier: () -> TenantSettings) -> TenantSettings {
        if let merged, merged.stamp == stamp { return merged.settings }
        var settings = supplier()
        if let account = facts.account { settings.accountOverrides = [account: overrides] }
        merged = MergedSettings(stamp: stamp, settings: settings)
        return settings
    }

    /// How much memory it takes, about, in octets.
    var octets: Int {
        320 + (overrides.isEmpty ? 0 : 2_048) + (facts.defaults.isEmpty ? 0 : 1_024)
    }
}
