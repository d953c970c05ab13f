import Domain
import Storage

extension Clocks {
    /// UTC, at a time for which it does not matter.
    static let utc = Clocks.at(Instant(seconds: 0))

    /// UTC at a time.
    static func at(_ now: Instant) -> Clocks { Clocks(zone: "UTC", now: now) }
}
