/// Hours of the week in which a user wants to be left alone. Windows are half-open, begin on their weekday and may run
/// past midnight; all is by the user's own clock.
package struct QuietHours: Hashable, Sendable {
    /// One window.
    package struct Window: Hashable, Sendable {
        /// The day on which it begins.
        package let weekday: Weekday
        /// Minute of the day at which it begins: 0…1,439.
        package let start: Int
        /// Minute at which it ends: 0…1,440. Not later than ``start`` means on the following day.
        package let end: Int

        /// The window, or nil when a minute is out of range or the window is empty.
        package init?(_ weekday: Weekday, from start: Int, to end: Int) {
            guard (0...1_439).contains(start), (0...1_440).contains(end), start != end else { return nil }
            self.weekday = weekday
            self.start = start
            self.end = end
        }

        /// How many minutes it lasts, by a clock that does not change.
        fileprivate var minutes: Int { end > start ? end - start : end + 1_440 - start }
    }

    /// The windows, in the order given.
    package let windows: [Window]

    /// The quiet hours made of these windows, or nil when they leave no minute of the week: such hours would hold
    /// messages back for ever.
    ///
    /// - Parameters:
    ///   - windows: when it is quiet.
    ///   - sendWindows: the only times at which it is not; nil for any time.
    package init?(_ windows: [Window], outside sendWindows: [Window]? = nil) {
        let all = windows + (sendWindows.map(Self.complement) ?? [])
        guard Self.minutes(in: all).contains(false) else { return nil }
        self.windows = all
    }

    private static let week = 7 * 1_440

    /// Which minutes of the week, from the beginning of Monday, lie in some window.
    private static func minutes(in windows: [Window]) -> [Bool] {
        var isIn = [Bool](repeating: false, count: week)
        for window in windows {
            let start = (window.weekday.rawValue - 1) * 1_440 + window.start
            for minute in start..<(start + window.minutes) { isIn[minute % week] = true }
        }
        return isIn
    }

    /// The windows that cover what others do not, none of them beyond the end of its day.
    private static func complement(_ windows: [Window]) -> [Window] {
        let isIn = minutes(in: windows)
        return Weekday.allCases.flatMap { weekday in
            let day = isIn[((weekday.rawValue - 1) * 1_440)...].prefix(1_440)
            var gaps: [Window] = []
            var start: Int?
            for (minute, isCovered) in day.enumerated() {
                if !isCovered {
                    start = start ?? minute
                } else if let begin = start {
                    gaps.append(contentsOf: [Window(weekday, from: begin, to: minute)].compactMap(\.self))
                    start = nil
                }
            }
            if let begin = start {
                gaps.append(contentsOf: [Window(weekday, from: begin, to: 1_440)].compactMap(\.self))
            }
            return gaps
        }
    }

    /// The same window on every day.
    package static func daily(from start: Int, to end: Int) -> QuietHours? {
        let windows = Weekday.allCases.compactMap { Window($0, from: start, to: end) }
        return windows.count == 7 ? QuietHours(windows) : nil
    }

    /// When the quiet that covers `instant` ends, windows that touch or overlap taken together; nil when it is not
    /// quiet.
    package func end(at instant: Instant, in zone: ZoneRules) -> Instant? {
        var end: Instant?
        // Each round moves to the end of a window; windows that leave a gap in the week cannot chain for longer than
        // twice their number.
        for _ in 0..<(2 * windows.count + 1) {
            guard let next = windowEnd(at: end ?? instant, in: zone) else { break }
            end = next
        }
        return end
    }

    /// The latest end of the windows that cover `instant`.
    private func windowEnd(at instant: Instant, in zone: ZoneRules) -> Instant? {
        let today = zone.localTime(at: instant).date
        var latest: Instant?
        // Yesterday's windows may run into today.
        for day in [today, today.adding(days: -1)] {
            for window in windows where window.weekday == day.weekday {
                let start = zone.instant(of: LocalTime(date: day, secondOfDay: window.start * 60))
                let endDay = window.end > window.start ? day : day.adding(days: 1)
                let end = zone.instant(of: LocalTime(date: endDay, secondOfDay: window.end * 60))
                if start <= instant, instant < end, latest.map({ $0 < end }) ?? true { latest = end }
            }
        }
        return latest
    }
}
