/// JSON text as it is written (RFC 8259), for the few small documents of Connect.
struct JSONText {
    private(set) var octets: [UInt8] = []

    /// Writes octets as they are.
    mutating func append(_ syntax: StaticString) {
        octets.append(contentsOf: UnsafeBufferPointer(start: syntax.utf8Start, count: syntax.utf8CodeUnitCount))
    }

    /// Writes a string with its quotes. Besides what must be escaped, `<`, `>` and `&` are, so that the text is harmless
    /// even where something shows it as HTML.
    mutating func append(string: String) {
        octets.append(UInt8(ascii: "\""))
        for octet in string.utf8 {
            switch octet {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): octets += [UInt8(ascii: "\\"), octet]
            case UInt8(ascii: "\n"): octets += [UInt8(ascii: "\\"), UInt8(ascii: "n")]
            case 0..<0x20, 0x7f, UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"):
                append("\\u00")
                octets += [Self.hexadecimal[Int(octet >> 4)], Self.hexadecimal[Int(octet & 15)]]
            default: octets.append(octet)
            }
        }
        octets.append(UInt8(ascii: "\""))
    }

    private static let hexadecimal = Array("0123456789abcdef".utf8)
}
