internal import CLibPQ

// The array readers: one dimension, and like the others strict by type. A NULL among the elements is an error unless
// the reader's elements are optional.
extension Row {
    /// Reads `text[]`, `varchar[]`, `name[]` or `jsonb[]`.
    package func textArray(_ column: Int) throws(PostgresError) -> [String] { try array(column) }
    /// Reads what ``textArray(_:)`` does, with NULLs among the elements.
    package func arrayOfOptionalText(_ column: Int) throws(PostgresError) -> [String?] { try elements(column) }
    /// Reads what ``textArray(_:)`` does, or NULL.
    package func optionalTextArray(_ column: Int) throws(PostgresError) -> [String]? { try optionalArray(column) }

    /// Reads `int4[]` or `int2[]`.
    package func int4Array(_ column: Int) throws(PostgresError) -> [Int32] { try array(column) }
    /// Reads what ``int4Array(_:)`` does, or NULL.
    package func optionalInt4Array(_ column: Int) throws(PostgresError) -> [Int32]? { try optionalArray(column) }

    /// Reads `int8[]`, `int4[]` or `int2[]`.
    package func int8Array(_ column: Int) throws(PostgresError) -> [Int64] { try array(column) }
    /// Reads what ``int8Array(_:)`` does, or NULL.
    package func optionalInt8Array(_ column: Int) throws(PostgresError) -> [Int64]? { try optionalArray(column) }

    /// Reads `float8[]`.
    package func float8Array(_ column: Int) throws(PostgresError) -> [Double] { try array(column) }
    /// Reads `float8[]`, or NULL.
    package func optionalFloat8Array(_ column: Int) throws(PostgresError) -> [Double]? { try optionalArray(column) }

    /// Reads `bool[]`.
    package func boolArray(_ column: Int) throws(PostgresError) -> [Bool] { try array(column) }
    /// Reads `bool[]`, or NULL.
    package func optionalBoolArray(_ column: Int) throws(PostgresError) -> [Bool]? { try optionalArray(column) }

    /// Reads `bytea[]`.
    package func bytesArray(_ column: Int) throws(PostgresError) -> [[UInt8]] { try array(column) }
    /// Reads `bytea[]` with NULLs among the elements.
    package func arrayOfOptionalBytes(_ column: Int) throws(PostgresError) -> [[UInt8]?] { try elements(column) }
    /// Reads `bytea[]`, or NULL.
    package func optionalBytesArray(_ column: Int) throws(PostgresError) -> [[UInt8]]? { try optionalArray(column) }

    /// Reads `uuid[]`.
    package func uuidArray(_ column: Int) throws(PostgresError) -> [UUIDBytes] { try array(column) }
    /// Reads `uuid[]`, or NULL.
    package func optionalUUIDArray(_ column: Int) throws(PostgresError) -> [UUIDBytes]? { try optionalArray(column) }

    /// Reads `timestamptz[]`.
    package func timestampArray(_ column: Int) throws(PostgresError) -> [Timestamp] { try array(column) }
    /// Reads `timestamptz[]` with NULLs among the elements.
    package func arrayOfOptionalTimestamp(_ column: Int) throws(PostgresError) -> [Timestamp?] { try elements(column) }
    /// Reads `timestamptz[]`, or NULL.
    package func optionalTimestampArray(_ column: Int) throws(PostgresError) -> [Timestamp]? {
        try optionalArray(column)
    }
}

extension Row {
    private func array<Element: WireDecodable>(_ column: Int) throws(PostgresError) -> [Element] {
        guard let values: [Element] = try optionalArray(column) else { throw failure(column, "is NULL") }
        return values
    }

    private func elements<Element: WireDecodable>(_ column: Int) throws(PostgresError) -> [Element?] {
        guard let values: [Element?] = try optionalElements(column) else { throw failure(column, "is NULL") }
        return values
    }

    private func optionalArray<Element: WireDecodable>(_ column: Int) throws(PostgresError) -> [Element]? {
        guard let elements: [Element?] = try optionalElements(column) else { return nil }
        var values: [Element] = []
        values.reserveCapacity(elements.count)
        for element in elements {
            guard let element else { throw failure(column, "has a NULL among its elements") }
            values.append(element)
        }
        return values
    }

    private func optionalElements<Element: WireDecodable>(_ column: Int) throws(PostgresError) -> [Element?]? {
        let bytes = try bytes(of: column)
        let type = storage.type(ofColumn: column)
        guard let element = WireType.element(of: type), Element.accepts(element) else {
            throw failure(column, "has another type than an array of \(Element.self) (type \(type))")
        }
        guard let bytes else { return nil }
        guard let elements = WireArray.decode(bytes, of: type, as: Element.self) else {
            throw failure(column, "does not fit an array of \(Element.self)")
        }
        return elements
    }
}
