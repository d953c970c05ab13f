internal import CLibPQ

/// The built-in types that this module writes and reads, by their object identifiers.
///
/// They are fixed for all servers: the manual of `pg_type.dat` says that identifiers below 10,000 never change.
enum WireType {
    static let unspecified: Oid = 0
    static let bool: Oid = 16
    static let bytea: Oid = 17
    static let singleCharacter: Oid = 18
    static let name: Oid = 19
    static let int8: Oid = 20
    static let int2: Oid = 21
    static let int4: Oid = 23
    static let text: Oid = 25
    static let json: Oid = 114
    static let float4: Oid = 700
    static let float8: Oid = 701
    static let unknown: Oid = 705
    static let bpchar: Oid = 1042
    static let varchar: Oid = 1043
    static let timestamptz: Oid = 1184
    static let uuid: Oid = 2950
    static let jsonb: Oid = 3802

    static let boolArray: Oid = 1000
    static let byteaArray: Oid = 1001
    static let nameArray: Oid = 1003
    static let int2Array: Oid = 1005
    static let int4Array: Oid = 1007
    static let textArray: Oid = 1009
    static let varcharArray: Oid = 1015
    static let int8Array: Oid = 1016
    static let float8Array: Oid = 1022
    static let timestamptzArray: Oid = 1185
    static let uuidArray: Oid = 2951
    static let jsonbArray: Oid = 3807

    /// The type of an array type's elements; `nil` for what is not an array known here.
    static func element(of array: Oid) -> Oid? {
        switch array {
        case boolArray: bool
        case byteaArray: bytea
        case nameArray: name
        case int2Array: int2
        case int4Array: int4
        case textArray: text
        case varcharArray: varchar
        case int8Array: int8
        case float8Array: float8
        case timestamptzArray: timestamptz
        case uuidArray: uuid
        case jsonbArray: jsonb
        default: nil
        }
    }
}
