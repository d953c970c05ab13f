import Testing

@testable import Domain

@Suite struct CivilDateTests {
    @Test func daysRoundTrip() {
        var date = CivilDate(daysSinceEpoch: -40_000)
        for days in -39_999...60_000 {
            let next = CivilDate(daysSinceEpoch: days)
            guard next > date, next.daysSinceEpoch == days,
                CivilDate(year: next.year, month: next.month, day: next.day) == next
            else {
                Issue.record("\(days) is \(next)")
                return
            }
            date = next
        }
    }

    @Test(arguments: [
        ("1970-01-01", Weekday.thursday), ("2000-02-29", .tuesday), ("2024-01-03", .wednesday),
        ("2026-03-29", .sunday), ("1969-12-28", .sunday), ("9999-12-31", .friday),
    ])
    func weekdays(_ text: String, _ weekday: Weekday) throws {
        let date = try #require(CivilDate(text))
        #expect(date.weekday == weekday)
        #expect(date.description == text)
    }

    @Test(arguments: [
        "", "2026-02-29", "1900-02-29", "2026-13-01", "2026-00-01", "2026-04-31", "2026-1-1", "26-01-01", "2026/01/01",
        "0000-01-01", "2026-01-01T", "２026-01-01",
    ])
    func noSuchDay(_ text: String) { #expect(CivilDate(text) == nil) }

    @Test func instantsBeforeTheEpoch() {
        #expect(Instant(microseconds: -1).seconds == -1)
        #expect(Instant(microseconds: -1).description == "1969-12-31T23:59:59Z")
        #expect(Instant(microseconds: 999_999).seconds == 0)
    }
}

@Suite struct ZoneRulesTests {
    @Test func clocksGoForward() {
        // 02:30 does not exist on that day; the first instant that does is meant.
        let skipped = Zones.berlin.instant(of: Zones.local(2026, 3, 29, 2, 30))
        #expect(skipped == Zones.utc(2026, 3, 29, 1))
        #expect(Zones.berlin.localTime(at: skipped) == Zones.local(2026, 3, 29, 3))
        #expect(Zones.newYork.instant(of: Zones.local(2026, 3, 8, 2, 30)) == Zones.utc(2026, 3, 8, 7))
    }

    @Test func clocksGoBack() {
        // 02:30 comes twice; the first is meant, so that nothing fires twice.
        #expect(Zones.berlin.instant(of: Zones.local(2026, 10, 25, 2, 30)) == Zones.utc(2026, 10, 25, 0, 30))
        #expect(Zones.newYork.instant(of: Zones.local(2026, 11, 1, 1, 30)) == Zones.utc(2026, 11, 1, 5, 30))
    }

    @Test func aWholeDayIsSkipped() {
        #expect(Zones.apia.instant(of: Zones.local(2011, 12, 30, 12)) == Zones.utc(2011, 12, 30, 10))
        #expect(Zones.apia.localTime(at: Zones.utc(2011, 12, 30, 10)) == Zones.local(2011, 12, 31, 0))
    }

    @Test(arguments: [Zones.berlin, Zones.newYork, Zones.tokyo, .utc])
    func otherTimesRoundTrip(_ zone: ZoneRules) {
        // Every half hour of the year, but for the hour that comes twice.
        var instant = Zones.utc(2026, 1, 1, 0)
        var different = 0
        while instant < Zones.utc(2027, 1, 1, 0) {
            if zone.instant(of: zone.localTime(at: instant)) != instant { different += 1 }
            instant = Instant(seconds: instant.seconds + 1_800)
        }
        #expect(different == (zone == Zones.berlin || zone == Zones.newYork ? 2 : 0))
    }
}

@Suite struct QuietHoursTests {
    private func window(_ weekday: Weekday, _ start: Int, _ end: Int) throws -> QuietHours.Window {
        try #require(QuietHours.Window(weekday, from: start * 60, to: end * 60))
    }

