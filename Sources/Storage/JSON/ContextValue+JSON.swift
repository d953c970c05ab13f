internal import Domain

// A context is stored as a JSON array of [name, kind, value], which keeps the order of the names and the kind of each
// value: money is [minor units, currency], a date is its text, a moment its microseconds since the Unix epoch.

extension [ContextEntry] {
    /// The stored form.
    package var json: String {
        var writer = JSONWriter()
        Self.write(self, to: &writer)
        return writer.text
    }

    /// Reads the stored form; nil when it is not one.
    package init?(json: String) {
        guard let value = JSONValue(json) else { return nil }
        self.init(value)
    }

    private init?(_ value: JSONValue) {
        guard let entries = value.array else { return nil }
        self = []
        for entry in entries {
            guard let parts = entry.array, parts.count == 3, let name = parts[0].string, let kind = parts[1].string,
                let value = ContextValue(kind: kind, parts[2])
            else { return nil }
            append(ContextEntry(name, value))
        }
    }

    fileprivate static func write(_ entries: [ContextEntry], to writer: inout JSONWriter) {
        writer.array(entries) { writer, entry in
            writer.array {
                $0.string(entry.name)
                entry.value.write(to: &$0)
            }
        }
    }

    fileprivate static func read(_ value: JSONValue) -> [ContextEntry]? { Self(value) }
}

extension ContextValue {
    fileprivate func write(to writer: inout JSONWriter) {
        switch self {
        case .text(let value):
            writer.string("text")
            writer.string(value)
        case .integer(let value):
            writer.string("integer")
            writer.integer(value)
        case .decimal(let value):
            writer.string("decimal")
            writer.string(value.description)
        case .money(let value):
            writer.string("money")
            writer.array {
                $0.integer(value.minorUnits)
                $0.string(value.currency)
            }
        case .date(let value):
            writer.string("date")
            writer.string(value.description)
        case .dateTime(let value):
            writer.string("date_time")
            writer.integer(value.microseconds)
        case .url(let value):
            writer.string("url")
            writer.string(value)
        case .boolean(let value):
            writer.string("boolean")
            writer.bool(value)
        case .textList(let values):
            writer.string("text_list")
            writer.array(values) { $0.string($1) }
        case .objectList(let objects):
            writer.string("object_list")
            writer.array(objects) { [ContextEntry].write($1, to: &$0) }
        }
    }

    fileprivate init?(kind: String, _ value: JSONValue) {
        let read: ContextValue? =
            switch kind {
            case "text": value.string.map { .text($0) }
            case "integer": value.integer.map { .integer($0) }
            case "decimal": value.string.flatMap { Decimal($0) }.map { .decimal($0) }
            case "money": Money(value).map { .money($0) }
            case "date": value.string.flatMap { CivilDate($0) }.map { .date($0) }
            case "date_time": value.integer.map { .dateTime(Instant(microseconds: $0)) }
            case "url": value.string.map { .url($0) }
            case "boolean": value.bool.map { .boolean($0) }
            case "text_list": Self.all(value) { $0.string }.map { .textList($0) }
            case "object_list": Self.all(value) { [ContextEntry].read($0) }.map { .objectList($0) }
            default: nil
            }
        guard let read else { return nil }
        self = read
    }

    private static func all<Element>(_ value: JSONValue, _ read: (JSONValue) -> Element?) -> [Element]? {
        guard let values = value.array else { return nil }
        let elements = values.compactMap(read)
        return elements.count == values.count ? elements : nil
    }
}

extension Money {
    fileprivate init?(_ value: JSONValue) {
        guard let parts = value.array, parts.count == 2, let minorUnits = parts[0].integer,
            let currency = parts[1].string
        else { return nil }
        self.init(minorUnits: minorUnits, currency: currency)
    }
}
