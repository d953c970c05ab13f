internal import CLibPQ

/// One value for a `$n` of a statement. It goes over the wire in binary form, with its PostgreSQL type named, so the
/// server never guesses what the bytes mean; casts to another type (`$1::text::my_enum`) belong in the SQL.
///
/// `null` has no type of its own and fits every `$n`. Text must not hold a zero byte, which PostgreSQL cannot store:
/// such a unit is refused before anything is sent.
package enum Parameter: Sendable, Hashable {
    /// SQL's NULL.
    case null
    /// `bool`.
    case bool(Bool)
    /// `int4`.
    case int4(Int32)
    /// `int8`.
    case int8(Int64)
    /// `float8`.
    case float8(Double)
    /// `text`.
    case text(String)
    /// `bytea`.
    case bytes([UInt8])
    /// `uuid`.
    case uuid(UUIDBytes)
    /// `timestamptz`.
    case timestamp(Timestamp)
    /// `jsonb`, as JSON text; the server checks it.
    case json(String)
    /// `int4[]`.
    case int4Array([Int32])
    /// `int8[]`.
    case int8Array([Int64])
    /// `text[]`.
    case textArray([String])
    /// `text[]` with NULLs.
    case optionalTextArray([String?])
    /// `bytea[]`.
    case bytesArray([[UInt8]])
    /// `bytea[]` with NULLs.
    case optionalBytesArray([[UInt8]?])
    /// `uuid[]`.
    case uuidArray([UUIDBytes])
    /// `timestamptz[]`.
    case timestampArray([Timestamp])
    /// `timestamptz[]` with NULLs.
    case optionalTimestampArray([Timestamp?])
    /// `bool[]`.
    case boolArray([Bool])
}

extension Parameter {
    /// The PostgreSQL type that is named to the server; unspecified for NULL.
    var type: Oid {
        switch self {
        case .null: WireType.unspecified
        case .bool: WireType.bool
        case .int4: WireType.int4
        case .int8: WireType.int8
        case .float8: WireType.float8
        case .text: WireType.text
        case .bytes: WireType.bytea
        case .uuid: WireType.uuid
        case .timestamp: WireType.timestamptz
        case .json: WireType.jsonb
        case .int4Array: WireType.int4Array
        case .int8Array: WireType.int8Array
        case .textArray, .optionalTextArray: WireType.textArray
        case .bytesArray, .optionalBytesArray: WireType.byteaArray
        case .uuidArray: WireType.uuidArray
        case .timestampArray, .optionalTimestampArray: WireType.timestamptzArray
        case .boolArray: WireType.boolArray
        }
    }
}
