internal import CLibPQ

/// The parameters of one query in the form libpq takes them: all values in one contiguous buffer, and beside it the
/// arrays of types, lengths and formats. A connection keeps one and uses it for query after query, so that encoding
/// allocates nothing once the buffer has grown. libpq copies the values into its send buffer before it returns.
struct ParameterBuffer {
    /// The PostgreSQL types in order; unspecified where the value is NULL.
    private(set) var types: [Oid] = []
    // The first byte is never a value: an empty value at the end must still have an address, since libpq reads a
    // null pointer as NULL.
    private var bytes: [UInt8] = [0]
    private var offsets: [Int?] = []
    private var lengths: [CInt] = []
    private var formats: [CInt] = []
    private var pointers: [UnsafePointer<CChar>?] = []

    /// The encoded values, for tests.
    var values: [[UInt8]?] {
        zip(offsets, lengths).map { offset, length in offset.map { Array(bytes[$0..<$0 + Int(length)]) } }
    }

    /// Replaces what the buffer holds. The parameters must have no ``Parameter/defect``.
    mutating func encode(_ parameters: [Parameter]) {
        types.removeAll(keepingCapacity: true)
        bytes.removeSubrange(1...)
        offsets.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
        for parameter in parameters {
            types.append(parameter.type)
            if case .null = parameter {
                offsets.append(nil)
                lengths.append(0)
                continue
            }
            let start = bytes.count
            append(parameter)
            offsets.append(start)
            lengths.append(CInt(bytes.count - start))
        }
        while formats.count < parameters.count { formats.append(1) }
    }

    /// Lends the arrays to a libpq call: count, values, lengths, formats. The pointers are valid during the call only.
    mutating func withArguments<Result>(
        _ body: (
            CInt, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<CInt>?, UnsafePointer<CInt>?
        ) -> Result
    ) -> Result {
        pointers.removeAll(keepingCapacity: true)
        return bytes.withUnsafeBytes { bytes in
            let base = bytes.baseAddress.unsafelyUnwrapped
            for offset in offsets {
                pointers.append(offset.map { (base + $0).assumingMemoryBound(to: CChar.self) })
            }
            return pointers.withUnsafeBufferPointer { pointers in
                body(CInt(pointers.count), pointers.baseAddress, lengths, formats)
            }
        }
    }

    private mutating func append(_ parameter: Parameter) {
        switch parameter {
        case .null: break
        case .bool(let value): bytes.append(value ? 1 : 0)
        case .int4(let value): append(value)
        case .int8(let value): append(value)
        case .float8(let value): append(value.bitPattern)
        case .text(let value): append(value)
        case .bytes(let value): bytes.append(contentsOf: value)
        case .uuid(let value): append(value)
        case .timestamp(let value): append(value.wireValue)
        case .json(let value):
            // jsonb's binary form is a version byte, always 1, and the JSON text.
            bytes.append(1)
            append(value)
        case .int4Array(let values): appendArray(values, of: WireType.int4) { $0.append($1) }
        case .int8Array(let values): appendArray(values, of: WireType.int8) { $0.append($1) }
        case .textArray(let values): appendArray(values, of: WireType.text) { $0.append($1) }
        case .optionalTextArray(let values): appendOptionals(values, of: WireType.text) { $0.append($1) }
        case .bytesArray(let values): appendArray(values, of: WireType.bytea) { $0.bytes.append(contentsOf: $1) }
        case .optionalBytesArray(let values):
            appendOptionals(values, of: WireType.bytea) { $0.bytes.append(contentsOf: $1) }
        case .uuidArray(let values): appendArray(values, of: WireType.uuid) { $0.append($1) }
        case .timestampArray(let values): appendArray(values, of: WireType.timestamptz) { $0.append($1.wireValue) }
        case .optionalTimestampArray(let values):
            appendOptionals(values, of: WireType.timestamptz) { $0.append($1.wireValue) }
        case .boolArray(let values): appendArray(values, of: WireType.bool) { $0.bytes.append($1 ? 1 : 0) }
        }
    }

    private mutating func append<Integer: FixedWidthInteger>(_ value: Integer) {
        withUnsafeBytes(of: value.bigEndian) { bytes.append(contentsOf: $0) }
    }

    private mutating func append(_ text: String) {
        bytes.append(contentsOf: text.utf8)
    }

    private mutating func append(_ uuid: UUIDBytes) {
        append(uuid.high)
        append(uuid.low)
    }

    private mutating func appendArray<Element>(
        _ elements: [Element], of type: Oid, _ append: (inout ParameterBuffer, Element) -> Void
    ) {
        appendHeader(count: elements.count, hasNulls: false, of: type)
        for element in elements { appendElement(element, append) }
    }

    private mutating func appendOptionals<Element>(
        _ elements: [Element?], of type: Oid, _ append: (inout ParameterBuffer, Element) -> Void
    ) {
        appendHeader(count: elements.count, hasNulls: elements.contains { $0 == nil }, of: type)
        for element in elements {
            if let element { appendElement(element, append) } else { self.append(Int32(-1)) }
        }
    }

    /// `array_recv`: number of dimensions, flag for NULLs, element type, then per dimension its size and lower bound.
    private mutating func appendHeader(count: Int, hasNulls: Bool, of type: Oid) {
        append(Int32(count == 0 ? 0 : 1))
        append(Int32(hasNulls ? 1 : 0))
        append(type)
        guard count > 0 else { return }
        append(Int32(count))
        append(Int32(1))
    }

    private mutating func appendElement<Element>(
        _ element: Element, _ append: (inout ParameterBuffer, Element) -> Void
    ) {
        let start = bytes.count
        self.append(Int32(0))
        append(&self, element)
        let length = Int32(bytes.count - start - 4)
        withUnsafeBytes(of: length.bigEndian) { encoded in
            for (place, byte) in encoded.enumerated() { bytes[start + place] = byte }
        }
    }
}
