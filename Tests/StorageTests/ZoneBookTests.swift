import Domain
import Testing

@testable import Storage

@Suite struct ZoneBookTests {
    private static let now = Instant(seconds: 1_794_744_000)  // 2026-11-15T12:00:00Z

    @Test func zonesAreReadFromTheSystem() {
        let book = ZoneBook()
        let berlin = book.rules("Europe/Berlin", now: Self.now)
        #expect(berlin.offset(at: Self.now) == 3_600)
        #expect(berlin.offset(at: Instant(seconds: 1_784_000_000)) == 7_200)
        // 2026-10-25T01:00:00Z: the clocks go back.
        #expect(berlin.offset(at: Instant(seconds: 1_792_890_000 - 1)) == 7_200)
        #expect(berlin.offset(at: Instant(seconds: 1_792_890_000)) == 3_600)
        #expect(book.rules("Asia/Tokyo", now: Self.now).offset(at: Self.now) == 9 * 3_600)
    }

    @Test func whatTheSystemDoesNotKnowGivesWayToTheNext() {
        let book = ZoneBook()
        #expect(book.rules(nil, "Europe/Berlin", "Asia/Tokyo", now: Self.now).name == "Europe/Berlin")
        #expect(book.rules(nil, now: Self.now) == .utc)
        #expect(book.fallbacks == 0, "who has no zone has none to give way")
        #expect(book.rules("Mars/Olympus", now: Self.now) == .utc)
        #expect(book.fallbacks == 1)
        #expect(book.rules(nil, "Mars/Olympus", "Asia/Tokyo", now: Self.now).name == "Asia/Tokyo")
        #expect(book.rules("Mars/Olympus", "Mars/Base", now: Self.now) == .utc)
        #expect(book.fallbacks == 4)
    }

    /// The rules reach five years ahead of the time at which they were made.
    @Test func rulesAreMadeAnewAsYearsPass() {
        let book = ZoneBook()
        _ = book.rules("Europe/Berlin", now: Self.now)
        let later = Self.now.advanced(by: .seconds(6 * 366 * 86_400))
        #expect(book.rules("Europe/Berlin", now: later) == ZoneBook().rules("Europe/Berlin", now: later))
    }

    @Test func usersLiveByTheirZoneOrTheTenants() {
        var schedules = ScheduleMaker(Clocks(zone: "Asia/Tokyo", now: Self.now))
        #expect(schedules.schedule(nil, nil).zone.name == "Asia/Tokyo")
        #expect(schedules.schedule("Europe/Berlin", nil).zone.name == "Europe/Berlin")
        let times = DeliveryTimes(digestMinute: 17 * 60, digestDay: .friday)
        let schedule = schedules.schedule(nil, times)
        #expect(schedule.digestMinute == 17 * 60 && schedule.digestDay == .friday && schedule.quietHours == nil)
    }
}
