import Testing

@testable import Domain

/// What other notification systems got wrong in decisions and schedules, one test each. The numbers are those of the list of traps in
/// the reference on semantics; traps of queues, digests, tokens and templates are tested where those are:
///
/// 8 `ZoneBookTests`, `test_metrics`; 9 `DigestDeliveryTests`; 10 `test_later`, `RetryPolicyTests`; 11 `test_kill`; 12, 19 and 20
/// `test_digest`; 13 `CallOffTests`, `LaterEventServiceTests`, `test_later`; 15 `PortalTokenTests`, `test_portal_tokens`;
/// 16 `ManyChecksTests`, `PreferenceTransferTests`; 17 and 18 `test_publish_refusals`; 22 `test_suppressions`;
/// 23 `OwnContactTests`, `test_contact_points`; 24 and 25 `test_unsubscribe`.
@Suite struct TrapTests {
    private func window(_ weekday: Weekday, _ start: Int, _ end: Int) throws -> QuietHours.Window {
        try #require(QuietHours.Window(weekday, from: start, to: end))
    }

    private func isQuiet(_ windows: [QuietHours.Window], _ now: Instant, in zone: ZoneRules = .utc) throws -> Bool {
        try #require(QuietHours(windows)).end(at: now, in: zone) != nil
    }

    /// Weekday by one clock, hour by another: in Tokyo it is Wednesday, 22:00.
    @Test func trap1WeekdayAndHourAreOfOneClock() throws {
        let evening = [try window(.wednesday, 21 * 60, 23 * 60)]
        #expect(try isQuiet(evening, Zones.utc(2024, 1, 3, 13), in: Zones.tokyo))
        // Wednesday 15:00 in UTC is Thursday there.
        #expect(try !isQuiet([try window(.wednesday, 0, 60)], Zones.utc(2024, 1, 3, 15, 30), in: Zones.tokyo))
        #expect(try isQuiet([try window(.thursday, 0, 60)], Zones.utc(2024, 1, 3, 15, 30), in: Zones.tokyo))
    }

    /// A night does not leak into the morning of the day on which it begins. 2026-11-30 is a Monday.
    @Test func trap2ANightBelongsToTheDayOnWhichItBegins() throws {
        let night = [try window(.monday, 23 * 60, 2 * 60)]
        #expect(try !isQuiet(night, Zones.utc(2026, 11, 30, 1)))
        #expect(try isQuiet(night, Zones.utc(2026, 12, 1, 1)))
    }

    @Test func trap3TheEndIsOutside() throws {
        let day = [try window(.monday, 9 * 60, 17 * 60)]
        #expect(try isQuiet(day, Zones.utc(2026, 11, 30, 16, 59, 59)))
        #expect(try !isQuiet(day, Zones.utc(2026, 11, 30, 17)))
        #expect(try isQuiet(day, Zones.utc(2026, 11, 30, 9)))
    }

    /// No window at all is neither "always" nor "never".
    @Test func trap4AScheduleWithoutAnOpenMinuteCannotBeMade() throws {
        #expect(QuietHours([], outside: []) == nil)
        #expect(QuietHours.daily(from: 0, to: 1_440) == nil)
    }

    /// A time that is skipped or comes twice is no error; ``ClockChangeTests`` has more zones.
    @Test func trap5SkippedAndRepeatedTimes() {
        let local = Zones.local(2026, 3, 29, 2, 30)
        #expect(Zones.berlin.instant(of: local) == Zones.utc(2026, 3, 29, 1))
        #expect(Zones.berlin.instant(of: Zones.local(2026, 10, 25, 2, 30)) == Zones.utc(2026, 10, 25, 0, 30))
        #expect(Zones.newYork.instant(of: Zones.local(2026, 3, 8, 2, 30)) == Zones.utc(2026, 3, 8, 7))
        #expect(Zones.newYork.instant(of: Zones.local(2026, 11, 1, 1, 30)) == Zones.utc(2026, 11, 1, 5, 30))
    }

    /// Today is the day, and its time has passed.
    @Test func trap6WhatHasPassedTodayIsNextWeek() {
        let schedule = Schedule(zone: .utc, digestMinute: 8 * 60, digestDay: .monday)
        let window = schedule.digestWindow(.weekly, at: Zones.utc(2026, 11, 30, 8, 0, 1))
        #expect(window.closes == Zones.utc(2026, 12, 7, 8))
    }

