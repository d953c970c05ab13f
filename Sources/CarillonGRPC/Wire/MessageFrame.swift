internal import CarillonNet
internal import SwiftProtobuf

/// A message in the form it has on the wire: a flag, its length and its bytes (gRPC over HTTP/2, "Length-Prefixed-Message").
/// SwiftProtobuf writes behind the prefix, so the message is not copied again.
struct MessageFrame: SwiftProtobufContiguousBytes {
    /// Length of the prefix: one octet of flags and four of length, big-endian.
    static let prefixLength = 5

    /// Prefix and message.
    let octets: OutgoingOctets

    /// SwiftProtobuf asks for zeros, to write over them.
    init(repeating value: UInt8, count: Int) {
        octets = .zeros(Self.prefixLength + count)
        let memory = octets.memory
        memory.storeBytes(of: UInt32(truncatingIfNeeded: count).bigEndian, toByteOffset: 1, as: UInt32.self)
        if value != 0 { for place in Self.prefixLength..<memory.count { memory[place] = value } }
    }

    init<Octets: Sequence<UInt8>>(_ sequence: Octets) {
        let message = sequence as? [UInt8] ?? Array(sequence)
        self.init(repeating: 0, count: message.count)
        self.message.copyBytes(from: message)
    }

    /// Length of the message.
    var count: Int { octets.count - Self.prefixLength }

    /// The memory behind the prefix, good while the frame is.
    private var message: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: octets.memory[Self.prefixLength...])
    }

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        defer { withExtendedLifetime(octets) {} }
        return try body(UnsafeRawBufferPointer(message))
    }

    mutating func withUnsafeMutableBytes<Result>(
        _ body: (UnsafeMutableRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        defer { withExtendedLifetime(octets) {} }
        return try body(message)
    }

    /// Serializes a message. It fails only for messages of 2 GiB.
    static func of(_ message: some Message) throws(Status) -> OutgoingOctets {
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
        let octets = withExtendedLifetime(frame) { Array(frame.memory) }
        guard encoding == .gzip else { return octets }
        return MessagePrefix.prefixed(try Gzip.compress(Array(octets[prefixLength...])), flags: 1)
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
