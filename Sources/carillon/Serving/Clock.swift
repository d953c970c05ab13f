internal import Domain
internal import Foundation

/// The wall clock of this process. Everything below the executable is handed the time.
enum Clock {
    /// What time it is.
    static var now: Instant {
        // A Double holds the microseconds of today and of the next hundred years without loss.
        Instant(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
    }

    /// A fresh id that carries the time.
    static var freshID: UUIDv7 {
        var source = SystemRandomNumberGenerator()
        return UUIDv7(milliseconds: UInt64(now.microseconds / 1000), randomness: (source.next(), source.next()))
    }
}
