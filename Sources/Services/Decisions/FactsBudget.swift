/// Keeps the facts in memory below a number of octets, over all tenants of a loop.
///
/// Second chance: tenants have turns, in each of which what goes was not asked for since the turn before the last. From half the limit
/// on all have had one when as much as a quarter of it has come in, so that what is asked for meanwhile stays: what came in between two
/// turns is there twice over, beside what is always there. Where even that is too much the turns go on until it fits, a few at a time,
/// so that no call waits for the memory of thousands to be let go.
///
/// Confined to its loop.
final class FactsBudget {
    private let limit: Int
    private(set) var octets = 0
    /// How many users were read from databases, for they were not known or not fresh.
    private(set) var usersRead = 0
    /// What has come in and was not answered by a turn yet.
    private var added = 0
    private var members: [TenantFacts] = []
    /// Whose turn is next.
    private var hand = 0
    /// The most turns at a time.
    private static let turns = 16

    /// - Parameter limit: how many octets there may be, as they are reckoned: what the tables really take varies.
    init(limit: Int) {
        self.limit = limit
    }

    /// Takes a tenant's facts under control, for as long as the loop lives.
    func add(_ facts: TenantFacts) {
        members.append(facts)
    }

    /// Lets go of the facts of a tenant that were forgotten and are used no more.
    func remove(_ facts: TenantFacts) {
        members.removeAll { $0 === facts }
    }

    /// Notes that facts came or went.
    func count(_ change: Int) {
        octets += change
        added += max(0, change)
    }

    /// Notes that users were read.
    func countRead(_ users: Int) {
        usersRead += users
    }

    /// Clears up if there are too many.
    func enforce() {
        guard octets > limit / 2, !members.isEmpty else {
            added = 0
            return
        }
        let step = limit / 4 / members.count
        for _ in 0..<Self.turns where added > step {
            added -= step
            next().clearUp()
        }
        added = min(added, step * Self.turns)
        for _ in 0..<Self.turns where octets > limit { next().clearUp() }
    }

    /// The tenant whose turn it is.
    private func next() -> TenantFacts {
        hand = hand + 1 < members.count ? hand + 1 : 0
        return members[hand]
    }
}
