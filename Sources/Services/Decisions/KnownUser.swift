internal import CarillonNet
internal import Domain
internal import Storage

/// A user as kept in memory: 32 octets, and what the user chose, if anything.
///
/// ``facts(_:)`` gives back what was put in, for as long as the user's home is the same.
struct KnownUser {
    /// The user's account, or the supplier.
    let home: KnownHome
    private let wishes: KnownWishes?
    /// Status, administrator, team member, and the state of the address on each channel: from the lowest bit up.
    private let traits: UInt32
    /// The lower half of the version that the user was read at.
    private let version: UInt32
    /// When the user was read, in whole seconds.
    private let second: UInt32

    init(_ snapshot: UserSnapshot, at version: Int64, of home: KnownHome, readAt: MonotonicTime) {
        let facts = snapshot.facts
        self.home = home
        wishes = KnownWishes(facts, besides: home.schedule)
        var traits = UInt32(Self.statuses.firstIndex(of: facts.status) ?? 0)
        traits |= facts.isAdmin ? Self.admin : 0
        traits |= facts.isTeamMember ? Self.teamMember : 0
        for (place, channel) in Self.channels.enumerated() {
            let state = UInt32(Self.states.firstIndex(of: facts.addresses[channel]) ?? 0)
            traits |= state << Self.shift(place)
        }
        self.traits = traits
        self.version = UInt32(truncatingIfNeeded: version)
        second = UInt32(truncatingIfNeeded: readAt.nanoseconds / 1_000_000_000)
    }

    // Made once: the enumerations make theirs anew each time.
    private static let statuses = UserFacts.Status.allCases
    private static let states = AddressState.allCases
    private static let channels = Channel.allCases
    private static let admin: UInt32 = 1 << 3
    private static let teamMember: UInt32 = 1 << 4
    private static func shift(_ place: Int) -> UInt32 { 5 + 3 * UInt32(place) }

    /// Whether the user is as they were when read.
    var holds: Bool { home.vouches(for: version) }

    /// For how many seconds it has been known.
    func age(at now: MonotonicTime) -> UInt32 {
        UInt32(truncatingIfNeeded: now.nanoseconds / 1_000_000_000) &- second
    }

    /// The user as decisions see them. The order in which the user joined is not kept: it says who is told of several, which the home
    /// knows.
    func facts(_ id: UserID) -> UserFacts {
        var addresses = PerChannel(repeating: AddressState.missing)
        for (place, channel) in Self.channels.enumerated() {
            addresses[channel] = Self.states[Int(traits >> Self.shift(place) & 7)]
        }
        return UserFacts(
            id: id, status: Self.statuses[Int(traits & 7)], isAdmin: traits & Self.admin != 0,
            isTeamMember: traits & Self.teamMember != 0, addresses: addresses, choices: wishes?.choices,
            schedule: wishes?.schedule ?? home.schedule, snoozedUntil: wishes?.snoozedUntil,
            recentSends: wishes?.recentSends ?? [])
    }

    /// How much memory it takes with its place in a table, about, in octets.
    var octets: Int { KnownUserTable.placeOctets + (wishes?.octets ?? 0) }
}

/// What a user wants other than the others of the account.
private final class KnownWishes {
    let choices: PerAudience<Choices>
    /// Nil is the home's.
    let schedule: Schedule?
    let snoozedUntil: Instant?
    /// What the user got lately, where there are caps.
    let recentSends: [RecentSend]

    /// Nil for a user who wants nothing in particular.
    init?(_ facts: UserFacts, besides usual: Schedule) {
        choices = facts.choices
        schedule = facts.schedule == usual ? nil : facts.schedule
        snoozedUntil = facts.snoozedUntil
        recentSends = facts.recentSends
        if choices == .none, schedule == nil, snoozedUntil == nil, recentSends.isEmpty { return nil }
    }

    /// How much memory it takes, about, in octets: tables of choices begin at 100, and grow by doubling.
    var octets: Int {
        160 + Audience.allCases.reduce(0) { $0 + (choices[$1].isEmpty ? 0 : 100 + choices[$1].count * 96) }
            + (schedule == nil ? 0 : 256) + recentSends.count * 56
    }
}