    private func hours(_ windows: [QuietHours.Window]) throws -> QuietHours { try #require(QuietHours(windows)) }

    /// Weekday and hour are of one clock, the user's.
    @Test func oneClock() throws {
        let quiet = try hours([try window(.wednesday, 21, 23)])
        let instant = Zones.utc(2024, 1, 3, 13)
        #expect(quiet.end(at: instant, in: Zones.tokyo) == Zones.utc(2024, 1, 3, 14))
        #expect(quiet.end(at: instant, in: .utc) == nil)
        // 22:00 in UTC is Thursday morning in Tokyo.
        #expect(quiet.end(at: Zones.utc(2024, 1, 3, 22), in: Zones.tokyo) == nil)
    }

    /// A window past midnight belongs to the day on which it begins.
    @Test func acrossMidnight() throws {
        let quiet = try hours([try window(.monday, 23, 2)])
        // 2026-06-01 is a Monday.
        #expect(quiet.end(at: Zones.utc(2026, 6, 1, 1), in: .utc) == nil)
        #expect(quiet.end(at: Zones.utc(2026, 6, 1, 23), in: .utc) == Zones.utc(2026, 6, 2, 2))
        #expect(quiet.end(at: Zones.utc(2026, 6, 2, 1), in: .utc) == Zones.utc(2026, 6, 2, 2))
        #expect(quiet.end(at: Zones.utc(2026, 6, 3, 1), in: .utc) == nil)
    }

    @Test func halfOpen() throws {
        let quiet = try hours([try window(.monday, 9, 17)])
        #expect(quiet.end(at: Zones.utc(2026, 6, 1, 8, 59, 59), in: .utc) == nil)
        #expect(quiet.end(at: Zones.utc(2026, 6, 1, 9), in: .utc) != nil)
        #expect(quiet.end(at: Zones.utc(2026, 6, 1, 16, 59, 59), in: .utc) == Zones.utc(2026, 6, 1, 17))
        #expect(quiet.end(at: Zones.utc(2026, 6, 1, 17), in: .utc) == nil)
    }

    @Test func touchingWindowsAreOne() throws {
        let quiet = try hours([
            try window(.friday, 18, 24), try window(.saturday, 0, 24), try window(.sunday, 0, 12),
            try window(.sunday, 10, 13),
        ])
        #expect(quiet.end(at: Zones.utc(2026, 6, 5, 20), in: .utc) == Zones.utc(2026, 6, 7, 13))
    }

    /// The clocks change inside the window, and its ends still stand where the clock says.
    @Test(arguments: [
        (Zones.berlin, Zones.utc(2026, 3, 28, 23), Zones.utc(2026, 3, 29, 5)),
        (Zones.berlin, Zones.utc(2026, 10, 24, 23), Zones.utc(2026, 10, 25, 6)),
        (Zones.newYork, Zones.utc(2026, 3, 8, 4), Zones.utc(2026, 3, 8, 11)),
        (Zones.newYork, Zones.utc(2026, 11, 1, 4), Zones.utc(2026, 11, 1, 12)),
    ])
    func acrossAChangeOfTheClocks(_ zone: ZoneRules, _ inside: Instant, _ end: Instant) throws {
        let quiet = try #require(QuietHours.daily(from: 22 * 60, to: 7 * 60))
        #expect(quiet.end(at: inside, in: zone) == end)
        #expect(zone.localTime(at: end).secondOfDay == 7 * 3_600)
    }

    /// A window that ends in the hour that is skipped, or that comes twice, ends once.
    @Test func endingInTheChange() throws {
        let quiet = try #require(QuietHours.daily(from: 0, to: 150))
        #expect(quiet.end(at: Zones.utc(2026, 3, 29, 0), in: Zones.berlin) == Zones.utc(2026, 3, 29, 1))
        #expect(quiet.end(at: Zones.utc(2026, 10, 25, 0), in: Zones.berlin) == Zones.utc(2026, 10, 25, 0, 30))
        #expect(quiet.end(at: Zones.utc(2026, 10, 25, 1), in: Zones.berlin) == nil)
    }

    @Test func aWeekWithoutAGapIsRefused() throws {
        #expect(QuietHours.daily(from: 0, to: 1_440) == nil)
        let almost = Weekday.allCases.dropLast().compactMap { QuietHours.Window($0, from: 0, to: 1_440) }
        #expect(QuietHours(almost) != nil)
        let rest = [QuietHours.Window(.sunday, from: 0, to: 720), QuietHours.Window(.sunday, from: 720, to: 1_440)]
        #expect(QuietHours(almost + rest.compactMap { $0 }) == nil)
        #expect(QuietHours([]) != nil)
    }

    @Test func windowsAreChecked() {
        #expect(QuietHours.Window(.monday, from: 60, to: 60) == nil)
        #expect(QuietHours.Window(.monday, from: -1, to: 60) == nil)
        #expect(QuietHours.Window(.monday, from: 0, to: 1_441) == nil)
        #expect(QuietHours.Window(.monday, from: 1_440, to: 60) == nil)
    }
}

@Suite struct DigestWindowTests {
    @Test func dailyAtTheLocalHour() {
        let schedule = Schedule(zone: Zones.berlin, digestMinute: 8 * 60)
        // The day on which clocks go forward is an hour shorter; the digest still comes at eight.
        let window = schedule.digestWindow(.daily, at: Zones.utc(2026, 3, 28, 12))
        #expect(window.opens == Zones.utc(2026, 3, 28, 7))
        #expect(window.closes == Zones.utc(2026, 3, 29, 6))
        // Half-open: what comes at the closing belongs to the next one.
        #expect(schedule.digestWindow(.daily, at: window.closes).opens == window.closes)
    }

    @Test func weeklyOnItsDay() {
        let schedule = Schedule(zone: .utc, digestMinute: 600, digestDay: .wednesday)
        // Wednesday after the hour has passed is next week, never the past.
        let late = schedule.digestWindow(.weekly, at: Zones.utc(2026, 6, 3, 10, 1))
        #expect(late.closes == Zones.utc(2026, 6, 10, 10))
        #expect(late.opens == Zones.utc(2026, 6, 3, 10))
        let early = schedule.digestWindow(.weekly, at: Zones.utc(2026, 6, 3, 9, 59))
        #expect(early.closes == Zones.utc(2026, 6, 3, 10))
        #expect(early.opens == Zones.utc(2026, 5, 27, 10))
    }

    @Test(arguments: [Zones.berlin, Zones.newYork, Zones.tokyo, Zones.apia], [Cadence.daily, .weekly])
    func windowsTileTime(_ zone: ZoneRules, _ cadence: Cadence) {
        let schedule = Schedule(zone: zone, digestMinute: 150)
        var instant = zone == Zones.apia ? Zones.utc(2011, 12, 1, 0) : Zones.utc(2026, 3, 1, 0)
        let end = Instant(seconds: instant.seconds + 270 * 86_400)
        var window = schedule.digestWindow(cadence, at: instant)
        while instant < end {
            let next = schedule.digestWindow(cadence, at: instant)
            guard next.opens <= instant, instant < next.closes, next == window || next.opens == window.closes else {
                Issue.record("\(next) after \(window) at \(instant)")
                return
            }
            window = next
            instant = Instant(seconds: instant.seconds + 5_400)
        }
    }
}
