package import Domain

/// What the times of a tenant's people are reckoned by.
package struct Clocks: Sendable {
    /// IANA name of the tenant's zone, for those who have none of their own, and neither has their account.
    package let zone: String
    /// The time: rules of zones reach some years around it.
    package let now: Instant

    /// The clocks of a tenant.
    package init(zone: String, now: Instant) {
        self.zone = zone
        self.now = now
    }
}

/// Makes the schedules of many users. Most of them say nothing and live in few zones.
struct ScheduleMaker {
    private struct Wish: Hashable {
        let zone: String
        let times: DeliveryTimes
    }

    private let clocks: Clocks
    private var made: [Wish: Schedule] = [:]

    init(_ clocks: Clocks) {
        self.clocks = clocks
    }

    /// The schedule of a user.
    ///
    /// - Parameters:
    ///   - zone: IANA name of the zone; nil is the tenant's.
    ///   - times: what the user said; nil for nothing.
    mutating func schedule(_ zone: String?, _ times: DeliveryTimes?) -> Schedule {
        guard let times, times != .standard else {
            return ZoneBook.shared.usualSchedule(zone, clocks.zone, now: clocks.now)
        }
        let wish = Wish(zone: zone ?? clocks.zone, times: times)
        if let known = made[wish] { return known }
        let schedule = Schedule(zone: ZoneBook.shared.rules(wish.zone, clocks.zone, now: clocks.now), times: wish.times)
        made[wish] = schedule
        return schedule
    }
}
