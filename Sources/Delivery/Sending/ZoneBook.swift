internal import Domain
internal import Foundation

/// The rules of time zones by their names, from the system's zone database, as messages need them: for the times around
/// now. Confined to the worker's loop.
struct ZoneBook {
    /// How far back and ahead the rules reach, in seconds: dates in messages lie within.
    private static let reach: Double = 5 * 366 * 86_400
    /// How many zones are kept; there are some 600 names.
    private static let limit = 1_024

    private var zones: [String: ZoneRules] = [:]

    /// The rules of a zone, which may be followed by another that counts if the first is nil; UTC for what the system
    /// does not know.
    mutating func rules(_ name: String?, else other: String, now: Instant) -> ZoneRules {
        let name = name ?? other
        if let known = zones[name] { return known }
        let rules = Self.make(name, now: now) ?? .utc
        if zones.count >= Self.limit { zones = [:] }
        zones[name] = rules
        return rules
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
