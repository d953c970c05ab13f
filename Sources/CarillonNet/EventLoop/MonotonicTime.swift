internal import CarillonCLibUV

/// A point on the machine's monotonic clock (`uv_hrtime`), in nanoseconds since an arbitrary start.
///
/// It never jumps with the wall clock, so deadlines, timers and leases are measured with it. Values of
/// two processes or two boots cannot be compared.
package struct MonotonicTime: InstantProtocol, Hashable {
    /// Nanoseconds since the clock's arbitrary start.
    package var nanoseconds: Int64

    /// Makes a point in time from its nanoseconds.
    package init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// The time at this very moment. A loop's `now` is cheaper and good enough where a tick does not matter.
    package static var current: MonotonicTime {
        MonotonicTime(nanoseconds: Int64(truncatingIfNeeded: uv_hrtime()))
    }

    /// A point that no clock reaches: a deadline that never passes.
    package static let distantFuture = MonotonicTime(nanoseconds: .max)

    /// This point moved by a duration; saturates at `distantFuture` instead of overflowing.
    package func advanced(by duration: Duration) -> MonotonicTime {
        advanced(byNanoseconds: duration.wholeNanoseconds)
    }

    /// This point moved by nanoseconds; saturates at `distantFuture` instead of overflowing.
    package func advanced(byNanoseconds count: Int64) -> MonotonicTime {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(count)
        guard overflow else { return MonotonicTime(nanoseconds: sum) }
        return count < 0 ? MonotonicTime(nanoseconds: .min) : .distantFuture
    }

    /// The time from this point to another; negative when the other lies before.
    package func duration(to other: MonotonicTime) -> Duration {
        .nanoseconds(other.nanoseconds.subtractingReportingOverflow(nanoseconds).partialValue)
    }

    package static func < (lhs: MonotonicTime, rhs: MonotonicTime) -> Bool {
        lhs.nanoseconds < rhs.nanoseconds
    }
}

extension Duration {
    /// The duration in nanoseconds, saturating at the ends of `Int64` (292 years).
    package var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, carried) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        guard !carried else { return seconds < 0 ? .min : .max }
        return sum
    }
}
