internal import SwiftProtobuf

/// A message in the form it has on the wire: a flag, its length and its bytes (gRPC over HTTP/2, "Length-Prefixed-Message").
/// SwiftProtobuf writes behind the prefix, so the message is not copied again.
struct MessageFrame: SwiftProtobufContiguousBytes {
    /// Length of the prefix: one octet of flags and four of length, big-endian.
    static let prefixLength = 5

    /// Prefix and message.
    private(set) var octets: [UInt8]

    init(repeating value: UInt8, count: Int) {
        let length = Self.prefixLength + count
        octets = []
        octets.reserveCapacity(length)
        // Not `[UInt8](repeating:count:)`, which is not specialised here and looks up its metadata for each message; and
        // what SwiftProtobuf asks for is filled with zeros, so that those of a small message are copied as one piece.
        if value == 0, length <= Self.zeros.count {
            octets.append(contentsOf: UnsafeRawBufferPointer(rebasing: Self.zeros[..<length]))
        } else {
            octets.append(contentsOf: repeatElement(value, count: length))
        }
        writePrefix(count)
    }

    /// Never written to, and lives as long as the process.
    nonisolated(unsafe) private static let zeros: UnsafeRawBufferPointer = {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 4096, alignment: 8)
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        return UnsafeRawBufferPointer(memory)
    }()

    init<Octets: Sequence<UInt8>>(_ sequence: Octets) {
        octets = [0, 0, 0, 0, 0]
        octets.append(contentsOf: sequence)
        writePrefix(count)
    }

    private mutating func writePrefix(_ count: Int) {
        octets[0] = 0
        octets[1] = UInt8(truncatingIfNeeded: count >> 24)
        octets[2] = UInt8(truncatingIfNeeded: count >> 16)
        octets[3] = UInt8(truncatingIfNeeded: count >> 8)
        octets[4] = UInt8(truncatingIfNeeded: count)
    }

    /// Length of the message.
    var count: Int { octets.count - Self.prefixLength }

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try octets.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[Self.prefixLength...])) }
    }

    mutating func withUnsafeMutableBytes<Result>(
        _ body: (UnsafeMutableRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        try octets.withUnsafeMutableBytes {
            try body(UnsafeMutableRawBufferPointer(rebasing: $0[Self.prefixLength...]))
        }
    }

    /// Serializes a message. It fails only for messages of 2 GiB.
    static func of(_ message: some Message) throws(Status) -> [UInt8] {
        do {
            let frame: MessageFrame = try message.serializedBytes()
            return frame.octets
        } catch {
            throw Status(.internalError, "the message cannot be serialized")
        }
    }

    /// Serializes a message and compresses it if that is asked for.
    static func of(_ message: some Message, _ encoding: MessageEncoding) throws(Status) -> [UInt8] {
        let frame = try of(message)
        guard encoding == .gzip else { return frame }
        return MessagePrefix.prefixed(try Gzip.compress(Array(frame[prefixLength...])), flags: 1)
    }

    /// Parses a message from untrusted bytes: nested at most 32 deep, unknown fields forgotten.
    static func parse<Parsed: Message>(_ bytes: UnsafeRawBufferPointer) throws(Status) -> Parsed {
        do {
            return try Parsed(serializedBytes: bytes.bytes, options: decoding)
        } catch {
            throw Status(.internalError, "the message cannot be parsed as \(Parsed.protoMessageName)")
        }
    }

    private static let decoding: BinaryDecodingOptions = {
        var options = BinaryDecodingOptions()
        options.messageDepthLimit = 32
        options.discardUnknownFields = true
        return options
    }()
}
