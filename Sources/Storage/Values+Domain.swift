internal import Domain
internal import Postgres

// The values of Domain in the form in which Postgres carries them, and back.

extension UUIDBytes {
    init(_ id: UUIDv7) { self.init(high: id.high, low: id.low) }
    init(_ id: some TimedIdentifier) { self.init(id.value) }
}

extension Timestamp {
    init(_ instant: Instant) { self.init(microseconds: instant.microseconds) }
}

extension Instant {
    init(_ timestamp: Timestamp) { self.init(microseconds: timestamp.microseconds) }
}

extension Parameter {
    static func text(_ value: String?) -> Parameter { value.map { .text($0) } ?? .null }
    static func json(_ value: String?) -> Parameter { value.map { .json($0) } ?? .null }
    static func text(_ id: some Identifier) -> Parameter { .text(id.rawValue) }
    static func text<ID: Identifier>(_ id: ID?) -> Parameter { .text(id?.rawValue) }
    static func uuid(_ id: some TimedIdentifier) -> Parameter { .uuid(UUIDBytes(id)) }
    static func uuid(_ id: UUIDv7) -> Parameter { .uuid(UUIDBytes(id)) }
    static func timestamp(_ instant: Instant) -> Parameter { .timestamp(Timestamp(instant)) }
    static func timestamp(_ instant: Instant?) -> Parameter { instant.map { .timestamp($0) } ?? .null }
    static func int4(_ value: Int32?) -> Parameter { value.map { .int4($0) } ?? .null }
    static func int8(_ value: Int64?) -> Parameter { value.map { .int8($0) } ?? .null }
    static func bytes(_ value: [UInt8]?) -> Parameter { value.map { .bytes($0) } ?? .null }

    /// Customer accounts by their id; the supplier's own row has the empty id.
    static func account(_ id: AccountID?) -> Parameter { .text(id?.rawValue ?? "") }
}

extension Row {
    func instant(_ column: Int) throws(PostgresError) -> Instant { Instant(try timestamp(column)) }

    func optionalInstant(_ column: Int) throws(PostgresError) -> Instant? {
        try optionalTimestamp(column).map { Instant($0) }
    }

    func uuidv7(_ column: Int) throws(PostgresError) -> UUIDv7 {
        let bytes = try uuid(column)
        guard let id = UUIDv7(high: bytes.high, low: bytes.low) else { throw .corrupt(column) }
        return id
    }

    func identifier<ID: Identifier>(_ column: Int, as type: ID.Type = ID.self) throws(PostgresError) -> ID {
        guard let id = ID(try text(column)) else { throw .corrupt(column) }
        return id
    }

    func optionalIdentifier<ID: Identifier>(_ column: Int, as type: ID.Type = ID.self) throws(PostgresError) -> ID? {
        guard let text = try optionalText(column) else { return nil }
        guard let id = ID(text) else { throw .corrupt(column) }
        return id
    }

    /// An account's id; nil for the supplier's own row.
    func account(_ column: Int) throws(PostgresError) -> AccountID? {
        let text = try text(column)
        if text.isEmpty { return nil }
        guard let id = AccountID(text) else { throw .corrupt(column) }
        return id
    }

    func identifiers<ID: Identifier>(_ column: Int, as type: ID.Type = ID.self) throws(PostgresError) -> [ID] {
        var ids: [ID] = []
        for text in try textArray(column) {
            guard let id = ID(text) else { throw .corrupt(column) }
            ids.append(id)
        }
        return ids
    }

    func value<Value: RawRepresentable<String>>(
        _ column: Int, as type: Value.Type = Value.self
    ) throws(PostgresError) -> Value {
        guard let value = Value(rawValue: try text(column)) else { throw .corrupt(column) }
        return value
    }
}

extension PostgresError {
    /// A column that holds what this version does not know.
    static func corrupt(_ column: Int) -> PostgresError {
        PostgresError(.decoding, "column \(column) holds a value that this version does not know")
    }
}

extension Month {
    /// The first day, as `YYYY-MM-DD`.
    var firstDay: String { LocalTime(secondsSinceEpoch: start.seconds).date.description }
}
