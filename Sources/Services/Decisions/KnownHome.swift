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
    /// How many messages one person may get; of use in the supplier's.
    private(set) var caps: [FrequencyCap]
    /// The version that all this is of.
    private(set) var version: Int64
    /// Users who were read at this version or a later one are as they were.
    private var since: Int64
    /// When it was known last that this is the account's version.
    private(set) var provenAt: MonotonicTime
    /// When it was read.
    private(set) var readAt: MonotonicTime
    /// Since when this version is known to this process.
    private var versionAt: MonotonicTime
    /// Whether it was asked for, or read, since memory was last cleared up.
    var isWanted = true
    /// When somebody asked for it last.
    private var askedAt: MonotonicTime
    private var merged: MergedSettings?

    init(_ snapshot: HomeSnapshot, readAt: MonotonicTime) {
        facts = snapshot.facts
        schedule = snapshot.schedule
        overrides = snapshot.overrides
        providedChannels = snapshot.providedChannels
        caps = snapshot.caps
        version = snapshot.version
        since = snapshot.version
        provenAt = readAt
        self.readAt = readAt
        versionAt = readAt
        askedAt = readAt
    }

    /// Takes what was read of the account, unless more is known.
    ///
    /// - Parameters:
    ///   - readAt: when the read began.
    ///   - isOwnChange: whether this process has made the change that led to the version, and knows whom it was about.
    ///   - now: the time.
    func take(_ snapshot: HomeSnapshot, readAt: MonotonicTime, isOwnChange: Bool = false, now: MonotonicTime) {
        guard snapshot.version >= version else { return }
        let isNext = isOwnChange && snapshot.version == version + 1
        if hasLapsed || (snapshot.version > version && !isNext) { since = snapshot.version }
        if snapshot.version > version { versionAt = now }
        version = snapshot.version
        // Also of the same version: schedules are by the tenant's zone, and providers raise the supplier's version alone.
        facts = snapshot.facts
        schedule = snapshot.schedule
        overrides = snapshot.overrides
        providedChannels = snapshot.providedChannels
        caps = snapshot.caps
        merged = nil
        provenAt = max(provenAt, readAt)
        self.readAt = max(self.readAt, readAt)
    }

    /// For how long its version is proven when nobody asks for it, in nanoseconds.
    private static let use: Int64 = 300_000_000_000

    /// Whether its version is worth proving.
    func isInUse(at now: MonotonicTime) -> Bool { now < askedAt.advanced(byNanoseconds: Self.use) }

    /// Somebody asks for it.
    func ask(at now: MonotonicTime) { askedAt = now }

    /// What comes of a question for the version.
    enum Proof {
        /// It is as known.
        case same
        /// There is a later one: whatever is known has to be read anew.
        case changed
        /// There is no such account any more, or the version is less than before: the database has lost what is known here.
        case gone
    }

    /// Takes note of the version that the account had at a time that is not before `time`.
    func prove(_ found: Int64?, at time: MonotonicTime) -> Proof {
        guard let found else {
            lapse()
            return .gone
        }
        if found > version {
            // What was read before this and comes later is not kept.
            version = found
            lapse()
            return .changed
        }
        if found == version {
            provenAt = max(provenAt, time)
            return .same
        }
        // Read before this process made the change that led to the version.
        if versionAt > time { return .same }
        lapse()
        return .gone
    }

    private var hasLapsed: Bool { since == .max }

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
        // Names of those who are told where one must be take some 100 each.
        320 + facts.roster.count * 100 + overrides.count * 128 + facts.defaults.count * 96
    }
}
