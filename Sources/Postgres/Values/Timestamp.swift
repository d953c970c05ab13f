/// A moment of the wall clock, in microseconds since 1970-01-01T00:00:00Z: PostgreSQL's `timestamptz`.
///
/// PostgreSQL knows the years from 4713 BC on; a parameter before them is refused. `infinity` is not a moment: a column
/// that holds it does not decode.
package struct Timestamp: Sendable, Hashable, Comparable {
    /// Microseconds since the Unix epoch; negative before it.
    package let microseconds: Int64

    /// Makes a moment from microseconds since the Unix epoch.
    package init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// Makes a moment from milliseconds since the Unix epoch; saturates at the ends of what fits.
    package init(milliseconds: Int64) {
        let (product, overflow) = milliseconds.multipliedReportingOverflow(by: 1000)
        microseconds = overflow ? (milliseconds < 0 ? .min : .max) : product
    }

    /// Milliseconds since the Unix epoch, rounded down.
    package var milliseconds: Int64 {
        let (quotient, remainder) = microseconds.quotientAndRemainder(dividingBy: 1000)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// This moment moved by a duration, to the microsecond; saturates at the ends of what fits.
    package func advanced(by duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        guard !overflow else { return Timestamp(microseconds: seconds < 0 ? .min : .max) }
        let (sum, overflowOfSum) = microseconds.addingReportingOverflow(whole + attoseconds / 1_000_000_000_000)
        guard !overflowOfSum else { return Timestamp(microseconds: seconds < 0 ? .min : .max) }
        return Timestamp(microseconds: sum)
    }

    package static func < (lhs: Timestamp, rhs: Timestamp) -> Bool {
        lhs.microseconds < rhs.microseconds
    }

    /// 2000-01-01T00:00:00Z, the zero of the wire, in microseconds since the Unix epoch.
    private static let wireEpoch: Int64 = 946_684_800_000_000

    /// The moments that PostgreSQL and this type can hold: from 4713 BC on.
    static let representable =
        Timestamp(microseconds: -210_866_803_200_000_000)...Timestamp(microseconds: .max)

    /// The value on the wire; only for moments inside ``representable``.
    var wireValue: Int64 { microseconds - Self.wireEpoch }

    /// Reads the value on the wire; `nil` for the two infinities and what lies beyond our clock.
    init?(wireValue: Int64) {
        let (sum, overflow) = wireValue.addingReportingOverflow(Self.wireEpoch)
        guard !overflow, wireValue != .min else { return nil }
        microseconds = sum
    }
}
