/// The rules of a time zone as a value: which offset from UTC is in force from when on.
///
/// Domain reads no zone database. Who owns one makes these rules and hands them in.
package struct ZoneRules: Hashable, Sendable {
    /// From an instant on, until the next change.
    package struct Change: Hashable, Sendable {
        /// When the offset comes into force.
        package let at: Instant
        /// Seconds to add to UTC to get local time: east is positive.
        package let offset: Int

        /// Makes a change.
        package init(at: Instant, offset: Int) {
            self.at = at
            self.offset = offset
        }
    }

    /// The zone's name, such as `Europe/Berlin`.
    package let name: String
    private let firstOffset: Int
    private let changes: [Change]

    /// Makes the rules of a zone.
    ///
    /// - Parameters:
    ///   - name: as in the IANA database.
    ///   - firstOffset: seconds east of UTC before the first change.
    ///   - changes: in any order.
    package init(name: String, firstOffset: Int, changes: [Change] = []) {
        self.name = name
        self.firstOffset = firstOffset
        self.changes = changes.sorted { $0.at < $1.at }
    }

    /// Coordinated universal time.
    package static let utc = ZoneRules(name: "UTC", firstOffset: 0)

    /// Seconds east of UTC at `instant`.
    package func offset(at instant: Instant) -> Int {
        var low = 0
        var high = changes.count
        while low < high {
            let middle = (low + high) / 2
            if changes[middle].at <= instant { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? firstOffset : changes[low - 1].offset
    }

    /// What the wall clock shows at `instant`.
    package func localTime(at instant: Instant) -> LocalTime {
        LocalTime(secondsSinceEpoch: instant.seconds + Int64(offset(at: instant)))
    }

    /// The first instant at which the wall clock shows `local` or later. A time that is skipped when clocks go forward
    /// becomes the moment they do; of a time that comes twice, the first is meant.
    package func instant(of local: LocalTime) -> Instant {
        let asUTC = local.secondsSinceEpoch
        // Offsets never exceed a day, so what is in force around the time is found within a day on both sides.
        let before = offset(at: Instant(seconds: asUTC - 86_400))
        let after = offset(at: Instant(seconds: asUTC + 86_400))
        let early = Instant(seconds: asUTC - Int64(max(before, after)))
        let late = Instant(seconds: asUTC - Int64(min(before, after)))
        if asUTC - Int64(offset(at: early)) == early.seconds { return early }
        for change in changes where change.at > early && change.at <= late {
            if LocalTime(secondsSinceEpoch: change.at.seconds + Int64(change.offset)) >= local { return change.at }
        }
        return late
    }
}
