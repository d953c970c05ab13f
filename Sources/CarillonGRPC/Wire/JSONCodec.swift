internal import SwiftProtobuf

/// Messages in the JSON mapping of Protocol Buffers (https://protobuf.dev/programming-guides/json/), which Connect speaks
/// to browsers: 64-bit integers as strings, enumerations by name, names in lowerCamelCase (the names of the .proto file are
/// read as well), what has its default value left out.
enum JSONCodec {
    /// Writes a message.
    ///
    /// - Throws: INTERNAL for what has no JSON form, such as a `google.protobuf.Any` of a type that is not known here.
    static func encode(_ message: some Message) throws(Status) -> [UInt8] {
        do {
            return try message.jsonUTF8Bytes()
        } catch {
            throw Status(.internalError, "the message cannot be written as JSON")
        }
    }

    /// Reads a message from untrusted octets: nested at most ``depthLimit`` deep, unknown fields and enumeration values
    /// passed over. Its time is linear in the octets.
    ///
    /// - Throws: INVALID_ARGUMENT when it is not the message's JSON. No octets at all are not JSON; `{}` is the empty
    ///   message.
    static func decode<Parsed: Message>(_ bytes: UnsafeRawBufferPointer) throws(Status) -> Parsed {
        do {
            return try Parsed(jsonUTF8Bytes: OctetsInPlace(bytes: bytes), options: decoding)
        } catch {
            // The kind of the error without what it carries, which is the caller's own and has no bound.
            let reason = error is JSONDecodingError ? ": " + String(describing: error).prefix { $0.isLetter } : ""
            throw Status(.invalidArgument, "the message cannot be read as JSON of \(Parsed.protoMessageName)\(reason)")
        }
    }

    /// How deep messages may be nested, unknown ones included.
    static let depthLimit = 32

    private static let decoding: JSONDecodingOptions = {
        var options = JSONDecodingOptions()
        options.messageDepthLimit = depthLimit
        options.ignoreUnknownFields = true
        return options
    }()
}

/// Octets that are read where they are, since SwiftProtobuf reads JSON from types that own theirs. They live as long as the
/// call that they are given to.
private struct OctetsInPlace: SwiftProtobufContiguousBytes {
    let bytes: UnsafeRawBufferPointer

    init(bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    init(repeating value: UInt8, count: Int) {
        preconditionFailure("only who writes asks for this")
    }

    init<Octets: Sequence<UInt8>>(_ sequence: Octets) {
        preconditionFailure("only who writes asks for this")
    }

    var count: Int { bytes.count }

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try body(bytes)
    }

    mutating func withUnsafeMutableBytes<Result>(
        _ body: (UnsafeMutableRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        preconditionFailure("only who writes asks for this")
    }
}
