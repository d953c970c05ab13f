/// The header `connect-timeout-ms` (https://connectrpc.com/docs/protocol/): milliseconds in at most ten digits.
enum ConnectTimeout {
    /// Reads a header value; `nil` when it is malformed. Zero is a deadline that has passed.
    static func parse(_ value: UnsafeRawBufferPointer) -> Duration? {
        guard !value.isEmpty, value.count <= 10 else { return nil }
        var number: Int64 = 0
        for digit in value {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            number = number * 10 + Int64(digit - UInt8(ascii: "0"))
        }
        return .milliseconds(number)
    }
}
