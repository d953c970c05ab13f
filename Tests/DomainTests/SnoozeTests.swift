import Testing

@testable import Domain

/// Who wants to be left alone until a date.
@Suite struct SnoozeTests {
    private static let end = Zones.utc(2026, 12, 1, 12)
    private static let before = Zones.utc(2026, 11, 20, 12)

    private func email(
        _ type: NotificationType, schedule: Schedule? = nil, cadence: Cadence? = nil, at now: Instant = before
    ) -> ChannelDecision? {
        let user = Sample.user(
            "u", choices: Choices(all: Choice(cadence: cadence)), schedule: schedule, snoozedUntil: Self.end)
        return Sample.decide(user, type, at: now).channels[.email]
    }

    @Test func messagesWaitForItsEnd() throws {
        let type = try Sample.type()
        #expect(email(type) == ChannelDecision(.defer(until: Self.end), .snoozed))
        #expect(email(type, at: Self.end)?.verdict == .deliver)
        #expect(email(type, at: Self.end.advanced(by: .seconds(-1)))?.verdict == .defer(until: Self.end))
    }

    @Test func theInboxDoesNot() throws {
        let user = Sample.user("u", snoozedUntil: Self.end)
        #expect(Sample.decide(user, try Sample.type(), at: Self.before).verdict(on: .inApp) == .deliver)
    }

    @Test func whatIsCriticalOrMandatoryPasses() throws {
        #expect(email(try Sample.type(priority: .critical))?.verdict == .deliver)
        #expect(email(try Sample.type(setting: Setting(.mandatoryAll)))?.verdict == .deliver)
    }

    /// Whether a type respects quiet hours says nothing about a snooze, which was asked for with a date.
    @Test func typesThatBypassQuietHoursWait() throws {
        #expect(email(try Sample.type(respectsQuietHours: false))?.verdict == .defer(until: Self.end))
    }

    @Test func anEndInQuietHoursWaitsForTheirs() throws {
        let quiet = try #require(QuietHours.daily(from: 11 * 60, to: 13 * 60))
        let decision = email(try Sample.type(), schedule: Schedule(zone: .utc, quietHours: quiet))
        #expect(decision == ChannelDecision(.defer(until: Zones.utc(2026, 12, 1, 13)), .snoozed))
    }

    @Test func aDigestIsTheFirstBehindIt() throws {
        guard case .digest(let window)? = email(try Sample.type(), cadence: .daily)?.verdict else {
            Issue.record("no digest")
            return
        }
        #expect(window.closes == Zones.utc(2026, 12, 2, 8))
    }
}
