/// A point in time: microseconds since the Unix epoch, as PostgreSQL keeps it.
package struct Instant: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Microseconds since 1970-01-01T00:00:00Z; negative before.
    package let microseconds: Int64

    /// The point so many microseconds after the Unix epoch.
    package init(microseconds: Int64) { self.microseconds = microseconds }

    /// The point so many milliseconds after the Unix epoch.
    package init(milliseconds: Int64) { microseconds = milliseconds &* 1_000 }

    /// The point so many seconds after the Unix epoch.
    package init(seconds: Int64) { microseconds = seconds &* 1_000_000 }

    /// Whole seconds since the Unix epoch, rounded down.
    package var seconds: Int64 {
        let (quotient, remainder) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// This point moved by a duration, to the microsecond.
    package func advanced(by duration: Duration) -> Instant {
        let (seconds, attoseconds) = duration.components
        return Instant(microseconds: microseconds + seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
    }

    /// How long from this point to another; negative when the other lies before.
    package func duration(to other: Instant) -> Duration { .microseconds(other.microseconds - microseconds) }

    /// RFC 3339 text in UTC, whole seconds, such as `2026-03-29T01:00:00Z`.
    package var description: String { LocalTime(secondsSinceEpoch: seconds).description + "Z" }

    /// Orders by time.
    package static func < (left: Instant, right: Instant) -> Bool { left.microseconds < right.microseconds }
}
