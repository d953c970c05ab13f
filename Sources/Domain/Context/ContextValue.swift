/// A typed value of an event's context. Money and dates are never guessed from text.
package enum ContextValue: Hashable, Sendable {
    /// Text of any kind: `id`, `string`, `text`, `email`, `phone`, `enum`.
    case text(String)
    case integer(Int64)
    case decimal(Decimal)
    case money(Money)
    case date(CivilDate)
    case dateTime(Instant)
    case url(String)
    case boolean(Bool)
    case textList([String])
    /// Each object is its fields in order.
    case objectList([[ContextEntry]])
}

/// A name and its value, as the producer sent them.
package struct ContextEntry: Hashable, Sendable {
    /// The variable's name.
    package let name: String
    /// The value.
    package let value: ContextValue

    /// Pairs a name with a value; nothing is checked yet.
    package init(_ name: String, _ value: ContextValue) {
        self.name = name
        self.value = value
    }
}

/// An amount of money in minor units, so that no amount is ever rounded.
package struct Money: Hashable, Sendable {
    /// The amount in the currency's smallest unit: cents of EUR, yen of JPY, fils of KWD.
    package let minorUnits: Int64
    /// An ISO 4217 code in capitals.
    package let currency: String

    /// Makes an amount; whether the currency exists is checked with the context.
    package init(minorUnits: Int64, currency: String) {
        self.minorUnits = minorUnits
        self.currency = currency
    }
}

/// A decimal number kept as it was written: digits and a scale.
package struct Decimal: Hashable, Sendable, CustomStringConvertible {
    /// The number without its point.
    package let unscaled: Int64
    /// How many of its digits stand after the point: 0…18.
    package let scale: Int

    /// The number `unscaled` × 10^-`scale`, or nil when the scale is out of range.
    package init?(unscaled: Int64, scale: Int) {
        guard (0...18).contains(scale) else { return nil }
        self.unscaled = unscaled
        self.scale = scale
    }

    /// The number in the form `-12.50`, or nil when the text is anything else or has more than 18 digits.
    package init?(_ text: String) {
        var bytes = Substring(text).utf8
        let isNegative = bytes.first == UInt8(ascii: "-")
        if isNegative { bytes = bytes.dropFirst() }
        var value: Int64 = 0
        var digits = 0
        var pointAt: Int?
        for byte in bytes {
            if byte == UInt8(ascii: "."), pointAt == nil, digits > 0 {
                pointAt = digits
            } else if ASCII.isDigit(byte), digits < 18 {
                value = value * 10 + Int64(byte - UInt8(ascii: "0"))
                digits += 1
            } else {
                return nil
            }
        }
        guard digits > 0, pointAt != digits else { return nil }
        unscaled = isNegative ? -value : value
        scale = digits - (pointAt ?? digits)
    }

    /// The number with its point, as it was written.
    package var description: String { FixedPoint.text(unscaled, fractionDigits: scale) }
}

/// Text of whole numbers that stand for fractions.
enum FixedPoint {
    /// `1234567` with two fraction digits is `12345.67`.
    static func text(_ number: Int64, fractionDigits: Int) -> String {
        let digits = CivilDate.padded(number.magnitude, fractionDigits + 1)
        let whole = digits.dropLast(fractionDigits)
        let sign = number < 0 ? "-" : ""
        return fractionDigits == 0 ? "\(sign)\(whole)" : "\(sign)\(whole).\(digits.suffix(fractionDigits))"
    }
}
