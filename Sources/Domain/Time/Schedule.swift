/// When one user wants to be left alone and when digests come, in the user's own zone.
///
/// An immutable value. It is a class only so that handing it on costs one reference: it is on the path of every check.
package final class Schedule: Sendable {
    /// The user's zone.
    package let zone: ZoneRules
    /// The hours in which nothing but in-app and critical messages arrives; nil is none.
    package let quietHours: QuietHours?
    /// When daily digests close, and weekly ones on ``digestDay``: minute of the local day, 0…1,439.
    package let digestMinute: Int
    /// The day on which weekly digests close.
    package let digestDay: Weekday

    /// Makes a schedule; the digest minute is brought into range.
    package init(
        zone: ZoneRules, quietHours: QuietHours? = nil, digestMinute: Int = 8 * 60, digestDay: Weekday = .monday
    ) {
        self.zone = zone
        self.quietHours = quietHours
        self.digestMinute = min(max(digestMinute, 0), 1_439)
        self.digestDay = digestDay
    }

    /// What holds for users who set nothing: UTC, no quiet hours, digests at 08:00 and on Mondays.
    package static let standard = Schedule(zone: .utc)

    /// The digest window that `instant` falls into. Windows follow the local clock, so across a change of the clocks
    /// one is an hour shorter or longer and the digest still comes at the same local time.
    package func digestWindow(_ cadence: Cadence, at instant: Instant) -> DigestWindow {
        let today = zone.localTime(at: instant).date
        let length = cadence == .weekly ? 7 : 1
        var day = today
        if cadence == .weekly {
            day = today.adding(days: (digestDay.rawValue - today.weekday.rawValue + 7) % 7)
        }
        var closes = closing(on: day, cadence)
        while closes.map({ $0 <= instant }) ?? true {
            day = day.adding(days: length)
            closes = closing(on: day, cadence)
        }
        var opens: Instant?
        while opens.map({ $0 > instant }) ?? true {
            day = day.adding(days: -length)
            opens = closing(on: day, cadence)
        }
        return DigestWindow(cadence: cadence, opens: opens ?? instant, closes: closes ?? instant)
    }

    /// When the digest of a day closes. A daily one does not on a day that the zone skipped: the next one comes within hours.
    private func closing(on day: CivilDate, _ cadence: Cadence) -> Instant? {
        let closing = zone.instant(of: LocalTime(date: day, secondOfDay: digestMinute * 60))
        return cadence == .weekly || zone.localTime(at: closing).date == day ? closing : nil
    }
}

extension Schedule: Hashable {
    /// Whether two schedules are the same.
    package static func == (left: Schedule, right: Schedule) -> Bool {
        left === right
            || left.zone == right.zone && left.quietHours == right.quietHours
                && left.digestMinute == right.digestMinute && left.digestDay == right.digestDay
    }

    /// Hashes what makes two of them the same.
    package func hash(into hasher: inout Hasher) {
        hasher.combine(zone)
        hasher.combine(quietHours)
        hasher.combine(digestMinute)
        hasher.combine(digestDay)
    }
}

/// The span of time that one digest gathers: from ``opens`` until, but not including, ``closes``.
package struct DigestWindow: Hashable, Sendable {
    /// Daily or weekly.
    package let cadence: Cadence
    /// When the window opened.
    package let opens: Instant
    /// When the digest is sent.
    package let closes: Instant

    /// Makes a window.
    package init(cadence: Cadence, opens: Instant, closes: Instant) {
        self.cadence = cadence
        self.opens = opens
        self.closes = closes
    }
}
