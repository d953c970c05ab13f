import Foundation
import Testing

@testable import Domain

/// Quiet hours and digests where clocks change: half an hour, at midnight, by a whole day.
@Suite struct ClockChangeTests {
    struct Vector: CustomTestStringConvertible {
        let zone: ZoneRules
        /// Quiet each day, by minutes of the local clock.
        let from: Int
        let to: Int
        let now: Instant
        /// When it ends; nil when it is not quiet.
        let end: Instant?

        init(_ zone: ZoneRules, _ from: (Int, Int), _ to: (Int, Int), at now: Instant, ends end: Instant?) {
            self.zone = zone
            self.from = from.0 * 60 + from.1
            self.to = to.0 * 60 + to.1
            self.now = now
            self.end = end
        }

        var testDescription: String { "\(zone.name) \(now)" }
    }

    static let vectors = [
        // Skipped: 02:30 does not come, and the clock shows 03:00.
        Vector(Zones.berlin, (22, 0), (2, 30), at: utc(2026, 3, 29, 0, 30), ends: utc(2026, 3, 29, 1)),
        Vector(Zones.newYork, (23, 0), (2, 30), at: utc(2026, 3, 8, 6, 30), ends: utc(2026, 3, 8, 7)),
        Vector(Zones.lordHowe, (23, 0), (2, 15), at: utc(2026, 10, 3, 15), ends: utc(2026, 10, 3, 15, 30)),
        // Twice: the first is meant, and the second finds it over.
        Vector(Zones.berlin, (22, 0), (2, 30), at: utc(2026, 10, 24, 23), ends: utc(2026, 10, 25, 0, 30)),
        Vector(Zones.berlin, (22, 0), (2, 30), at: utc(2026, 10, 25, 1, 15), ends: nil),
        Vector(Zones.newYork, (23, 0), (1, 30), at: utc(2026, 11, 1, 5), ends: utc(2026, 11, 1, 5, 30)),
        Vector(Zones.newYork, (23, 0), (1, 30), at: utc(2026, 11, 1, 6, 15), ends: nil),
        Vector(Zones.lordHowe, (23, 0), (1, 45), at: utc(2026, 4, 4, 14), ends: utc(2026, 4, 4, 14, 45)),
        Vector(Zones.lordHowe, (23, 0), (1, 45), at: utc(2026, 4, 4, 15, 10), ends: nil),
        // A quarter of an hour off, and no change.
        Vector(Zones.kathmandu, (22, 0), (6, 15), at: utc(2026, 6, 1, 20), ends: utc(2026, 6, 2, 0, 30)),
        // Midnight is skipped, and an evening comes twice.
        Vector(Zones.saoPaulo, (22, 0), (0, 0), at: utc(2018, 11, 4, 1), ends: utc(2018, 11, 4, 3)),
        Vector(Zones.saoPaulo, (23, 30), (6, 0), at: utc(2019, 2, 17, 1, 45), ends: utc(2019, 2, 17, 9)),
        Vector(Zones.saoPaulo, (23, 30), (6, 0), at: utc(2019, 2, 17, 2, 15), ends: utc(2019, 2, 17, 9)),
        // A whole day is skipped, and with it the end of one night and the beginning of the next.
        Vector(Zones.apia, (22, 0), (7, 0), at: utc(2011, 12, 30, 9), ends: utc(2011, 12, 30, 17)),
        Vector(Zones.apia, (22, 0), (7, 0), at: utc(2011, 12, 30, 7, 59), ends: nil),
    ]

    private static func utc(_ year: Int, _ month: Int, _ day: Int, _ hour: Int, _ minute: Int = 0) -> Instant {
        Zones.utc(year, month, day, hour, minute)
    }

    @Test(arguments: vectors)
    func quietHoursEnd(_ vector: Vector) throws {
        let hours = try #require(QuietHours.daily(from: vector.from, to: vector.to))
        #expect(hours.end(at: vector.now, in: vector.zone) == vector.end)
    }

    /// The same hours as the only ones in which nothing is sent: what is left over is when something is.
    @Test(arguments: vectors)
    func sendWindowsBeginWhereQuietHoursEnd(_ vector: Vector) throws {
        let windows = try Weekday.allCases.map { try #require(QuietHours.Window($0, from: vector.to, to: vector.from)) }
        let hours = try #require(QuietHours([], outside: windows))
        #expect(hours.end(at: vector.now, in: vector.zone) == vector.end)
    }

    @Test(arguments: [
        (Zones.berlin, utc(2026, 3, 28, 12), utc(2026, 3, 29, 1), utc(2026, 3, 30, 0, 30)),
        (Zones.berlin, utc(2026, 10, 24, 12), utc(2026, 10, 25, 0, 30), utc(2026, 10, 26, 1, 30)),
        (Zones.newYork, utc(2026, 3, 7, 12), utc(2026, 3, 8, 7), utc(2026, 3, 9, 6, 30)),
        (Zones.newYork, utc(2026, 10, 31, 12), utc(2026, 11, 1, 7, 30), utc(2026, 11, 2, 7, 30)),
        // There is no 30 December.
        (Zones.apia, utc(2011, 12, 29, 13), utc(2011, 12, 30, 12, 30), utc(2011, 12, 31, 12, 30)),
    ])
    func aDigestComesOnceADay(_ zone: ZoneRules, _ now: Instant, _ first: Instant, _ second: Instant) {
        let schedule = Schedule(zone: zone, digestMinute: 2 * 60 + 30)
        let window = schedule.digestWindow(.daily, at: now)
        #expect(window.closes == first)
        #expect(schedule.digestWindow(.daily, at: first).closes == second)
    }

    /// A weekly digest of a day that was skipped comes when it would have begun.
    @Test func aWeeklyDigestIsNotSkipped() {
        let schedule = Schedule(zone: Zones.apia, digestMinute: 2 * 60 + 30, digestDay: .friday)
        #expect(schedule.digestWindow(.weekly, at: Self.utc(2011, 12, 29, 13)).closes == Self.utc(2011, 12, 30, 10))
    }

    /// The rules of these tests are those of the zone database, for 150 days from a month on.
    @Test(arguments: [
        (Zones.berlin, 2026, 2), (Zones.berlin, 2026, 8), (Zones.newYork, 2026, 2), (Zones.newYork, 2026, 8),
        (Zones.tokyo, 2026, 2), (Zones.lordHowe, 2026, 2), (Zones.lordHowe, 2026, 8), (Zones.kathmandu, 2026, 2),
        (Zones.saoPaulo, 2018, 10), (Zones.apia, 2011, 10),
    ])
    func zonesAreThoseOfTheDatabase(_ zone: ZoneRules, year: Int, month: Int) throws {
        let real = try #require(TimeZone(identifier: zone.name))
        let start = Self.utc(year, month, 1, 0).seconds
        let wrong = (0..<(150 * 24)).map { Instant(seconds: start + Int64($0) * 3_600) }.first {
            real.secondsFromGMT(for: Date(timeIntervalSince1970: Double($0.seconds))) != zone.offset(at: $0)
        }
        #expect(wrong == nil)
    }
}
