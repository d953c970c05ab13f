internal import Domain
internal import SwiftProtobuf

extension Google_Protobuf_Timestamp {
    init(_ instant: Instant) {
        let seconds = instant.seconds
        self.init(seconds: seconds, nanos: Int32(instant.microseconds - seconds * 1_000_000) * 1000)
    }
}

extension Instant {
    /// The instant that a timestamp names, to the microsecond; nil outside of the years 1970 to 9999, or with malformed
    /// nanoseconds.
    init?(_ timestamp: Google_Protobuf_Timestamp) {
        guard (0...253_402_300_799).contains(timestamp.seconds), (0...999_999_999).contains(timestamp.nanos) else {
            return nil
        }
        self.init(microseconds: timestamp.seconds * 1_000_000 + Int64(timestamp.nanos / 1000))
    }
}
