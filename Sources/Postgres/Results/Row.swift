internal import CLibPQ

/// One row of a result. Columns are read by their place, from 0, and strictly by type: an `int4` reads as ``int4(_:)``
/// or the wider ``int8(_:)``, never as text. Types not named here (`numeric`, `interval`, enums, domains over others)
/// are cast in the SQL.
///
/// Every reader throws a ``PostgresError`` with the code `decoding` if there is no such column, it has another type, or
/// it is NULL and the reader is not an optional one.
package struct Row: Sendable {
    let storage: ResultStorage
    let index: Int

    /// Whether a column is NULL.
    package func isNull(_ column: Int) throws(PostgresError) -> Bool {
        try bytes(of: column) == nil
    }

    /// Reads `text`, `varchar`, `bpchar`, `name`, `"char"`, `json` or `jsonb`.
    package func text(_ column: Int) throws(PostgresError) -> String { try required(column) }
    /// Reads what ``text(_:)`` does, or NULL.
    package func optionalText(_ column: Int) throws(PostgresError) -> String? { try optional(column) }

    /// Reads `int4` or `int2`.
    package func int4(_ column: Int) throws(PostgresError) -> Int32 { try required(column) }
    /// Reads what ``int4(_:)`` does, or NULL.
    package func optionalInt4(_ column: Int) throws(PostgresError) -> Int32? { try optional(column) }

    /// Reads `int8`, `int4` or `int2`.
    package func int8(_ column: Int) throws(PostgresError) -> Int64 { try required(column) }
    /// Reads what ``int8(_:)`` does, or NULL.
    package func optionalInt8(_ column: Int) throws(PostgresError) -> Int64? { try optional(column) }

    /// Reads `float8` or `float4`.
    package func float8(_ column: Int) throws(PostgresError) -> Double { try required(column) }
    /// Reads what ``float8(_:)`` does, or NULL.
    package func optionalFloat8(_ column: Int) throws(PostgresError) -> Double? { try optional(column) }

    /// Reads `bool`.
    package func bool(_ column: Int) throws(PostgresError) -> Bool { try required(column) }
    /// Reads `bool`, or NULL.
    package func optionalBool(_ column: Int) throws(PostgresError) -> Bool? { try optional(column) }

    /// Reads `bytea`.
    package func bytes(_ column: Int) throws(PostgresError) -> [UInt8] { try required(column) }
    /// Reads `bytea`, or NULL.
    package func optionalBytes(_ column: Int) throws(PostgresError) -> [UInt8]? { try optional(column) }

    /// Reads `uuid`.
    package func uuid(_ column: Int) throws(PostgresError) -> UUIDBytes { try required(column) }
    /// Reads `uuid`, or NULL.
    package func optionalUUID(_ column: Int) throws(PostgresError) -> UUIDBytes? { try optional(column) }

    /// Reads `timestamptz`; the infinities do not decode.
    package func timestamp(_ column: Int) throws(PostgresError) -> Timestamp { try required(column) }
    /// Reads what ``timestamp(_:)`` does, or NULL.
    package func optionalTimestamp(_ column: Int) throws(PostgresError) -> Timestamp? { try optional(column) }
}

extension Row {
    private func required<Value: WireDecodable>(_ column: Int) throws(PostgresError) -> Value {
        guard let value: Value = try optional(column) else { throw failure(column, "is NULL") }
        return value
    }

    private func optional<Value: WireDecodable>(_ column: Int) throws(PostgresError) -> Value? {
        guard let bytes = try bytes(of: column) else {
            // A NULL of a wrong type is as wrong as a value: the mistake shows before the first value does.
            try require(Value.accepts(storage.type(ofColumn: column)), column, "another type than \(Value.self)")
            return nil
        }
        let type = storage.type(ofColumn: column)
        try require(Value.accepts(type), column, "another type than \(Value.self)")
        guard let value = Value.decode(bytes, of: type) else { throw failure(column, "does not fit \(Value.self)") }
        return value
    }

    private func require(_ holds: Bool, _ column: Int, _ problem: @autoclosure () -> String) throws(PostgresError) {
        guard holds else { throw failure(column, "has \(problem()) (type \(storage.type(ofColumn: column)))") }
    }

    /// The bytes of a column that must exist; `nil` for NULL.
    func bytes(of column: Int) throws(PostgresError) -> UnsafeRawBufferPointer? {
        guard column >= 0, column < storage.columnCount else { throw failure(column, "does not exist") }
        return storage.bytes(row: index, column: column)
    }

    func failure(_ column: Int, _ problem: String) -> PostgresError {
        PostgresError(.decoding, "column \(column) \(problem)")
    }
}