    /// Between the event's time and the user's wishes neither simply wins: the wishes hold from the event's time on, and can only make
    /// it later. ``LaterEventTests`` has all of it.
    @Test func trap7TheEventsTimeIsALowerBoundForTheUsersWishes() throws {
        let night = try #require(QuietHours.daily(from: 22 * 60, to: 7 * 60))
        let user = Sample.user("u", schedule: Schedule(zone: .utc, quietHours: night))
        func verdict(at time: Instant) throws -> Verdict? {
            Domain.decide(
                user: user.id, as: .customer, event: EventFacts(type: try Sample.type(), notBefore: time),
                account: Sample.account([user]), settings: TenantSettings(), now: Zones.utc(2026, 11, 30, 23)
            ).verdict(on: .email)
        }
        // By day the event's time is the later one, at night the user's; never what lies before.
        #expect(try verdict(at: Zones.utc(2026, 12, 1, 12)) == .defer(until: Zones.utc(2026, 12, 1, 12)))
        #expect(try verdict(at: Zones.utc(2026, 12, 1, 23)) == .defer(until: Zones.utc(2026, 12, 2, 7)))
        #expect(try verdict(at: Zones.utc(2026, 11, 30, 22)) == .defer(until: Zones.utc(2026, 12, 1, 7)))
    }

    /// By local time and zone: 08:00 stays 08:00 in summer.
    @Test func trap9ADigestKeepsItsHour() {
        let schedule = Schedule(zone: Zones.berlin)
        #expect(schedule.digestWindow(.daily, at: Zones.utc(2026, 3, 28, 6)).closes == Zones.utc(2026, 3, 28, 7))
        #expect(schedule.digestWindow(.daily, at: Zones.utc(2026, 3, 28, 12)).closes == Zones.utc(2026, 3, 29, 6))
        // And in winter, when the day has an hour more.
        let autumn = schedule.digestWindow(.daily, at: Zones.utc(2026, 10, 24, 12))
        #expect(autumn.opens == Zones.utc(2026, 10, 24, 6) && autumn.closes == Zones.utc(2026, 10, 25, 7))
    }

    /// A dry run goes by the rules of the real one.
    @Test func trap14ACheckSaysWhatPublishingDoes() throws {
        let type = try Sample.type(scope: .addressedUser)
        let quiet = try #require(QuietHours.daily(from: 0, to: 1_439))
        let user = Sample.user("u", schedule: Schedule(zone: .utc, quietHours: quiet))
        let account = Sample.account([user])
        let check = decide(
            user: "u", as: .customer, event: .hypothetical(type), account: account,
            settings: TenantSettings(), now: Sample.now)
        let published = resolve(
            event: EventFacts(type: type, addressedUsers: ["u"]), account: account, settings: TenantSettings(),
            now: Sample.now)
        #expect(published.map(\.decision) == [check])
    }

    @Test func trap21TheInboxIsNeverHeldBackAndCriticalMessagesPass() throws {
        let quiet = try #require(QuietHours.daily(from: 0, to: 1_439))
        let user = Sample.user(
            "u", choices: Choices(all: Choice(cadence: .daily)), schedule: Schedule(zone: .utc, quietHours: quiet),
            snoozedUntil: Sample.now.advanced(by: .seconds(86_400)))
        #expect(Sample.decide(user, try Sample.type()).verdict(on: .inApp) == .deliver)
        #expect(Sample.decide(user, try Sample.type(priority: .critical)).verdict(on: .email) == .deliver)
    }

    /// The address is not used; the subscription stays, other channels go on, and so does what is mandatory.
    @Test func trap22ADeadAddressUnsubscribesFromNothing() throws {
        let user = Sample.user("u", addresses: [.email: .hardBounced])
        for setting in [Setting(.subscribed), Setting(.mandatoryAll)] {
            let decision = Sample.decide(user, try Sample.type(setting: setting))
            #expect(decision.verdict(on: .email) == .suppress(.hardBounce))
            #expect(decision.verdict(on: .inApp) == .deliver)
            #expect(decision.reason.isPositive)
        }
    }
}
