@testable import Domain

/// Hours of the week in which a user wants to be left alone, in both forms: the engine's windows, and a table that says of
/// each minute of the week whether it is quiet.
///
/// The engine's form takes a walk over the week to make, so worlds share a pool of these.
struct Hours: Sendable {
    /// When it is quiet.
    let quiet: [QuietHours.Window]
    /// The only times at which it is not; nil for any time.
    let sendWindows: [QuietHours.Window]?
    /// What the engine is given.
    let quietHours: QuietHours
    /// For each minute of the week from Monday 00:00 on, whether it is quiet.
    let isQuiet: [Bool]

    static let week = 7 * 1_440

    /// Nil for hours that leave no minute of the week, which the engine refuses too.
    init?(quiet: [QuietHours.Window], sendWindows: [QuietHours.Window]? = nil) {
        guard let quietHours = QuietHours(quiet, outside: sendWindows) else { return nil }
        self.quiet = quiet
        self.sendWindows = sendWindows
        self.quietHours = quietHours
        isQuiet = (0..<Self.week).map { minute in
            quiet.contains { Self.covers($0, minute) }
                || sendWindows.map { windows in !windows.contains { Self.covers($0, minute) } } ?? false
        }
    }

    /// Half-open, beginning on the window's day; one whose end is not later than its start ends on the day after.
    private static func covers(_ window: QuietHours.Window, _ minute: Int) -> Bool {
        let start = (window.weekday.rawValue - 1) * 1_440 + window.start
        let length = window.end > window.start ? window.end - window.start : window.end + 1_440 - window.start
        // The minutes since the last time that the window began.
        let since = (minute - start + week) % week
        return since < length
    }

    /// The hours that a person would name first.
    static let night = daily(22 * 60, 7 * 60)

    /// The night first, then what clocks and windows make hard.
    static let pool: [Hours] =
        [night].compactMap(\.self)
        + [
            // Ends and beginnings within the hours that clocks skip or show twice, on both sides of midnight.
            daily(22 * 60, 2 * 60 + 30), daily(60 + 15, 2 * 60 + 45), daily(23 * 60 + 30, 15), daily(0, 1_440 - 1),
            daily(22 * 60, 0), daily(2 * 60 + 30, 3 * 60), daily(1_439, 1), daily(12 * 60, 13 * 60),
            // Windows that touch, overlap, and lie within each other.
            Hours(quiet: everyDay(60, 120) + everyDay(120, 180)), Hours(quiet: everyDay(60, 150) + everyDay(120, 180)),
            Hours(quiet: everyDay(0, 360) + everyDay(120, 180)), Hours(quiet: everyDay(1_320, 60) + everyDay(0, 90)),
            // One night, a night that begins on Saturday, all of Sunday, no hours at all.
            Hours(quiet: windows([.monday], 23 * 60, 2 * 60)), Hours(quiet: windows([.saturday], 23 * 60, 3 * 60)),
            Hours(quiet: windows([.sunday], 0, 1_440)), Hours(quiet: []),
            Hours(quiet: windows([.saturday, .sunday], 0, 1_440) + everyDay(1_320, 420)),
            // Send windows: office hours, over midnight, cut by quiet hours, once a week, and no limit at all.
            Hours(quiet: [], sendWindows: everyDay(9 * 60, 17 * 60)),
            Hours(quiet: [], sendWindows: everyDay(22 * 60, 2 * 60 + 30)),
            Hours(quiet: [], sendWindows: everyDay(2 * 60 + 30, 22 * 60)),
            Hours(quiet: everyDay(60, 120), sendWindows: everyDay(0, 180) + everyDay(180, 300)),
            Hours(quiet: [], sendWindows: windows([.sunday, .wednesday], 60 + 30, 2 * 60 + 45)),
            Hours(quiet: everyDay(120, 150), sendWindows: everyDay(0, 1_440)),
        ].compactMap(\.self)

    private static func daily(_ start: Int, _ end: Int) -> Hours? { Hours(quiet: everyDay(start, end)) }

    private static func everyDay(_ start: Int, _ end: Int) -> [QuietHours.Window] {
        windows(Weekday.allCases, start, end)
    }

    private static func windows(_ days: [Weekday], _ start: Int, _ end: Int) -> [QuietHours.Window] {
        days.compactMap { QuietHours.Window($0, from: start, to: end) }
    }
}

extension Hours: Equatable {
    /// Whether two are made of the same windows; the rest follows from them.
    static func == (left: Hours, right: Hours) -> Bool {
        left.quiet == right.quiet && left.sendWindows == right.sendWindows
    }
}
