@testable import CarillonNet

/// Points in time for transcripts.
extension MonotonicTime {
    static func at(_ seconds: Double) -> MonotonicTime {
        MonotonicTime(nanoseconds: 1_000_000_000_000 + Int64(seconds * 1e9))
    }
}
