/// A JSON value as PostgreSQL gives a `jsonb` back: numbers are whole, since we store no others.
enum JSONValue: Equatable {
    case null
    case bool(Bool)
    case integer(Int64)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    /// Reads a text; nil if it is not one JSON value of the kinds that we store, or nests deeper than 32 levels.
    init?(_ text: String) {
        var reader = JSONReader(bytes: Array(text.utf8))
        guard let value = reader.value(depth: 0), reader.isAtEnd else { return nil }
        self = value
    }

    var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    var integer: Int64? {
        if case .integer(let value) = self { value } else { nil }
    }

    var bool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    var array: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    /// A member of an object; nil when there is none, or this is not an object.
    subscript(key: String) -> JSONValue? {
        if case .object(let members) = self { members[key] } else { nil }
    }
}

/// Reads JSON text (RFC 8259) byte by byte.
private struct JSONReader {
    private let bytes: [UInt8]
    private var position = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// Whether nothing but white space is left.
    var isAtEnd: Bool { bytes[position...].allSatisfy(Self.isSpace) }

    mutating func value(depth: Int) -> JSONValue? {
        guard depth < 32, let first = next() else { return nil }
        switch first {
        case UInt8(ascii: "{"): return object(depth: depth)
        case UInt8(ascii: "["): return array(depth: depth)
        case UInt8(ascii: "\""): return string().map { .string($0) }
        case UInt8(ascii: "t"): return literal("rue", .bool(true))
        case UInt8(ascii: "f"): return literal("alse", .bool(false))
        case UInt8(ascii: "n"): return literal("ull", .null)
        default:
            position -= 1
            return integer()
        }
    }

    private mutating func object(depth: Int) -> JSONValue? {
        var members: [String: JSONValue] = [:]
        guard var byte = next() else { return nil }
        while byte != UInt8(ascii: "}") {
            guard byte == UInt8(ascii: "\""), let key = string(), next() == UInt8(ascii: ":"),
                let value = value(depth: depth + 1), let after = next()
            else { return nil }
            members[key] = value
            byte = after
            if byte == UInt8(ascii: ",") {
                guard let key = next(), key == UInt8(ascii: "\"") else { return nil }
                byte = key
            } else if byte != UInt8(ascii: "}") {
                return nil
            }
        }
        return .object(members)
    }

    private mutating func array(depth: Int) -> JSONValue? {
        var elements: [JSONValue] = []
        guard var byte = next() else { return nil }
        while byte != UInt8(ascii: "]") {
            position -= 1
            guard let value = value(depth: depth + 1), let after = next() else { return nil }
            elements.append(value)
            byte = after
            if byte == UInt8(ascii: ",") {
                guard let element = next(), element != UInt8(ascii: "]") else { return nil }
                byte = element
            } else if byte != UInt8(ascii: "]") {
                return nil
            }
        }
        return .array(elements)
    }

    private mutating func string() -> String? {
        var unescaped: [UInt8] = []
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(validating: unescaped, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let scalar = escape() else { return nil }
                unescaped.append(contentsOf: String(Character(scalar)).utf8)
            case 0x00..<0x20: return nil
            default: unescaped.append(byte)
            }
        }
        return nil
    }

    private mutating func escape() -> Unicode.Scalar? {
        guard position < bytes.count else { return nil }
        let byte = bytes[position]
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{c}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            guard let unit = codeUnit() else { return nil }
            if let scalar = Unicode.Scalar(unit) { return scalar }
            // The first half of a surrogate pair: the second half follows in an escape of its own.
            guard (0xd800..<0xdc00).contains(unit), literal("\\u", .null) != nil, let low = codeUnit(),
                (0xdc00..<0xe000).contains(low)
            else { return nil }
            return Unicode.Scalar(0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00))
        default: return nil
        }
    }

    private mutating func codeUnit() -> UInt32? {
        guard position + 4 <= bytes.count else { return nil }
        let digits = String(decoding: bytes[position..<position + 4], as: UTF8.self)
        position += 4
        return UInt32(digits, radix: 16)
    }

    private mutating func integer() -> JSONValue? {
        let start = position
        while position < bytes.count, bytes[position] == UInt8(ascii: "-") || Self.isDigit(bytes[position]) {
            position += 1
        }
        return Int64(String(decoding: bytes[start..<position], as: UTF8.self)).map { .integer($0) }
    }

    private mutating func literal(_ rest: String, _ value: JSONValue) -> JSONValue? {
        guard bytes[position...].starts(with: rest.utf8) else { return nil }
        position += rest.utf8.count
        return value
    }

    private mutating func next() -> UInt8? {
        while position < bytes.count, Self.isSpace(bytes[position]) { position += 1 }
        guard position < bytes.count else { return nil }
        position += 1
        return bytes[position - 1]
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
