internal import Domain
internal import Synchronization

/// A ``RateMeter`` for each of a tenant's users who did something of a kind lately, over all loops. For what is rare: there is a
/// lock, held for a look into a table. Any thread.
final class UserMeters: Sendable {
    /// How many users are counted. Where more come, those who have done nothing for the longest time begin anew.
    static let limit = 20_000
    private let meters = Mutex(BoundedCache<UserID, RateMeter>(limit: limit))

    /// Nothing was counted.
    init() {}

    /// The meter of a user.
    subscript(user: UserID) -> RateMeter {
        meters.withLock { meters in
            if let known = meters.find(user) { return known }
            let made = RateMeter()
            meters.insert(made, for: user)
            return made
        }
    }
}
