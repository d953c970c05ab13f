/// Keeps the facts in memory below a number of users, over all tenants of a loop.
///
/// Second chance: when there are too many, every tenant drops the sides that nobody asked for since the last time; if
/// all were asked for, everything goes. Confined to its loop.
final class FactsBudget {
    private let limit: Int
    private var users = 0
    private var members: [TenantFacts] = []

    init(limit: Int) {
        self.limit = limit
    }

    /// Takes a tenant's facts under control, for as long as the loop lives.
    func add(_ facts: TenantFacts) {
        members.append(facts)
    }

    /// Notes that users came or went.
    func count(_ change: Int) {
        users += change
    }

    /// Clears up if there are too many.
    func enforce() {
        guard users > limit else { return }
        for facts in members { facts.clearUp() }
        guard users > limit else { return }
        for facts in members { facts.forget() }
    }
}
