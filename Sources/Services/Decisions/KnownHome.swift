internal import CarillonNet
internal import Domain
internal import Storage

/// What the supplier decided for all accounts, or an account has of its own: few accounts have anything.
private final class HomeTerms {
    let overrides: SettingOverrides
    let providedChannels: ChannelSet
    let caps: [FrequencyCap]
    /// The settings in force, as they were put together last.
    var settings: (stamp: Int, made: TenantSettings)?

    /// Nil for an account that has nothing of its own.
    init?(_ snapshot: HomeSnapshot) {
        if !snapshot.facts.isSupplier, snapshot.overrides.isEmpty { return nil }
        overrides = snapshot.overrides
        providedChannels = snapshot.providedChannels
        caps = snapshot.caps
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
    private var terms: HomeTerms?
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
    /// When somebody asked for it last, or it was read, in whole seconds.
    private var askedSecond: UInt32
    /// Between which clearings of memory that was.
    private var askedTurn: UInt32

    init(_ snapshot: HomeSnapshot, readAt: MonotonicTime) {
        facts = snapshot.facts
        schedule = snapshot.schedule
        terms = HomeTerms(snapshot)
        version = snapshot.version
        since = snapshot.version
        provenAt = readAt
        self.readAt = readAt
        versionAt = readAt
        askedSecond = readAt.wholeSeconds
        askedTurn = 0
    }

    /// Says that the facts will be looked at in a moment.
    func expectFacts() {
        // Safe because nothing is read.
        unsafe ColdMemory.fetch(UnsafeRawPointer(Unmanaged.passUnretained(facts).toOpaque()))
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
        terms = HomeTerms(snapshot)
        provenAt = max(provenAt, readAt)
        self.readAt = max(self.readAt, readAt)
    }

    /// For how many seconds its version is proven when nobody asks for it.
    private static let use: UInt32 = 300

    /// Whether its version is worth proving.
    func isInUse(at now: MonotonicTime) -> Bool { now.wholeSeconds &- askedSecond < Self.use }

    /// Somebody asks for it.
    ///
    /// - Parameter turn: how often memory was cleared up.
    func ask(at now: MonotonicTime, _ turn: UInt32) { (askedSecond, askedTurn) = (now.wholeSeconds, turn) }

    /// Whether it was asked for, or read, since memory was cleared up for so many times.
    func isWanted(since turn: UInt32) -> Bool { askedTurn == turn }

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

    /// Whether the account has settings of its own.
    var hasOwnSettings: Bool { terms != nil }
    /// The account's own settings; the supplier's, that hold for all accounts.
    var overrides: SettingOverrides { terms?.overrides ?? SettingOverrides() }
    /// The channels that something can be sent on; of use in the supplier's.
    var providedChannels: ChannelSet { terms?.providedChannels ?? [] }
    /// How many messages one person may get; of use in the supplier's.
    var caps: [FrequencyCap] { terms?.caps ?? [] }

    /// The settings in force, for the supplier or an account that has some of its own; put together once for each state of the supplier's,
    /// which `stamp` names.
    func settings(_ stamp: Int, under supplier: () -> TenantSettings) -> TenantSettings {
        if let known = terms?.settings, known.stamp == stamp { return known.made }
        var settings = supplier()
        if let account = facts.account { settings.accountOverrides = [account: overrides] }
        terms?.settings = (stamp, settings)
        return settings
    }

    /// How much memory it takes with its place among others, about, in octets.
    var octets: Int { 160 + facts.octets + (terms == nil ? 0 : 200 + overrides.count * 128) }
}

extension MonotonicTime {
    /// The time in whole seconds, of which differences can be told up to a century.
    var wholeSeconds: UInt32 { UInt32(truncatingIfNeeded: nanoseconds / 1_000_000_000) }
}
