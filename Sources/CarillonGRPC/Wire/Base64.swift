/// Base64 of `-bin` metadata: the standard alphabet (RFC 4648 §4), written without padding, read with or without it; and
/// reading of the url-safe alphabet (§5).
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// Encodes octets without padding.
    static func encode(_ octets: [UInt8]) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(octets.count * 4 / 3 + 3)
        var index = 0
        while index < octets.count {
            let rest = octets.count - index
            let group =
                UInt32(octets[index]) << 16 | (rest > 1 ? UInt32(octets[index + 1]) << 8 : 0)
                | (rest > 2 ? UInt32(octets[index + 2]) : 0)
            for place in 0...min(rest, 3) {
                text.append(alphabet[Int(group >> UInt32(18 - 6 * place) & 63)])
            }
            index += 3
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Decodes text; `nil` when it is not base64.
    package static func decode(_ text: some BidirectionalCollection<UInt8>) -> [UInt8]? {
        decode(text, plus: UInt8(ascii: "+"), slash: UInt8(ascii: "/"))
    }

    /// Decodes text in the url-safe alphabet; `nil` when it is not that.
    static func decodeURLSafe(_ text: some BidirectionalCollection<UInt8>) -> [UInt8]? {
        decode(text, plus: UInt8(ascii: "-"), slash: UInt8(ascii: "_"))
    }

    private static func decode(
        _ text: some BidirectionalCollection<UInt8>, plus: UInt8, slash: UInt8
    ) -> [UInt8]? {
        var unpadded = text[...]
        for _ in 0..<2 where unpadded.last == UInt8(ascii: "=") { unpadded.removeLast() }
        guard unpadded.count % 4 != 1 else { return nil }
        var octets: [UInt8] = []
        octets.reserveCapacity(unpadded.count * 3 / 4)
        var group: UInt32 = 0
        var bits = 0
        for digit in unpadded {
            let value: UInt32
            switch digit {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = UInt32(digit - UInt8(ascii: "A"))
            case UInt8(ascii: "a")...UInt8(ascii: "z"): value = UInt32(digit - UInt8(ascii: "a")) + 26
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = UInt32(digit - UInt8(ascii: "0")) + 52
            case plus: value = 62
            case slash: value = 63
            default: return nil
            }
            group = group << 6 | value
            bits += 6
            guard bits >= 8 else { continue }
            bits -= 8
            octets.append(UInt8(truncatingIfNeeded: group >> UInt32(bits)))
        }
        return octets
    }
}
