extension ContextValue {
    /// The value as people read it, the same in every locale: `1,234.50 EUR`, `2026-03-29`, `2026-03-29 01:00 UTC`.
    /// Lists are joined by commas; objects have no text of their own and give their number.
    package var text: String {
        switch self {
        case .text(let text), .url(let text): text
        case .integer(let number): String(number)
        case .decimal(let number): number.description
        case .money(let money): money.text
        case .date(let date): date.description
        case .dateTime(let instant): instant.text
        case .boolean(let isTrue): isTrue ? "yes" : "no"
        case .textList(let items): items.joined(separator: ", ")
        case .objectList(let objects): String(objects.count)
        }
    }
}

extension Money {
    /// The amount with its currency, such as `-1,234.50 EUR`, `500 JPY`; digits in groups of three. An unknown
    /// currency is taken to have two decimal digits.
    package var text: String {
        let plain = FixedPoint.text(minorUnits, fractionDigits: Currency(code: currency)?.fractionDigits ?? 2)
        let sign = plain.hasPrefix("-") ? "-" : ""
        let unsigned = plain.dropFirst(sign.count)
        let whole = unsigned.prefix { $0 != "." }
        var grouped = ""
        for (index, digit) in whole.enumerated() {
            if index > 0, (whole.count - index) % 3 == 0 { grouped.append(",") }
            grouped.append(digit)
        }
        return "\(sign)\(grouped)\(unsigned.dropFirst(whole.count)) \(currency)"
    }
}

extension Instant {
    /// The instant to the minute, in UTC: `2026-03-29 01:00 UTC`.
    package var text: String { text(in: .utc) }

    /// The instant to the minute by the clock of `zone`, with the zone's name: `2026-03-29 03:00 Europe/Berlin`.
    package func text(in zone: ZoneRules) -> String {
        let local = zone.localTime(at: self)
        let hour = CivilDate.padded(local.secondOfDay / 3_600, 2)
        let minute = CivilDate.padded(local.secondOfDay / 60 % 60, 2)
        return "\(local.date) \(hour):\(minute) \(zone.name)"
    }
}
