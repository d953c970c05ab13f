/// The 16 bytes of a UUID as PostgreSQL's `uuid` holds them. What they mean is the owner's business.
///
/// Ordered as PostgreSQL orders them: by their bytes, so that version 7 ids sort by time.
package struct UUIDBytes: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// Bytes 0…7, the first byte in the highest bits.
    package let high: UInt64
    /// Bytes 8…15, the first byte in the highest bits.
    package let low: UInt64

    /// Makes a value of its two halves.
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Makes a value of exactly 16 bytes; `nil` for any other number.
    package init?(_ bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        high = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        low = bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Reads the text form 8-4-4-4-12 in hexadecimal of either case; `nil` for anything else.
    package init?(_ text: some StringProtocol) {
        var digits = 0
        var halves: (high: UInt64, low: UInt64) = (0, 0)
        guard text.utf8.count == 36 else { return nil }
        for (place, byte) in text.utf8.enumerated() {
            if Self.hyphens.contains(place) {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = Self.digit(byte) else { return nil }
            if digits < 16 { halves.high = halves.high << 4 | digit } else { halves.low = halves.low << 4 | digit }
            digits += 1
        }
        (high, low) = halves
    }

    /// The bytes in order.
    package var bytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
            for place in 0..<8 {
                buffer[place] = UInt8(truncatingIfNeeded: high >> (56 - 8 * place))
                buffer[place + 8] = UInt8(truncatingIfNeeded: low >> (56 - 8 * place))
            }
            count = 16
        }
    }

    /// The text form 8-4-4-4-12 in lower case.
    package var description: String {
        String(unsafeUninitializedCapacity: 36) { buffer in
            var digits = 0
            for place in 0..<36 {
                if Self.hyphens.contains(place) {
                    buffer[place] = UInt8(ascii: "-")
                    continue
                }
                let half = digits < 16 ? high : low
                let digit = UInt8(truncatingIfNeeded: half >> (60 - 4 * (digits % 16))) & 15
                buffer[place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
                digits += 1
            }
            return 36
        }
    }

    package static func < (lhs: UUIDBytes, rhs: UUIDBytes) -> Bool {
        (lhs.high, lhs.low) < (rhs.high, rhs.low)
    }

    private static let hyphens = [8, 13, 18, 23]

    private static func digit(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
