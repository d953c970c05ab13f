import Testing

@testable import Domain

/// Events of which people are told later: whose time counts on which channel. The event's own time is a lower bound for everybody; the
/// reader's wishes are asked for that time.
@Suite struct LaterEventTests {
    private static let now = Zones.utc(2026, 11, 20, 12)
    /// Noon, and within the quiet hours of ``night`` half a day later.
    private static let noon = Zones.utc(2026, 12, 1, 12)
    private static let midnight = Zones.utc(2026, 12, 2, 0)
    private static let night = Schedule(zone: .utc, quietHours: QuietHours.daily(from: 22 * 60, to: 7 * 60))

    /// One case of the table: what the event and the user say, and when mail comes.
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var time = LaterEventTests.noon
        var schedule: Schedule?
        var snoozedUntil: Instant?
        var cadence: Cadence?
        var setting = Setting(.subscribed)
        var priority = Priority.normal
        var respectsQuietHours = true
        let mail: ChannelDecision
    }

    private static let cases = [
        Case(
            testDescription: "no wishes", mail: ChannelDecision(.defer(until: noon), .notYet)),
        Case(
            testDescription: "quiet hours that are over by then", schedule: night,
            mail: ChannelDecision(.defer(until: noon), .notYet)),
        Case(
            testDescription: "quiet hours then", time: midnight, schedule: night,
            mail: ChannelDecision(.defer(until: Zones.utc(2026, 12, 2, 7)), .quietHours)),
        Case(
            testDescription: "a type that passes quiet hours", time: midnight, schedule: night,
            respectsQuietHours: false, mail: ChannelDecision(.defer(until: midnight), .notYet)),
        Case(
            testDescription: "send windows that open later",
            schedule: Schedule(
                zone: .utc,
                times: DeliveryTimes(
                    sendWindows: Weekday.allCases.compactMap { QuietHours.Window($0, from: 15 * 60, to: 16 * 60) })),
            mail: ChannelDecision(.defer(until: Zones.utc(2026, 12, 1, 15)), .quietHours)),
        Case(
            testDescription: "a snooze that ends before", snoozedUntil: Zones.utc(2026, 11, 30, 12),
            mail: ChannelDecision(.defer(until: noon), .notYet)),
        Case(
            testDescription: "a snooze that ends right then", snoozedUntil: noon,
            mail: ChannelDecision(.defer(until: noon), .notYet)),
        Case(
            testDescription: "a snooze that ends after it", snoozedUntil: Zones.utc(2026, 12, 3, 12),
            mail: ChannelDecision(.defer(until: Zones.utc(2026, 12, 3, 12)), .snoozed)),
        Case(
            testDescription: "a snooze that ends after it, in quiet hours", schedule: night,
            snoozedUntil: Zones.utc(2026, 12, 3, 23),
            mail: ChannelDecision(.defer(until: Zones.utc(2026, 12, 4, 7)), .snoozed)),
        Case(
            testDescription: "a daily digest", cadence: .daily,
            mail: ChannelDecision(
                .digest(
                    DigestWindow(
                        cadence: .daily, opens: Zones.utc(2026, 12, 1, 8), closes: Zones.utc(2026, 12, 2, 8))),
                .digested)),
        Case(
            testDescription: "critical, in quiet hours, under a snooze, for a digest", time: midnight,
            schedule: night, snoozedUntil: Zones.utc(2026, 12, 3, 12), cadence: .daily, priority: .critical,
            mail: ChannelDecision(.defer(until: midnight), .notYet)),
        Case(
            testDescription: "mandatory, under a snooze", snoozedUntil: Zones.utc(2026, 12, 3, 12),
            setting: Setting(.mandatoryAll), mail: ChannelDecision(.defer(until: noon), .notYet)),
        Case(
            testDescription: "mandatory, in quiet hours", time: midnight, schedule: night,
            setting: Setting(.mandatoryAll),
            mail: ChannelDecision(.defer(until: Zones.utc(2026, 12, 2, 7)), .quietHours)),
    ]

    private func decide(_ one: Case, at now: Instant) throws -> Decision {
        let user = Sample.user(
            "u", choices: Choices(all: Choice(cadence: one.cadence)), schedule: one.schedule,
            snoozedUntil: one.snoozedUntil)
        let type = try Sample.type(
            setting: one.setting, priority: one.priority, respectsQuietHours: one.respectsQuietHours)
        return Domain.decide(
            user: user.id, as: .customer, event: EventFacts(type: type, notBefore: one.time),
            account: Sample.account([user]), settings: TenantSettings(), now: now)
    }

    @Test(arguments: cases)
    func mailComesAtTheEventsTimeOrAtTheReadersLaterOne(_ one: Case) throws {
        #expect(try decide(one, at: Self.now).channels[.email] == one.mail)
    }

    /// No wish and no exemption makes the inbox tell before the event's time, or wait after it.
    @Test(arguments: cases)
    func theInboxWaitsForTheEventsTimeAlone(_ one: Case) throws {
        #expect(try decide(one, at: Self.now).channels[.inApp] == ChannelDecision(.defer(until: one.time), .notYet))
        #expect(try decide(one, at: one.time).verdict(on: .inApp) == .deliver)
    }

    /// When the time has come, it is as if the event had just been published: the second look goes by that.
    @Test(arguments: cases)
    func fromItsTimeOnTheEventIsLikeAnyOther(_ one: Case) throws {
        var plain = one
        plain.time = Self.now
        for moment in [one.time, one.time.advanced(by: .seconds(1))] {
            #expect(try decide(one, at: moment) == decide(plain, at: moment))
        }
        #expect(try decide(one, at: one.time.advanced(by: .milliseconds(-1))).verdict(on: .inApp) != .deliver)
    }

    /// Whether somebody is told at all is no matter of time.
    @Test func whoGetsNothingGetsNothingLaterEither() throws {
        let user = Sample.user("u", addresses: [.email: .hardBounced], choice: Choice(whole: false))
        let event = EventFacts(type: try Sample.type(), notBefore: Self.noon)
        let decision = Domain.decide(
            user: user.id, as: .customer, event: event, account: Sample.account([user]), settings: TenantSettings(),
            now: Self.now)
        #expect(decision.reason == .optedOut && !decision.isPositive)
    }

    /// Caps look at what was sent by the time of sending, which nobody knows yet.
    @Test func capsAreAskedWhenItIsSent() throws {
        let user = Sample.user("u", recentSends: Sample.sends([0]))
        var settings = TenantSettings()
        settings.caps = [FrequencyCap(1, within: 3_600)].compactMap(\.self)
        let event = EventFacts(type: try Sample.type(), notBefore: Sample.now.advanced(by: .seconds(60)))
        func mail(at now: Instant) -> ChannelDecision? {
            Domain.decide(
                user: user.id, as: .customer, event: event, account: Sample.account([user]), settings: settings,
                now: now
            ).channels[.email]
        }
        #expect(mail(at: Sample.now)?.reason == .notYet)
        #expect(mail(at: Sample.now.advanced(by: .seconds(60))) == .suppressed(.throttled))
        #expect(mail(at: Sample.now.advanced(by: .seconds(3_600)))?.verdict == .deliver)
    }

    @Test func theMailboxThatStandsInWaitsToo() throws {
        let event = EventFacts(type: try Sample.type(setting: Setting(.mandatoryAtLeastOne)), notBefore: Self.noon)
        let account = Sample.account([], mailbox: .usable)
        let entry = try #require(
            resolve(event: event, account: account, settings: TenantSettings(), now: Self.now).last)
        #expect(entry.recipient == .mailbox(Sample.accountID))
        #expect(entry.decision.channels[.email] == ChannelDecision(.defer(until: Self.noon), .notYet))
        let then = decideMailbox(
            as: .customer, event: event, account: account, settings: TenantSettings(), now: Self.noon)
        #expect(then.verdict(on: .email) == .deliver)
    }

    @Test func itIsExplained() throws {
        let decision = try decide(Case(testDescription: "", mail: .suppressed(.notYet)), at: Self.now)
        #expect(decision.explanation.contains("E-mail: held back by the supplier until 2026-12-01T12:00:00Z."))
        #expect(Reason.notYet.isPositive && !Reason.notYet.isMandatory)
    }
}
