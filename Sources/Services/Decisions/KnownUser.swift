internal import CarillonNet
internal import Domain
internal import Storage

/// A user as kept in memory: 32 octets, and what the user chose, if anything.
///
/// ``facts(_:)`` gives back what was put in, for as long as the user's home is the same.
struct KnownUser {
    /// The user's account, or the supplier.
    let home: KnownHome
    private let wishes: KnownWishes
    private let addresses: PerChannel<AddressState>
    private let status: UserFacts.Status
    private let isAdmin: Bool
    private let isTeamMember: Bool
    /// The lower half of the version that the user was read at.
    private let version: UInt32
    /// When the user was read, in whole seconds.
    private let second: UInt32

    init(_ snapshot: UserSnapshot, at version: Int64, of home: KnownHome, readAt: MonotonicTime) {
        let facts = snapshot.facts
        self.home = home
        wishes = KnownWishes(facts, besides: home.schedule)
        addresses = facts.addresses
        status = facts.status
        isAdmin = facts.isAdmin
        isTeamMember = facts.isTeamMember
        self.version = UInt32(truncatingIfNeeded: version)
        second = readAt.wholeSeconds
    }

    /// Whether the user is as they were when read.
    var holds: Bool { home.vouches(for: version) }

    /// For how many seconds it has been known.
    func age(at now: MonotonicTime) -> UInt32 {
        now.wholeSeconds &- second
    }

    /// The user as decisions see them. The order in which the user joined is not kept: it says who is told of several, which the home
    /// knows.
    func facts(_ id: UserID) -> UserFacts {
        var facts = UserFacts(
            id: id, status: status, isAdmin: isAdmin, isTeamMember: isTeamMember, addresses: addresses,
            schedule: home.schedule)
        wishes.apply(to: &facts)
        return facts
    }

    /// How much memory it takes with its place in a table, about, in octets.
    var octets: Int { KnownUserTable.placeOctets + wishes.octets }
}

/// What a user wants other than the others of the account: one word of memory, and what was chosen.
private enum KnownWishes {
    case nothing
    /// Most who chose anything chose what they hear of as customers, and nothing else.
    case customer(Choices)
    case more(MoreWishes)

    init(_ facts: UserFacts, besides usual: Schedule) {
        var others = facts.choices
        others.customer = .none
        let hasMore =
            others != .none || facts.schedule != usual || facts.snoozedUntil != nil || !facts.recentSends.isEmpty
            || facts.accessAddresses != nil
        self =
            if hasMore {
                .more(MoreWishes(facts, besides: usual))
            } else if facts.choices.customer.isEmpty {
                .nothing
            } else {
                .customer(facts.choices.customer)
            }
    }

    func apply(to facts: inout UserFacts) {
        switch self {
        case .nothing: break
        case .customer(let choices): facts.choices.customer = choices
        case .more(let wishes):
            facts.choices = wishes.choices
            if let schedule = wishes.schedule { facts.schedule = schedule }
            facts.snoozedUntil = wishes.snoozedUntil
            facts.recentSends = wishes.recentSends
            facts.accessAddresses = wishes.accessAddresses
        }
    }

    var octets: Int {
        switch self {
        case .nothing: 0
        case .customer(let choices): choices.octets
        case .more(let wishes): wishes.octets
        }
    }
}

private final class MoreWishes {
    let choices: PerAudience<Choices>
    /// Nil is the home's.
    let schedule: Schedule?
    let snoozedUntil: Instant?
    /// What the user got lately, where there are caps.
    let recentSends: [RecentSend]
    /// Where the user has added addresses.
    let accessAddresses: PerChannel<AddressState>?

    init(_ facts: UserFacts, besides usual: Schedule) {
        choices = facts.choices
        schedule = facts.schedule == usual ? nil : facts.schedule
        snoozedUntil = facts.snoozedUntil
        recentSends = facts.recentSends
        accessAddresses = facts.accessAddresses
    }

    var octets: Int {
        96 + Audience.allCases.reduce(0) { $0 + choices[$1].octets } + (schedule == nil ? 0 : 256)
            + (recentSends.isEmpty ? 0 : 40 + recentSends.count * 56)
    }
}
