/// Keeps the facts in memory below a number of octets, over all tenants of a loop.
///
/// Second chance: when there are too many, tenants drop in turns what nobody asked for since their last turn. A few tenants at a
/// time, so that no call waits for the memory of thousands to be let go.
///
/// Confined to its loop.
final class FactsBudget {
    private let limit: Int
    private var octets = 0
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
    }

    /// Clears up if there are too many.
    func enforce() {
        for _ in 0..<Self.turns where octets > limit && !members.isEmpty { next().clearUp() }
    }

    /// The tenant whose turn it is.
    private func next() -> TenantFacts {
        hand = hand + 1 < members.count ? hand + 1 : 0
        return members[hand]
    }
}
