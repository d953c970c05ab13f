/// Digits, capitals and small letters: what a key is written with, so that a double click selects all of it.
enum Base62 {
    private static let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".utf8)

    /// Whether an octet is one of the 62.
    static func contains(_ octet: UInt8) -> Bool {
        switch octet {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }

    /// Whether all octets are of the 62.
    static func areAll(_ octets: ArraySlice<UInt8>) -> Bool {
        for octet in octets where !contains(octet) { return false }
        return true
    }

    /// Draws characters that are all equally likely. `randomness` gives 64 random bits at a time.
    static func random(_ count: Int, _ randomness: () -> UInt64) -> [UInt8] {
        var characters: [UInt8] = []
        characters.reserveCapacity(count)
        while characters.count < count {
            var bits = randomness()
            for _ in 0..<8 where characters.count < count {
                let octet = UInt8(truncatingIfNeeded: bits)
                bits >>= 8
                // 248 is the greatest multiple of 62 in an octet: what lies above would make some characters likelier.
                if octet < 248 { characters.append(alphabet[Int(octet % 62)]) }
            }
        }
        return characters
    }

    /// A number in exactly `width` characters; what does not fit is cut off at the left.
    static func digits(of number: UInt32, width: Int) -> [UInt8] {
        var digits = [UInt8](repeating: alphabet[0], count: width)
        var rest = Int(number)
        for place in (0..<width).reversed() {
            digits[place] = alphabet[rest % 62]
            rest /= 62
        }
        return digits
    }
}
