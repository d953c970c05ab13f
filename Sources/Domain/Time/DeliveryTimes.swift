/// When one user wants messages to come, by the clock of whatever zone the user is in.
package struct DeliveryTimes: Hashable, Sendable {
    /// When nothing but in-app and critical messages is to come.
    package var quietWindows: [QuietHours.Window]
    /// The only times at which messages are to come; empty for any time.
    package var sendWindows: [QuietHours.Window]
    /// When daily digests close, and weekly ones on ``digestDay``: minute of the local day, 0…1,439.
    package var digestMinute: Int
    /// The day on which weekly digests close.
    package var digestDay: Weekday

    /// Describes when messages are to come.
    package init(
        quietWindows: [QuietHours.Window] = [], sendWindows: [QuietHours.Window] = [], digestMinute: Int = 8 * 60,
        digestDay: Weekday = .monday
    ) {
        self.quietWindows = quietWindows
        self.sendWindows = sendWindows
        self.digestMinute = digestMinute
        self.digestDay = digestDay
    }

    /// What holds for users who set nothing: any time, digests at 08:00 and on Mondays.
    package static let standard = DeliveryTimes()

    /// Whether the windows leave some minute of the week at which messages may come.
    package var leavesTime: Bool { !hasWindows || quietHours != nil }

    /// The hours that the windows leave quiet; nil for none, and where they would be all there are: a message that waits for ever is
    /// worse than one at a wrong time.
    package var quietHours: QuietHours? {
        hasWindows ? QuietHours(quietWindows, outside: sendWindows.isEmpty ? nil : sendWindows) : nil
    }

    private var hasWindows: Bool { !quietWindows.isEmpty || !sendWindows.isEmpty }
}

extension Schedule {
    /// The times of a user in a zone.
    package convenience init(zone: ZoneRules, times: DeliveryTimes) {
        self.init(
            zone: zone, quietHours: times.quietHours, digestMinute: times.digestMinute, digestDay: times.digestDay)
    }
}
