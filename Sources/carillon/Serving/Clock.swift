internal import CarillonNet
internal import Domain

/// The wall clock of this process. Everything below the executable is handed the time.
enum Clock {
    /// What time it is.
    static var now: Instant {
        Instant(microseconds: WallClock.microseconds)
    }

    /// A fresh id that carries the time.
    static var freshID: UUIDv7 {
        var source = SystemRandomNumberGenerator()
        return UUIDv7(milliseconds: UInt64(now.microseconds / 1000), randomness: (source.next(), source.next()))
    }
}
