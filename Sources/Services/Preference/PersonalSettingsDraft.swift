internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage
internal import SwiftProtobuf

/// Personal settings that a request brings, checked.
struct PersonalSettingsDraft {
    /// The most windows of a kind in a week: three on each day.
    private static let windowLimit = 21
    /// How far ahead a snooze may end, in days.
    private static let longestSnooze: Int64 = 366

    private enum Field: Hashable {
        case timeZone, locale, quietHours, sendWindows, digestMinute, digestDay, snoozeEnd, contactPoints
    }
    private static let paths: [String: Field] = [
        "time_zone": .timeZone, "locale": .locale, "quiet_hours": .quietHours, "send_windows": .sendWindows,
        "digest_minute": .digestMinute, "digest_day": .digestDay, "snooze_end_time": .snoozeEnd,
        "contact_points": .contactPoints,
    ]

    /// What changes.
    private(set) var change = PersonalChange()

    /// Reads the settings of a request; notes what is wrong.
    ///
    /// - Parameters:
    ///   - sent: the settings.
    ///   - mask: the fields that change; none for those that are sent.
    init(
        _ sent: Carillon_V1_PersonalSettings, mask: [String] = [], zones: ZoneNames, now: Instant,
        _ check: inout FieldCheck
    ) {
        let fields =
            mask.isEmpty
            ? Self.present(sent) : UpdateMask.fields(mask, of: Self.paths, &check, mask: "settings_mask")
        if fields.contains(.timeZone) {
            if !sent.timeZone.isEmpty, !zones.contains(sent.timeZone) {
                check.add(
                    "settings.time_zone", "is not the name of a time zone, such as Europe/Berlin", reason: "UNKNOWN")
            }
            change.timeZone = .some(sent.timeZone.isEmpty ? nil : sent.timeZone)
        }
        if fields.contains(.locale) {
            if !sent.locale.isEmpty, !TextForms.isLocale(sent.locale) {
                check.add("settings.locale", "is not a language tag, such as en or de-AT", reason: "MALFORMED")
            }
            change.locale = .some(sent.locale.isEmpty ? nil : sent.locale)
        }
        if fields.contains(.quietHours) {
            change.quietWindows = Self.windows(sent.quietHours, "settings.quiet_hours", &check)
        }
        if fields.contains(.sendWindows) {
            change.sendWindows = Self.windows(sent.sendWindows, "settings.send_windows", &check)
        }
        if fields.contains(.digestMinute) {
            if sent.hasDigestMinute, !(0...1_439).contains(sent.digestMinute) {
                check.add("settings.digest_minute", "is not a minute of the day: 0 to 1439", reason: "OUT_OF_RANGE")
            }
            change.digestMinute = .some(sent.hasDigestMinute ? Int(sent.digestMinute) : nil)
        }
        if fields.contains(.digestDay) {
            if sent.digestDay != .unspecified, Weekday(sent.digestDay) == nil {
                check.add("settings.digest_day", "is not a known day", reason: "UNKNOWN")
            }
            change.digestDay = .some(Weekday(sent.digestDay))
        }
        if fields.contains(.snoozeEnd) { change.snoozedUntil = .some(Self.snoozeEnd(sent, now, &check)) }
        if fields.contains(.contactPoints) {
            change.contactPoints = ContactPointReader.addresses(sent.contactPoints, "settings.contact_points", &check)
        }
    }

    /// Whether windows change. Where those of one kind stay, it depends on them whether any time is left.
    var changesWindows: Bool { change.quietWindows != nil || change.sendWindows != nil }

    /// Refuses windows that leave no minute of the week.
    ///
    /// - Parameter stored: what holds where the change says nothing.
    /// - Throws: INVALID_ARGUMENT.
    func checkWindows(_ stored: DeliveryTimes?) throws(Status) {
        let times = DeliveryTimes(
            quietWindows: change.quietWindows ?? stored?.quietWindows ?? [],
            sendWindows: change.sendWindows ?? stored?.sendWindows ?? [])
        guard !times.leavesTime else { return }
        var check = FieldCheck()
        check.add(
            change.quietWindows == nil ? "settings.send_windows" : "settings.quiet_hours",
            "leaves no minute of the week at which messages may come; to hear less, turn types off", reason: "EMPTY")
        try check.check()
    }

    private static func present(_ sent: Carillon_V1_PersonalSettings) -> Set<Field> {
        var fields: Set<Field> = []
        if !sent.timeZone.isEmpty { fields.insert(.timeZone) }
        if !sent.locale.isEmpty { fields.insert(.locale) }
        if !sent.quietHours.isEmpty { fields.insert(.quietHours) }
        if !sent.sendWindows.isEmpty { fields.insert(.sendWindows) }
        if sent.hasDigestMinute { fields.insert(.digestMinute) }
        if sent.digestDay != .unspecified { fields.insert(.digestDay) }
        if sent.hasSnoozeEndTime { fields.insert(.snoozeEnd) }
        if !sent.contactPoints.isEmpty { fields.insert(.contactPoints) }
        return fields
    }

