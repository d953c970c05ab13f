/// A 128-bit identifier that carries the time of its making (RFC 9562, section 5.7).
///
/// Byte order is time order, so a table that is range-partitioned by month on its id needs no other time column, and a
/// read by id names one partition.
package struct UUIDv7: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The first eight bytes, big-endian: 48 bits of milliseconds, version 7, 12 random bits.
    package let high: UInt64
    /// The last eight bytes, big-endian: variant 0b10, 62 random bits.
    package let low: UInt64

    /// Makes an identifier.
    ///
    /// - Parameters:
    ///   - milliseconds: since the Unix epoch; the low 48 bits are kept.
    ///   - randomness: 12 bits are taken of the first number, 62 of the second.
    package init(milliseconds: UInt64, randomness: (UInt64, UInt64)) {
        high = milliseconds << 16 | 0x7000 | (randomness.0 & 0x0fff)
        low = 0x8000_0000_0000_0000 | (randomness.1 & 0x3fff_ffff_ffff_ffff)
    }

    /// The identifier with these two halves, or nil when version or variant are not those of a UUIDv7.
    package init?(high: UInt64, low: UInt64) {
        guard high & 0xf000 == 0x7000, low >> 62 == 0b10 else { return nil }
        self.high = high
        self.low = low
    }

    /// The identifier in these 16 bytes, or nil when they are not a UUIDv7.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else { return nil }
        var halves: (UInt64, UInt64) = (0, 0)
        for (index, byte) in bytes.enumerated() {
            if index < 8 {
                halves.0 = halves.0 << 8 | UInt64(byte)
            } else {
                halves.1 = halves.1 << 8 | UInt64(byte)
            }
        }
        self.init(high: halves.0, low: halves.1)
    }

    /// The identifier in text form (8-4-4-4-12 hexadecimal digits, either case), or nil when it is not a UUIDv7.
    package init?(_ text: String) {
        var halves: (UInt64, UInt64) = (0, 0)
        var digits = 0
        var position = 0
        for byte in text.utf8 {
            let isDashPlace = position == 8 || position == 13 || position == 18 || position == 23
            position += 1
            if isDashPlace {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let value = Self.hexValue(byte), digits < 32 else { return nil }
            if digits < 16 {
                halves.0 = halves.0 << 4 | value
            } else {
                halves.1 = halves.1 << 4 | value
            }
            digits += 1
        }
        guard digits == 32, position == 36 else { return nil }
        self.init(high: halves.0, low: halves.1)
    }

    /// When the identifier was made, in milliseconds since the Unix epoch.
    package var milliseconds: UInt64 { high >> 16 }

    /// The 16 bytes in network order.
    package var bytes: [UInt8] {
        // Safe because all 16 bytes are written before they are counted.
        unsafe [UInt8](unsafeUninitializedCapacity: 16) { buffer, count in
            for index in 0..<8 {
                let shift = UInt64(56 - 8 * index)
                unsafe buffer[index] = UInt8(truncatingIfNeeded: high >> shift)
                unsafe buffer[index + 8] = UInt8(truncatingIfNeeded: low >> shift)
            }
            count = 16
        }
    }

    /// The text form in lower case, such as `01981f0e-5c00-7abc-8def-0123456789ab`.
    package var description: String {
        // Safe because exactly the 36 bytes that are counted are written.
        unsafe String(unsafeUninitializedCapacity: 36) { buffer in
            var position = 0
            for index in 0..<32 {
                if index == 8 || index == 12 || index == 16 || index == 20 {
                    unsafe buffer[position] = UInt8(ascii: "-")
                    position += 1
                }
                let half = index < 16 ? high : low
                let nibble = UInt8(truncatingIfNeeded: half >> UInt64(60 - 4 * (index & 15))) & 0xf
                unsafe buffer[position] = nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10
                position += 1
            }
            return position
        }
    }

    /// Orders by bytes, as PostgreSQL orders its `uuid`.
    package static func < (left: UUIDv7, right: UUIDv7) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }

    /// The least identifier that can be made at or after `milliseconds` since the Unix epoch.
    package static func lowerBound(milliseconds: UInt64) -> UUIDv7 {
        UUIDv7(milliseconds: milliseconds, randomness: (0, 0))
    }

    /// The least identifier that can be made in `month` (UTC): the lower bound of the month's partition, and the upper
    /// bound, exclusive, of the month before.
    package static func lowerBound(of month: Month) -> UUIDv7 {
        lowerBound(milliseconds: UInt64(max(0, month.start.microseconds / 1_000)))
    }

    /// The month (UTC) whose partition holds this identifier.
    package var month: Month { Month(containing: Instant(milliseconds: Int64(milliseconds))) }

    private static func hexValue(_ byte: UInt8) -> UInt64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}

/// An identifier that we make ourselves and that carries its time.
package protocol TimedIdentifier: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// The identifier as such.
    var value: UUIDv7 { get }
    /// Wraps `value`.
    init(_ value: UUIDv7)
}

extension TimedIdentifier {
    /// The identifier in text form, or nil when `text` is not a UUIDv7.
    package init?(_ text: String) {
        guard let value = UUIDv7(text) else { return nil }
        self.init(value)
    }

    /// The text form of the identifier.
    package var description: String { value.description }

    /// Orders by time of making.
    package static func < (left: Self, right: Self) -> Bool { left.value < right.value }
}

/// Names one published event.
package struct EventID: TimedIdentifier {
    /// The identifier as such.
    package let value: UUIDv7
    /// Wraps `value`.
    package init(_ value: UUIDv7) { self.value = value }
}

/// Names one notification: what one event means to one recipient.
package struct NotificationID: TimedIdentifier {
    /// The identifier as such.
    package let value: UUIDv7
    /// Wraps `value`.
    package init(_ value: UUIDv7) { self.value = value }
}
