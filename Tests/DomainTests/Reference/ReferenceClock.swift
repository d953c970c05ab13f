@testable import Domain

/// A user's wall clock, read minute by minute. Zones have offsets of whole minutes, so nothing happens within one.
///
/// The text leaves open what an hour means that the clock shows twice; here, as ``ZoneRules/instant(of:)`` has it, the
/// first time is meant, and the second finds it over. So what is asked is not what the clock shows, but the latest that
/// it has shown: while an hour repeats, that stands still. A time that is skipped comes when the clock jumps over it.
struct ReferenceClock {
    let zone: ZoneRules

    /// No clock of the tests goes back by more than an hour.
    private static let longestStepBack = 60
    /// Hours that leave a minute of the week end within a week, or, where clocks skip that minute, within two.
    private static let longestWait = 2 * Hours.week + 1_440

    /// When the quiet that covers `instant` ends; nil when it is not quiet.
    func end(of hours: Hours, at instant: Instant) -> Instant? {
        var minute = Self.minute(instant)
        var latest = latestShown(at: minute)
        guard hours.isQuiet[Self.minuteOfWeek(latest)] else { return nil }
        for _ in 0..<Self.longestWait {
            minute += 1
            latest = max(latest, shown(at: minute))
            if !hours.isQuiet[Self.minuteOfWeek(latest)] { return Instant(seconds: Int64(minute) * 60) }
        }
        return nil
    }

    /// The span between the last time that the clock came to the closing of a digest, and the next.
    func digestWindow(_ cadence: Cadence, of clock: World.Clock, at instant: Instant) -> DigestWindow {
        let now = Self.minute(instant)
        let length = cadence == .weekly ? Hours.week : 1_440
        var opens = now
        // From well before the last closing: a day with a change of clocks has an hour more, and one may be skipped.
        var minute = now - length - 1_440 - 180
        var latest = latestShown(at: minute)
        while true {
            minute += 1
            let before = latest
            latest = max(latest, shown(at: minute))
            guard latest > before, Self.comesToClosing(cadence, of: clock, after: before, until: latest) else {
                continue
            }
            if minute > now { break }
            opens = minute
        }
        return DigestWindow(
            cadence: cadence, opens: Instant(seconds: Int64(opens) * 60), closes: Instant(seconds: Int64(minute) * 60))
    }

    /// Whether one of the minutes that the clock moved over is one at which digests close.
    ///
    /// The text leaves open what becomes of the daily digest of a day that a zone skips; here, as the engine has it, there is none,
    /// while a weekly one comes when the clock jumps over its day.
    private static func comesToClosing(
        _ cadence: Cadence, of clock: World.Clock, after before: Int, until latest: Int
    ) -> Bool {
        var shown = before
        while shown < latest {
            shown += 1
            let minute = minuteOfWeek(shown)
            guard minute % 1_440 == clock.digestMinute else { continue }
            if cadence != .weekly {
                if shown / 1_440 == latest / 1_440 { return true }
            } else if minute / 1_440 == clock.digestDay.rawValue - 1 {
                return true
            }
        }
        return false
    }

    /// What the clock shows, in minutes since it showed 1970-01-01 00:00.
    private func shown(at minute: Int) -> Int { minute + zone.offset(at: Instant(seconds: Int64(minute) * 60)) / 60 }

    /// The latest that the clock has shown until now.
    private func latestShown(at minute: Int) -> Int {
        var latest = shown(at: minute)
        for earlier in (minute - Self.longestStepBack)..<minute { latest = max(latest, shown(at: earlier)) }
        return latest
    }

    /// The whole minutes since the Unix epoch. No test lies before it.
    private static func minute(_ instant: Instant) -> Int { Int(instant.seconds / 60) }

    /// The minute of the week, from Monday 00:00 on: 1 January 1970 was a Thursday.
    private static func minuteOfWeek(_ shown: Int) -> Int { (shown + 3 * 1_440) % Hours.week }
}
