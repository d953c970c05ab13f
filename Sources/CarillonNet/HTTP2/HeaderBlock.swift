#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Header fields in the order they came or are to be sent, in two flat arrays: a request costs no allocation per field,
/// and a block that is used again none at all.
///
/// Names are lower-case (RFC 9113 §8.2); values are octets, usually ASCII.
package struct HeaderBlock: Sendable {
    private struct Field {
        var start: Int32
        var nameLength: Int32
        var valueLength: Int32
    }
    private var bytes: [UInt8] = []
    private var fields: [Field] = []

    /// Makes an empty block.
    package init() {}

    /// Makes an empty block with room for the fields of a usual request.
    static func forRequest() -> HeaderBlock {
        var block = HeaderBlock()
        block.bytes.reserveCapacity(384)
        block.fields.reserveCapacity(16)
        return block
    }

    /// The number of fields.
    package var count: Int { fields.count }

    /// The size as RFC 9113 §6.5.2 counts it: names, values and 32 octets for each field.
    package var listSize: Int { bytes.count + 32 * fields.count }

    /// Adds a field.
    package mutating func append(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        fields.append(
            Field(start: Int32(bytes.count), nameLength: Int32(name.count), valueLength: Int32(value.count)))
        bytes.append(contentsOf: name)
        bytes.append(contentsOf: value)
    }

    /// Adds a field from text; the name must be lower-case.
    package mutating func append(_ name: String, _ value: String) {
        var name = name
        var value = value
        name.withUTF8 { name in
            value.withUTF8 { value in append(name: .init(name), value: .init(value)) }
        }
    }

    /// Empties the block and keeps its memory.
    package mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        fields.removeAll(keepingCapacity: true)
    }

    /// Calls a closure with the octets of each field's name and value, in order.
    package func visit(_ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
        bytes.withUnsafeBytes { bytes in
            for field in fields {
                let middle = Int(field.start + field.nameLength)
                body(
                    .init(rebasing: bytes[Int(field.start)..<middle]),
                    .init(rebasing: bytes[middle..<(middle + Int(field.valueLength))]))
            }
        }
    }

    /// Calls a closure with the octets of the first field of that name, or with `nil`.
    package func withFirst<Result>(_ name: StaticString, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
        bytes.withUnsafeBytes { bytes in
            for field in fields where Int(field.nameLength) == name.utf8CodeUnitCount {
                let start = Int(field.start)
                let middle = start + Int(field.nameLength)
                guard UnsafeRawBufferPointer(rebasing: bytes[start..<middle]).matches(name) else { continue }
                return body(.init(rebasing: bytes[middle..<(middle + Int(field.valueLength))]))
            }
            return body(nil)
        }
    }

    /// Calls a closure with the octets of the only field of that name, or with `nil` when there is none or more than one:
    /// for what must not mean one thing here and another to a proxy in front.
    package func withOnly<Result>(_ name: StaticString, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
        bytes.withUnsafeBytes { bytes in
            var found: UnsafeRawBufferPointer?
            for field in fields where Int(field.nameLength) == name.utf8CodeUnitCount {
                let start = Int(field.start)
                let middle = start + Int(field.nameLength)
                guard UnsafeRawBufferPointer(rebasing: bytes[start..<middle]).matches(name) else { continue }
                if found != nil { return body(nil) }
                found = .init(rebasing: bytes[middle..<(middle + Int(field.valueLength))])
            }
            return body(found)
        }
    }

    /// The first value of that name as text; invalid UTF-8 is repaired.
    package subscript(name: StaticString) -> String? {
        withFirst(name) { $0.map { String(decoding: $0, as: UTF8.self) } }
    }
}

extension StaticString {
    /// The octets of the literal, which live as long as the process.
    package var octets: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: utf8Start, count: utf8CodeUnitCount)
    }
}

extension UnsafeRawBufferPointer {
    /// Whether the octets are those of a literal.
    package func matches(_ literal: StaticString) -> Bool {
        guard count == literal.utf8CodeUnitCount else { return false }
        guard let baseAddress else { return true }
        return memcmp(baseAddress, literal.utf8Start, count) == 0
    }
}
