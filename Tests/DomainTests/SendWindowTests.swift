import Testing

@testable import Domain

/// The hours of the week outside of which nothing is sent.
@Suite struct SendWindowTests {
    private func window(_ weekday: Weekday, _ start: Int, _ end: Int) throws -> QuietHours.Window {
        try #require(QuietHours.Window(weekday, from: start * 60, to: end * 60))
    }

    private func end(_ hours: QuietHours?, _ now: Instant, _ zone: ZoneRules = .utc) throws -> Instant? {
        try #require(hours).end(at: now, in: zone)
    }

    /// 2026-11-30 is a Monday.
    private let monday = Zones.utc(2026, 11, 30, 10)

    @Test func insideItIsSent() throws {
        let office = QuietHours([], outside: [try window(.monday, 9, 17)])
        #expect(try end(office, monday) == nil)
        #expect(try end(office, Zones.utc(2026, 11, 30, 9)) == nil)
        // Half-open.
        #expect(try end(office, Zones.utc(2026, 11, 30, 17)) == Zones.utc(2026, 12, 7, 9))
    }

    @Test func outsideItWaitsForTheNext() throws {
        let office = QuietHours([], outside: [try window(.monday, 9, 17), try window(.thursday, 9, 17)])
        #expect(try end(office, Zones.utc(2026, 11, 30, 18)) == Zones.utc(2026, 12, 3, 9))
        // When today's has passed, and there is one a week: next week's.
        let once = QuietHours([], outside: [try window(.monday, 9, 10)])
        #expect(try end(once, monday) == Zones.utc(2026, 12, 7, 9))
    }

    /// The night belongs to the day on which it begins.
    @Test func acrossMidnight() throws {
        let night = QuietHours([], outside: [try window(.monday, 23, 2)])
        #expect(try end(night, Zones.utc(2026, 11, 30, 1)) == Zones.utc(2026, 11, 30, 23))
        #expect(try end(night, Zones.utc(2026, 12, 1, 1)) == nil)
        #expect(try end(night, Zones.utc(2026, 12, 1, 2)) == Zones.utc(2026, 12, 7, 23))
    }

    /// By the user's clock, weekday and hour alike.
    @Test func inTheUsersZone() throws {
        let hours = QuietHours([], outside: [try window(.wednesday, 21, 23)])
        // Wednesday 22:00 there.
        #expect(try end(hours, Zones.utc(2024, 1, 3, 13), Zones.tokyo) == nil)
        #expect(try end(hours, Zones.utc(2024, 1, 3, 11, 59), Zones.tokyo) == Zones.utc(2024, 1, 3, 12))
    }

    @Test func quietHoursCutIntoThem() throws {
        let hours = QuietHours([try window(.monday, 9, 11)], outside: [try window(.monday, 9, 17)])
        #expect(try end(hours, Zones.utc(2026, 11, 30, 8)) == Zones.utc(2026, 11, 30, 11))
    }

    /// Such hours would hold back for ever, or be taken for none.
    @Test func noWindowAtAllIsRefused() throws {
        #expect(QuietHours([], outside: []) == nil)
        #expect(QuietHours([try window(.monday, 9, 17)], outside: [try window(.monday, 10, 12)]) == nil)
        #expect(QuietHours([], outside: nil) != nil)
    }

    @Test func allOfTheWeekIsNoLimit() throws {
        let always = QuietHours([], outside: try Weekday.allCases.map { try window($0, 0, 24) })
        #expect(try #require(always).windows.isEmpty)
    }
}
