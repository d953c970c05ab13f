internal import CarillonCNghttp2

/// What HTTP asks of the header block of a request (RFC 9113 §8.2, §8.3), beyond what HPACK and frames ask. A request that
/// breaks it is malformed, and its stream is reset with PROTOCOL_ERROR (§8.1.1).
///
/// libnghttp2 can check the same, but does so for each field of each request; here a field is checked when it differs from
/// the last request's. Pure; the octets of names and values are judged by libnghttp2's own tables.
struct RequestRules {
    /// How many octets of body the request announces.
    private(set) var contentLength: Int?

    private struct Seen: OptionSet {
        let rawValue: UInt8
        static let method = Seen(rawValue: 1)
        static let scheme = Seen(rawValue: 2)
        static let path = Seen(rawValue: 4)
        static let authority = Seen(rawValue: 8)
        static let host = Seen(rawValue: 16)
        static let contentLength = Seen(rawValue: 32)
        static let regular = Seen(rawValue: 64)
    }
    private enum Method {
        case connect
        case options
        case other
    }
    private enum Path {
        case absolute
        case asterisk
        case other
    }
    private var seen: Seen = []
    private var method = Method.other
    private var path = Path.other
    private var isHTTP = false

    /// Checks a whole header block; `nil` when the request is malformed.
    init?(_ block: HeaderBlock) {
        var isRight = true
        var rules = RequestRules()
        block.visit { name, value in
            if isRight { isRight = rules.meet(name) && rules.take(name, value) }
        }
        guard isRight, rules.areComplete else { return nil }
        self = rules
    }

    private init() {}

    /// Checks the fields that differ from those of the request that was checked last; the names are the same.
    ///
    /// - Returns: whether the request is right.
    mutating func recheck(_ block: HeaderBlock, _ changes: FieldChanges) -> Bool {
        var isRight = true
        var place = 0
        block.visit { name, value in
            if isRight, changes.contains(place) { isRight = take(name, value) }
            place += 1
        }
        return isRight && areComplete
    }

    /// Whether a field may stand in trailers (§8.1, §8.2).
    static func isTrailer(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
        var rules = RequestRules()
        return name.first != UInt8(ascii: ":") && rules.meet(name) && rules.take(name, value)
    }

    /// Takes note of a field that is there: each of HTTP's own only once, and the pseudo-header fields first.
    private mutating func meet(_ name: UnsafeRawBufferPointer) -> Bool {
        guard name.first == UInt8(ascii: ":") else {
            seen.insert(.regular)
            if name.matches("host") { return seen.insert(.host).inserted }
            if name.matches("content-length") { return seen.insert(.contentLength).inserted }
            return !Self.isForConnection(name)
        }
        guard !seen.contains(.regular) else { return false }
        if name.matches(":method") { return seen.insert(.method).inserted }
        if name.matches(":path") { return seen.insert(.path).inserted }
        if name.matches(":scheme") { return seen.insert(.scheme).inserted }
        if name.matches(":authority") { return seen.insert(.authority).inserted }
        return false
    }

    /// Fields that speak of an HTTP/1.1 connection (§8.2.2).
    private static func isForConnection(_ name: UnsafeRawBufferPointer) -> Bool {
        name.matches("connection") || name.matches("keep-alive") || name.matches("proxy-connection")
            || name.matches("transfer-encoding") || name.matches("upgrade")
    }

    /// Checks a name and its value, and keeps what the value means.
    private mutating func take(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Bool {
        guard let start = value.octets ?? name.octets, let nameStart = name.octets else { return false }
        let count = value.count
        if name.first == UInt8(ascii: ":") {
            guard count > 0 else { return false }
            switch name.count {
            case 5:
                path = value[0] == UInt8(ascii: "/") ? .absolute : value.matches("*") ? .asterisk : .other
                return nghttp2_check_path(start, count) != 0
            case 7 where name.matches(":method"):
                method = value.matches("CONNECT") ? .connect : value.matches("OPTIONS") ? .options : .other
                return nghttp2_check_method(start, count) != 0
            case 7:
                isHTTP = Self.isEqual(value, "http") || Self.isEqual(value, "https")
                return Self.isScheme(value)
            default: return nghttp2_check_authority(start, count) != 0
            }
        }
        guard nghttp2_check_header_name(nameStart, name.count) != 0,
            nghttp2_check_header_value_rfc9113(start, count) != 0
        else { return false }
        if name.matches("te") { return Self.isEqual(value, "trailers") }
        if name.matches("host") { return count > 0 && nghttp2_check_authority(start, count) != 0 }
        guard name.matches("content-length") else { return true }
        contentLength = Self.number(value)
        return contentLength != nil
    }

    /// Whether all is there that the method asks for (§8.3.1, §8.5).
    private var areComplete: Bool {
        guard seen.contains(.method) else { return false }
        if method == .connect { return seen.contains(.authority) && seen.isDisjoint(with: [.scheme, .path]) }
        guard seen.isSuperset(of: [.scheme, .path]), !seen.isDisjoint(with: [.authority, .host]) else { return false }
        return !isHTTP || path == .absolute || (path == .asterisk && method == .options)
    }

    /// RFC 3986 §3.1.
    private static func isScheme(_ value: UnsafeRawBufferPointer) -> Bool {
        func isLetter(_ octet: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(octet | 0x20) }
        return value.first.map(isLetter) == true
            && value.allSatisfy {
                isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "+")
                    || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".")
            }
    }

    /// Whether the octets are those of a word of lower-case letters, in any case.
    private static func isEqual(_ value: UnsafeRawBufferPointer, _ word: StaticString) -> Bool {
        value.count == word.utf8CodeUnitCount
            && zip(value, word.octets).allSatisfy { octet, letter in octet | 0x20 == letter }
    }

    /// Decimal digits and nothing else; `nil` when they are none or too many.
    private static func number(_ value: UnsafeRawBufferPointer) -> Int? {
        guard !value.isEmpty, value.count <= 18 else { return nil }
        var number = 0
        for octet in value {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(octet) else { return nil }
            number = 10 * number + Int(octet - UInt8(ascii: "0"))
        }
        return number
    }
}

extension UnsafeRawBufferPointer {
    /// The address of the first octet; `nil` when there is none.
    fileprivate var octets: UnsafePointer<UInt8>? {
        baseAddress?.assumingMemoryBound(to: UInt8.self)
    }
}
