internal import Domain

/// The date of a mail's header (RFC 5322 §3.3), in UTC.
enum InternetDate {
    private static let days = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    static func text(_ instant: Instant) -> String {
        let time = LocalTime(secondsSinceEpoch: instant.seconds)
        let date = time.date
        let clock = [time.secondOfDay / 3600, time.secondOfDay / 60 % 60, time.secondOfDay % 60].map { number in
            number < 10 ? "0\(number)" : "\(number)"
        }
        let day = "\(days[date.weekday.rawValue - 1]), \(date.day) \(months[date.month - 1]) \(date.year)"
        return "\(day) \(clock.joined(separator: ":")) +0000"
    }
}
