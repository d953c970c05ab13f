internal import CarillonAPI
internal import Domain
internal import SwiftProtobuf

/// Turns the context of a request into Domain's values, and names every field that cannot be turned.
struct ContextReader {
    /// The most entries that are looked at, whatever the type declares.
    static let limit = 200
    /// The most elements of a list.
    static let listLimit = 100

    private(set) var violations: [RequestViolation] = []
    /// Names of entries that were sent and could not be read: they are not missing.
    private(set) var unreadable: Set<String> = []

    /// The entries that could be read, in the order sent.
    mutating func entries(_ values: [Carillon_V1_ContextValue]) -> [ContextEntry] {
        if values.count > Self.limit {
            note("context", "has \(values.count) values; at most \(Self.limit) are taken", reason: "TOO_MANY")
            return []
        }
        return values.compactMap { sent in
            guard Variable.isValid(name: sent.name.utf8) else {
                note("context", "holds a name that is not of the form [a-z][a-z0-9_]*, up to 64 characters")
                return nil
            }
            guard let value = value(sent, field: Self.field(sent.name)) else {
                unreadable.insert(sent.name)
                return nil
            }
            return ContextEntry(sent.name, value)
        }
    }

    /// The field of the request that holds a variable, or a place in it: `items[3].title` is `context[items][3].title`.
    static func field(_ place: String) -> String {
        if place == "context" { return place }
        let name = place.prefix { $0 != "[" && $0 != "." }
        return "context[\(name)]\(place.dropFirst(name.count))"
    }

    private mutating func note(_ field: String, _ description: String, reason: String = "MALFORMED") {
        violations.append(RequestViolation(field, description, reason: reason))
    }

    private mutating func value(_ sent: Carillon_V1_ContextValue, field: String) -> ContextValue? {
        switch sent.value {
        case .text(let text): return .text(text)
        case .integer(let number): return .integer(number)
        case .decimal(let text):
            if let decimal = Decimal(text) { return .decimal(decimal) }
            note(field, "is not a decimal number such as -12.50, of at most 18 digits")
        case .money(let money):
            return .money(Money(minorUnits: money.minorUnits, currency: money.currencyCode))
        case .date(let sent):
            if let date = CivilDate(year: Int(sent.year), month: Int(sent.month), day: Int(sent.day)) {
                return .date(date)
            }
            note(field, "is not a day of the calendar in the years 1 to 9999")
        case .dateTime(let timestamp):
            if let instant = Instant(timestamp) { return .dateTime(instant) }
            note(field, "is not a point in time in the years 1970 to 9999")
        case .url(let text): return .url(text)
        case .boolean(let isTrue): return .boolean(isTrue)
        case .textList(let list):
            if checkCount(list.values.count, field) { return .textList(list.values) }
        case .objectList(let list):
            if checkCount(list.objects.count, field) { return objects(list.objects, field: field) }
        case nil:
            note(field, "has no value", reason: "REQUIRED")
        }
        return nil
    }

    private mutating func checkCount(_ count: Int, _ field: String) -> Bool {
        if count <= Self.listLimit { return true }
        note(field, "has \(count) elements; at most \(Self.listLimit) are taken", reason: "TOO_MANY")
        return false
    }

    private mutating func objects(_ objects: [Carillon_V1_ContextObject], field: String) -> ContextValue? {
        var result: [[ContextEntry]] = []
        var isWhole = true
        for (place, object) in objects.enumerated() {
            var entries: [ContextEntry] = []
            for sent in object.fields.prefix(ContextLimits.fields + 1) {
                let inner = "\(field)[\(place)].\(Variable.isValid(name: sent.name.utf8) ? sent.name : "?")"
                // A list in an object would be read by this function calling itself: it is refused before.
                switch sent.value {
                case .textList, .objectList:
                    note(inner, "is a list in a list; send a single value")
                    isWhole = false
                default:
                    if let value = value(sent, field: inner) {
                        entries.append(ContextEntry(sent.name, value))
                    } else {
                        isWhole = false
                    }
                }
            }
            result.append(entries)
        }
        return isWhole ? .objectList(result) : nil
    }
}
