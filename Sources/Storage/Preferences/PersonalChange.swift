package import Domain
internal import Postgres

/// What a user changes of zone, language and times beside choices. Nil leaves a value as it is; of values that may be absent
/// `.some(nil)` takes it away.
package struct PersonalChange: Sendable, Hashable {
    /// IANA name of the zone; absent is the account's.
    package var timeZone: String??
    /// BCP 47 tag; absent is the account's.
    package var locale: String??
    /// Until when the user wants to hear of nothing; absent is no such time.
    package var snoozedUntil: Instant??
    /// When nothing is to come.
    package var quietWindows: [QuietHours.Window]?
    /// The only times at which something is to come; none for any.
    package var sendWindows: [QuietHours.Window]?
    /// When digests close, in minutes of the local day; absent is the usual time.
    package var digestMinute: Int??
    /// When weekly digests close; absent is the usual day.
    package var digestDay: Weekday??
    /// The addresses that the user adds to those of the portal, in the order in which they are tried, each at most once. Those that are
    /// not stored yet have to be confirmed first; those that are stored and not named are given up.
    package var contactPoints: [Address]?
    /// How often to hear of what, each audience and scope at most once; nil takes back what was chosen.
    package var cadences: [CadenceChange]

    /// A change of how often somebody wants to hear of something.
    package struct CadenceChange: Sendable, Hashable {
        /// As whom the user chooses.
        package let audience: Audience
        /// What the choice is about.
        package let scope: ChoiceScope
        /// How often; nil takes back what was chosen.
        package let cadence: Cadence?

        /// Makes a change.
        package init(audience: Audience, scope: ChoiceScope, cadence: Cadence?) {
            self.audience = audience
            self.scope = scope
            self.cadence = cadence
        }
    }

    /// Changes nothing.
    package init() { cadences = [] }

    /// Whether it changes nothing.
    package var isEmpty: Bool { self == PersonalChange() }
}

/// The change as the statements take it: members of the objects in which a user's wishes are stored, by where they stand.
struct PersonalPatch {
    /// Columns of their own.
    private(set) var columns = Part()
    /// Members of `timing`.
    private(set) var timing = Part()
    /// Members of `cadences`.
    private(set) var cadences = Part()
    /// Addresses, as the audit tells of them: they have rows of their own.
    private var contactPoints = Part()
    private let snoozedUntil: Instant?

    /// Members that change: those that are absent from the values are taken away.
    struct Part {
        fileprivate(set) var names: [String] = []
        fileprivate(set) var values: [(name: String, json: String)] = []

        fileprivate mutating func change(_ name: String, _ json: String?) {
            names.append(name)
            if let json { values.append((name, json)) }
        }

        /// The values as one object.
        var json: String { Self.object(values) }

        fileprivate static func object(_ values: [(name: String, json: String)]) -> String {
            var writer = JSONWriter()
            writer.object {
                for value in values {
                    $0.key(value.name)
                    $0.json(value.json)
                }
            }
            return writer.text
        }
    }

    init(_ change: PersonalChange) {
        snoozedUntil = change.snoozedUntil ?? nil
        if let zone = change.timeZone { columns.change("time_zone", zone.map(Self.text)) }
        if let locale = change.locale { columns.change("locale", locale.map(Self.text)) }
        if let end = change.snoozedUntil { columns.change("snoozed_until", end.map { String($0.microseconds) }) }
        if let windows = change.quietWindows { timing.change("quiet", Self.windows(windows)) }
        if let windows = change.sendWindows { timing.change("send", Self.windows(windows)) }
        if let minute = change.digestMinute { timing.change("digest_minute", minute.map { String($0) }) }
        if let day = change.digestDay { timing.change("digest_day", day.map { String($0.rawValue) }) }
        if let points = change.contactPoints { contactPoints.change("contact_points", Self.addresses(points)) }
        for choice in change.cadences {
            cadences.change(
                CadenceChoice.key(choice.audience, choice.scope), choice.cadence.map { Self.text($0.rawValue) })
        }
    }

    /// All names, and all values as one object: what the audit tells of.
    var names: [String] { columns.names + timing.names + cadences.names + contactPoints.names }
    var json: String { Part.object(columns.values + timing.values + cadences.values + contactPoints.values) }
    /// Whether ``PreferenceStatements/putPersonal`` has anything to do.
    var changesUser: Bool { !(columns.names.isEmpty && timing.names.isEmpty && cadences.names.isEmpty) }

    /// The parameters of ``PreferenceStatements/putPersonal``.
    func parameters(_ user: UserID, now: Instant) -> [Parameter] {
        [
            .text(user), .textArray(columns.names), .json(columns.json), .textArray(timing.names), .json(timing.json),
            .textArray(cadences.names), .json(cadences.json), .timestamp(now), .timestamp(snoozedUntil),
        ]
    }

    private static func text(_ value: String) -> String {
        var writer = JSONWriter()
        writer.string(value)
        return writer.text
    }

    private static func addresses(_ addresses: [Address]) -> String? {
        guard !addresses.isEmpty else { return nil }
        var writer = JSONWriter()
        writer.array(addresses) { writer, address in
            writer.array([address.channel.rawValue, address.text]) { $0.string($1) }
        }
        return writer.text
    }

    private static func windows(_ windows: [QuietHours.Window]) -> String? {
        guard !windows.isEmpty else { return nil }
        var writer = JSONWriter()
        writer.array(windows) { writer, window in
            writer.array([window.weekday.rawValue, window.start, window.end]) { $0.integer(Int64($1)) }
        }
        return writer.text
    }
}

extension DeliveryTimes {
    /// Reads what ``PersonalPatch`` stores in `timing`; what this version does not know counts as not there.
    init?(json: String?) {
        guard let json, let value = JSONValue(json), value != .object([:]) else { return nil }
        self.init(quietWindows: Self.windows(value["quiet"]), sendWindows: Self.windows(value["send"]))
        if let minute = value["digest_minute"]?.integer, (0...1_439).contains(minute) { digestMinute = Int(minute) }
        if let day = value["digest_day"]?.integer.flatMap({ Weekday(rawValue: Int($0)) }) { digestDay = day }
    }

    private static func windows(_ value: JSONValue?) -> [QuietHours.Window] {
        (value?.array ?? []).compactMap { entry in
            guard let parts = entry.array, parts.count == 3, let day = parts[0].integer, let start = parts[1].integer,
                let end = parts[2].integer, let weekday = Weekday(rawValue: Int(day))
            else { return nil }
            return QuietHours.Window(weekday, from: Int(start), to: Int(end))
        }
    }
}