    private static func snoozeEnd(
        _ sent: Carillon_V1_PersonalSettings, _ now: Instant, _ check: inout FieldCheck
    ) -> Instant? {
        guard sent.hasSnoozeEndTime else { return nil }
        let field = "settings.snooze_end_time"
        guard let end = Instant(sent.snoozeEndTime) else {
            check.add(field, "is not a time of the years 1970 to 9999", reason: "OUT_OF_RANGE")
            return nil
        }
        if end.seconds - now.seconds > longestSnooze * 86_400 {
            check.add(
                field, "is more than \(longestSnooze) days ahead; to hear no more, turn types off",
                reason: "OUT_OF_RANGE")
        }
        return end
    }

    private static func windows(
        _ sent: [Carillon_V1_TimeWindow], _ field: String, _ check: inout FieldCheck
    ) -> [QuietHours.Window] {
        let count = sent.reduce(0) { $0 + ($1.days.isEmpty ? Weekday.allCases.count : $1.days.count) }
        if count > windowLimit {
            check.add(
                field, "has \(count) windows in a week, one for each day of each; at most \(windowLimit) are taken",
                reason: "TOO_MANY")
            return []
        }
        var windows: [QuietHours.Window] = []
        for (number, window) in sent.enumerated() {
            let place = "\(field)[\(number)]"
            var days: [Weekday] = []
            for day in window.days {
                guard let known = Weekday(day) else {
                    check.add("\(place).days", "names no known day", reason: "UNKNOWN")
                    continue
                }
                if days.contains(known) {
                    check.add("\(place).days", "names a day twice", reason: "REPEATED")
                } else {
                    days.append(known)
                }
            }
            for day in window.days.isEmpty ? Weekday.allCases : days {
                let made = QuietHours.Window(day, from: Int(window.startMinute), to: Int(window.endMinute))
                if let made {
                    windows.append(made)
                } else {
                    check.add(
                        place, "needs a start of 0 to 1439 and an end of 0 to 1440, which are not the same",
                        reason: "OUT_OF_RANGE")
                    break
                }
            }
        }
        return windows
    }
}

extension Carillon_V1_PersonalSettings {
    /// The settings of a user as stored. Windows that are the same on several days are told once.
    init(_ record: UserRecord) {
        self.init()
        timeZone = record.timeZone ?? ""
        locale = record.locale ?? ""
        if let times = record.times {
            quietHours = Self.windows(times.quietWindows)
            sendWindows = Self.windows(times.sendWindows)
            if times.digestMinute != DeliveryTimes.standard.digestMinute { digestMinute = Int32(times.digestMinute) }
            if times.digestDay != DeliveryTimes.standard.digestDay { digestDay = Carillon_V1_Weekday(times.digestDay) }
        }
        if let end = record.snoozedUntil { snoozeEndTime = Google_Protobuf_Timestamp(end) }
        contactPoints = record.ownContactPoints.map { Carillon_V1_ContactPoint($0) }
    }

    private static func windows(_ windows: [QuietHours.Window]) -> [Carillon_V1_TimeWindow] {
        var told: [Carillon_V1_TimeWindow] = []
        for window in windows {
            let (start, end) = (Int32(window.start), Int32(window.end))
            let day = Carillon_V1_Weekday(window.weekday)
            if let place = told.lastIndex(where: {
                $0.startMinute == start && $0.endMinute == end && !$0.days.contains(day)
            }) {
                told[place].days.append(day)
            } else {
                var made = Carillon_V1_TimeWindow()
                (made.days, made.startMinute, made.endMinute) = ([day], start, end)
                told.append(made)
            }
        }
        return told
    }
}

extension Weekday {
    /// The day of the interface; nil for none and for one that this version does not know.
    init?(_ day: Carillon_V1_Weekday) {
        self.init(rawValue: day.rawValue)
    }
}

extension Carillon_V1_Weekday {
    init(_ day: Weekday) {
        self = Carillon_V1_Weekday(rawValue: day.rawValue) ?? .unspecified
    }
}

extension Cadence {
    /// The cadence of the interface; nil for none, for the one that takes back, and for one that this version does not know.
    init?(_ cadence: Carillon_V1_Cadence) {
        switch cadence {
        case .immediately: self = .immediately
        case .daily: self = .daily
        case .weekly: self = .weekly
        case .unspecified, .clear, .UNRECOGNIZED: return nil
        }
    }
}

extension Carillon_V1_Cadence {
    init(_ cadence: Cadence) {
        self =
            switch cadence {
            case .immediately: .immediately
            case .daily: .daily
            case .weekly: .weekly
            }
    }
}
