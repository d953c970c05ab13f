internal import SwiftProtobuf

/// One message as it came, without its prefix, taken out of its body: for those who cannot decode it at once. It can go to
/// another thread.
struct ReceivedMessage: Sendable {
    /// The message is what stands in ``range``.
    let octets: [UInt8]
    /// Where the message stands in ``octets``.
    let range: Range<Int>
    /// Whether it is compressed.
    let isCompressed: Bool

    /// Length of the message in octets, as it came.
    var count: Int { range.count }

    /// Calls a closure with the message as it came.
    func withOctets<Result>(_ body: (UnsafeRawBufferPointer) throws(Status) -> Result) throws(Status) -> Result {
        // `withUnsafeBytes` does not carry typed errors through.
        try octets.withUnsafeBytes { bytes in
            Swift.Result { () throws(Status) in try body(UnsafeRawBufferPointer(rebasing: bytes[range])) }
        }.get()
    }

    /// Decompresses and parses the message.
    ///
    /// - Parameters:
    ///   - type: how it is written.
    ///   - limits: what it may become.
    /// - Returns: what it says, and how many octets were made of it by decompression.
    /// - Throws: RESOURCE_EXHAUSTED past the limits; otherwise see ``Gzip/inflate(_:limit:)`` and
    ///   ``CallContentType/parse(_:)``.
    func decode<Parsed: Message>(
        as type: CallContentType, _ limits: ServerLimits
    ) throws(Status) -> (message: Parsed, inflated: Int) {
        guard isCompressed else { return (try withOctets { bytes throws(Status) in try type.parse(bytes) }, 0) }
        // What says that it is too much need not become much to be refused.
        let allowed = limits.inflatedSize(of: count)
        let size = claimsTooMuch(limits) ? min(limits.lightMessage, allowed) : allowed
        guard let inflated = try inflate(upTo: size, limits) else { throw limits.inflatesTooMuch(count) }
        let whole = ReceivedMessage(octets: inflated, range: inflated.indices, isCompressed: false)
        return (try whole.withOctets { bytes throws(Status) in try type.parse(bytes) }, inflated.count)
    }

    // MARK: Decompression

    /// How many octets it will become, as it says itself; see ``Gzip/claimedLength(_:)``.
    var claimedLength: Int { octets[range].suffix(4).withUnsafeBytes { Gzip.claimedLength($0) } }

    /// Whether it says itself that it becomes more than it may. Then it is refused in any case: either that is true, or it
    /// is broken.
    func claimsTooMuch(_ limits: ServerLimits) -> Bool { claimedLength > limits.inflatedSize(of: count) }

    /// Decompresses it.
    ///
    /// - Returns: `nil` if it becomes more than `size` octets, which need not be too many.
    /// - Throws: RESOURCE_EXHAUSTED if it becomes more than it may; see ``Gzip/inflate(_:limit:)``.
    func inflate(upTo size: Int, _ limits: ServerLimits) throws(Status) -> [UInt8]? {
        let result = try withOctets { bytes throws(Status) in try Gzip.inflate(bytes, limit: size) }
        if result == nil, size >= limits.inflatedSize(of: count) || claimsTooMuch(limits) {
            throw limits.inflatesTooMuch(count)
        }
        return result
    }
}
