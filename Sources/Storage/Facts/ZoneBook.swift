package import Domain
internal import Foundation
internal import Synchronization

/// The rules of time zones by their names, from the system's zone database, for the years around now. One book serves the whole
/// process; a zone that is asked for the first time takes a fraction of a millisecond. Any thread.
package final class ZoneBook: Sendable {
    /// The book of the process.
    package static let shared = ZoneBook()

    /// How far back and ahead the rules reach, in seconds: dates in messages lie within.
    private static let reach: Double = 5 * 366 * 86_400
    /// After how many seconds the rules of a zone are made anew, so that they reach ahead in a process that runs for years.
    private static let age: Int64 = 30 * 86_400
    /// How many zones are kept; there are some 600 names.
    private static let limit = 1_024

    private struct Entry {
        /// The usual times in the zone, and its rules with them; nil for a zone that the system does not know.
        let schedule: Schedule?
        let madeAt: Instant
    }

    private let zones = Mutex<[String: Entry]>([:])
    private let gaveWay = Atomic<Int>(0)

    /// How often a zone that the system does not know gave way to the next, or to UTC.
    package var fallbacks: Int { gaveWay.load(ordering: .relaxed) }

    /// The rules of the first of some zones that the system knows; UTC if it knows none of them.
    package func rules(_ names: String?..., now: Instant) -> ZoneRules { schedule(names, now: now).zone }

    /// The schedule of those who said nothing of times, in the first of some zones that the system knows; in UTC if it knows none of
    /// them. Everybody in a zone has the same one, so that it takes memory once.
    func usualSchedule(_ names: String?..., now: Instant) -> Schedule { schedule(names, now: now) }

    private func schedule(_ names: [String?], now: Instant) -> Schedule {
        for name in names {
            guard let name else { continue }
            if let schedule = known(name, now: now) { return schedule }
            gaveWay.wrappingAdd(1, ordering: .relaxed)
        }
        return .standard
    }

    private func known(_ name: String, now: Instant) -> Schedule? {
        zones.withLock { zones in
            if let known = zones[name], abs(now.seconds - known.madeAt.seconds) < Self.age { return known.schedule }
            let schedule = Self.make(name, now: now).map { Schedule(zone: $0) }
            if zones.count >= Self.limit { zones = [:] }
            zones[name] = Entry(schedule: schedule, madeAt: now)
            return schedule
        }
    }

    private static func make(_ name: String, now: Instant) -> ZoneRules? {
        guard let zone = TimeZone(identifier: name) else { return nil }
        let middle = Date(timeIntervalSince1970: Double(now.seconds))
        var date = middle.addingTimeInterval(-reach)
        let end = middle.addingTimeInterval(reach)
        let first = zone.secondsFromGMT(for: date)
        var changes: [ZoneRules.Change] = []
        while let next = zone.nextDaylightSavingTimeTransition(after: date), next <= end, next > date {
            let at = Instant(seconds: Int64(next.timeIntervalSince1970.rounded(.up)))
            changes.append(ZoneRules.Change(at: at, offset: zone.secondsFromGMT(for: next.addingTimeInterval(1))))
            date = next
        }
        return ZoneRules(name: name, firstOffset: first, changes: changes)
    }
}
