/// A day of the proleptic Gregorian calendar, with no zone.
package struct CivilDate: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// 1…9999.
    package let year: Int
    /// 1…12.
    package let month: Int
    /// 1…31, as the month has it.
    package let day: Int

    /// The day, or nil when there is no such day.
    package init?(year: Int, month: Int, day: Int) {
        guard (1...9999).contains(year), (1...12).contains(month) else { return nil }
        guard day >= 1, day <= Self.length(ofMonth: month, year: year) else { return nil }
        self.year = year
        self.month = month
        self.day = day
    }

    /// The day in the form `YYYY-MM-DD`, or nil when the text is anything else.
    package init?(_ text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-") else { return nil }
        var numbers = [0, 0, 0]
        for (part, range) in [0..<4, 5..<7, 8..<10].enumerated() {
            for byte in bytes[range] {
                guard ASCII.isDigit(byte) else { return nil }
                numbers[part] = numbers[part] * 10 + Int(byte - UInt8(ascii: "0"))
            }
        }
        self.init(year: numbers[0], month: numbers[1], day: numbers[2])
    }

    /// The day so many days after 1970-01-01. Howard Hinnant's `civil_from_days`: 400-year eras of 146,097 days,
    /// with the year beginning in March so that the leap day comes last.
    package init(daysSinceEpoch days: Int) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    }

    /// Days since 1970-01-01; negative before.
    package var daysSinceEpoch: Int {
        let marchYear = month <= 2 ? year - 1 : year
        let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
        let yearOfEra = marchYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    /// The day of the week.
    package var weekday: Weekday {
        // 1970-01-01 was a Thursday, three days after Monday.
        let remainder = (daysSinceEpoch + 3) % 7
        return Weekday.allCases[remainder < 0 ? remainder + 7 : remainder]
    }

    /// The day `days` later, or earlier when negative.
    package func adding(days: Int) -> CivilDate { CivilDate(daysSinceEpoch: daysSinceEpoch + days) }

    /// `YYYY-MM-DD`.
    package var description: String {
        "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(day, 2))"
    }

    /// Orders by time.
    package static func < (left: CivilDate, right: CivilDate) -> Bool {
        (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }

    static func padded(_ number: some BinaryInteger, _ width: Int) -> String {
        let text = String(number)
        return text.count >= width ? text : String(repeating: "0", count: width - text.count) + text
    }

    private static func length(ofMonth month: Int, year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}

/// A day of the week; Monday is 1, as in ISO 8601.
package enum Weekday: Int, CaseIterable, Sendable, Hashable {
    case monday = 1
    case tuesday, wednesday, thursday, friday, saturday, sunday
}

/// What a wall clock shows: a day and a second of it, with no zone.
package struct LocalTime: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The day.
    package let date: CivilDate
    /// 0…86,399.
    package let secondOfDay: Int

    /// A day and a second of it; a second outside of 0…86,399 counts on into other days.
    package init(date: CivilDate, secondOfDay: Int) {
        self.init(secondsSinceEpoch: Int64(date.daysSinceEpoch) * 86_400 + Int64(secondOfDay))
    }

    /// The clock so many seconds after 1970-01-01 00:00:00 of the same clock.
    package init(secondsSinceEpoch: Int64) {
        var days = secondsSinceEpoch / 86_400
        var second = secondsSinceEpoch % 86_400
        if second < 0 {
            second += 86_400
            days -= 1
        }
        date = CivilDate(daysSinceEpoch: Int(days))
        secondOfDay = Int(second)
    }

    /// Seconds since 1970-01-01 00:00:00 of the same clock.
    package var secondsSinceEpoch: Int64 { Int64(date.daysSinceEpoch) * 86_400 + Int64(secondOfDay) }

    /// `YYYY-MM-DDThh:mm:ss`.
    package var description: String {
        let (hour, minute, second) = (secondOfDay / 3_600, secondOfDay / 60 % 60, secondOfDay % 60)
        let clock = [hour, minute, second].map { CivilDate.padded($0, 2) }.joined(separator: ":")
        return "\(date)T\(clock)"
    }

    /// Orders by the clock.
    package static func < (left: LocalTime, right: LocalTime) -> Bool {
        (left.date, left.secondOfDay) < (right.date, right.secondOfDay)
    }
}

/// A month of UTC: the unit of partitions and of retention.
package struct Month: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// 1…9999.
    package let year: Int
    /// 1…12.
    package let month: Int

    /// The month, or nil when there is no such month.
    package init?(year: Int, month: Int) {
        guard (1...9999).contains(year), (1...12).contains(month) else { return nil }
        self.year = year
        self.month = month
    }

    /// The month that `instant` lies in, by UTC.
    package init(containing instant: Instant) {
        let date = LocalTime(secondsSinceEpoch: instant.seconds).date
        year = date.year
        month = date.month
    }

    private init(index: Int) {
        year = index / 12
        month = index % 12 + 1
    }

    /// The first instant of the month.
    package var start: Instant {
        let firstDay = CivilDate(year: year, month: month, day: 1)?.daysSinceEpoch ?? 0
        return Instant(seconds: Int64(firstDay) * 86_400)
    }

    /// The month after.
    package var next: Month { adding(months: 1) }

    /// The month `months` later, or earlier when negative.
    package func adding(months: Int) -> Month { Month(index: year * 12 + month - 1 + months) }

    /// `YYYYMM`, as partitions are named.
    package var description: String { CivilDate.padded(year, 4) + CivilDate.padded(month, 2) }

    /// Orders by time.
    package static func < (left: Month, right: Month) -> Bool {
        (left.year, left.month) < (right.year, right.month)
    }
}
