internal import CarillonNet

/// The header `grpc-timeout` (gRPC over HTTP/2, "Requests"): one to eight digits and a unit.
enum GRPCTimeout {
    /// Reads a header value; `nil` when it is malformed. Zero is a deadline that has passed.
    static func parse(_ value: UnsafeRawBufferPointer) -> Duration? {
        guard value.count >= 2, value.count <= 9, let unit = value.last else { return nil }
        var number: Int64 = 0
        for digit in value.dropLast() {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            number = number * 10 + Int64(digit - UInt8(ascii: "0"))
        }
        switch unit {
        case UInt8(ascii: "H"): return .seconds(number * 3600)
        case UInt8(ascii: "M"): return .seconds(number * 60)
        case UInt8(ascii: "S"): return .seconds(number)
        case UInt8(ascii: "m"): return .milliseconds(number)
        case UInt8(ascii: "u"): return .microseconds(number)
        case UInt8(ascii: "n"): return .nanoseconds(number)
        default: return nil
        }
    }

    /// Writes a header value in the finest unit whose number has at most eight digits, rounded up.
    static func format(_ duration: Duration) -> String {
        var number = max(1, duration.wholeNanoseconds)
        for (unit, next) in [("n", 1000), ("u", 1000), ("m", 1000), ("S", 60), ("M", 60), ("H", Int64.max)] {
            if number <= 99_999_999 { return "\(number)\(unit)" }
            number = number / next + (number % next == 0 ? 0 : 1)
        }
        return "99999999H"
    }
}
