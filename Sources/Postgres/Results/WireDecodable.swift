internal import CLibPQ

/// A Swift type that can be read from PostgreSQL's binary format.
protocol WireDecodable {
    /// Whether values of this PostgreSQL type are read. Types that lose nothing are; everything else is not.
    static func accepts(_ type: Oid) -> Bool

    /// Reads a value of an accepted type; `nil` if the bytes are not one.
    static func decode(_ bytes: UnsafeRawBufferPointer, of type: Oid) -> Self?
}

extension FixedWidthInteger {
    /// Reads a big-endian integer that fills the bytes.
    init?(wire bytes: UnsafeRawBufferPointer) {
        guard bytes.count == MemoryLayout<Self>.size else { return nil }
        self = Self(bigEndian: bytes.loadUnaligned(as: Self.self))
    }
}

extension Bool: WireDecodable {
    static func accepts(_ type: Oid) -> Bool { type == WireType.bool }

    static func decode(_ bytes: UnsafeRawBufferPointer, of type: Oid) -> Bool? {
        bytes.count == 1 ? bytes[0] != 0 : nil
    }
}

extension Int32: WireDecodable {
    static func accepts(_ type: Oid) -> Bool { type == WireType.int4 || type == WireType.int2 }

    static func decode(_ bytes: UnsafeRawBufferPointer, of type: Oid) -> Int32? {
        type == WireType.int2 ? Int16(wire: bytes).map(Int32.init) : Int32(wire: bytes)
    }
}

extension Int64: WireDecodable {
    static func accepts(_ type: Oid) -> Bool { type == WireType.int8 || Int32.accepts(type) }

    static func decode(_ bytes: UnsafeRawBufferPointer, of type: Oid) -> Int64? {
        type == WireType.int8 ? Int64(wire: bytes) : Int32.decode(bytes, of: type).map(Int64.init)
    }
}

extension Double: WireDecodable {
    static func accepts(_ type: Oid) -> Bool { type == WireType.float8 || type == WireType.float4 }

    static func decode(_ bytes: UnsafeRawBufferPointer, of type: Oid) -> Double? {
        type == WireType.float4
            ? UInt32(wire: bytes).map { Double(Float(bitPattern: $0)) }
            : UInt64(wire: bytes).map(Double.init(bitPattern:))
    }
}

extension String: WireDecodable {
    static func accepts(_ type: Oid) -> Bool {
        switch type {
        case WireType.text, WireType.varchar, WireType.bpchar, WireType.name, WireType.singleCharacter,
            WireType.unknown, WireType.json, WireType.jsonb:
            true
        default: false
        }
    }

    static func decode(_ bytes: UnsafeRawBufferPointer, of type: Oid) -> String? {
        guard type == WireType.jsonb else { return String(validating: bytes, as: UTF8.self) }
        // jsonb's binary form is a version byte, always 1, and the JSON text.
        guard bytes.first == 1 else { return nil }
        return String(validating: UnsafeRawBufferPointer(rebasing: bytes.dropFirst()), as: UTF8.self)
    }
}

extension [UInt8]: WireDecodable {
    static func accepts(_ type: Oid) -> Bool { type == WireType.bytea }

    static func decode(_ bytes: UnsafeRawBufferPointer, of type: Oid) -> [UInt8]? {
        Array(bytes)
    }
}

extension UUIDBytes: WireDecodable {
    static func accepts(_ type: Oid) -> Bool { type == WireType.uuid }

    static func decode(_ bytes: UnsafeRawBufferPointer, of type: Oid) -> UUIDBytes? {
        guard bytes.count == 16 else { return nil }
        return UUIDBytes(
            high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
            low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }
}

extension Timestamp: WireDecodable {
    static func accepts(_ type: Oid) -> Bool { type == WireType.timestamptz }

    static func decode(_ bytes: UnsafeRawBufferPointer, of type: Oid) -> Timestamp? {
        Int64(wire: bytes).flatMap { Timestamp(wireValue: $0) }
    }
}

/// Reads PostgreSQL's binary arrays: `array_send`'s header, then a length and the bytes of each element.
enum WireArray {
    /// The elements of an array of one dimension or none; `nil` if the bytes are not one whose elements are accepted.
    static func decode<Element: WireDecodable>(
        _ bytes: UnsafeRawBufferPointer, of array: Oid, as element: Element.Type
    ) -> [Element?]? {
        var rest = bytes[...]
        guard let dimensions = take(Int32.self, from: &rest), let flags = take(Int32.self, from: &rest),
            let type = take(Oid.self, from: &rest), dimensions == 0 || dimensions == 1, flags == 0 || flags == 1,
            type == WireType.element(of: array), Element.accepts(type)
        else { return nil }
        guard dimensions == 1 else { return rest.isEmpty ? [] : nil }
        // Each element takes at least its length's four bytes, which bounds what a wrong count can allocate.
        guard let count = take(Int32.self, from: &rest), take(Int32.self, from: &rest) != nil,
            count >= 0, Int(count) <= rest.count / 4
        else { return nil }
        var elements: [Element?] = []
        elements.reserveCapacity(Int(count))
        for _ in 0..<count {
            guard let length = take(Int32.self, from: &rest), length >= -1, Int(length) <= rest.count else {
                return nil
            }
            guard length >= 0 else {
                elements.append(nil)
                continue
            }
            let value = UnsafeRawBufferPointer(rebasing: rest.prefix(Int(length)))
            rest = rest.dropFirst(Int(length))
            guard let decoded = Element.decode(value, of: type) else { return nil }
            elements.append(decoded)
        }
        return rest.isEmpty ? elements : nil
    }

    private static func take<Integer: FixedWidthInteger>(
        _ type: Integer.Type, from rest: inout Slice<UnsafeRawBufferPointer>
    ) -> Integer? {
        let size = MemoryLayout<Integer>.size
        guard rest.count >= size else { return nil }
        defer { rest = rest.dropFirst(size) }
        return Integer(wire: UnsafeRawBufferPointer(rebasing: rest.prefix(size)))
    }
}
