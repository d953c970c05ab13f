/// The body of a Connect call with one message: the message as it is, without a prefix. A body of no octets is a message too.
struct BareMessage {
    /// What came so far.
    private(set) var octets: [UInt8] = []
    /// Whether it is compressed as a whole.
    var isCompressed = false
    private let isInAddress: Bool

    /// A message that is to come in the body.
    init() {
        isInAddress = false
    }

    /// A message that came in the query of the address, so that there must be no body.
    init(inAddress octets: [UInt8]) {
        self.octets = octets
        isInAddress = true
    }

    /// Takes octets of the body.
    ///
    /// - Throws: RESOURCE_EXHAUSTED as soon as there are more than the limit; INVALID_ARGUMENT when the message came
    ///   already.
    mutating func append(_ bytes: UnsafeRawBufferPointer, limit: Int) throws(Status) {
        guard !isInAddress || bytes.isEmpty else {
            throw Status(.invalidArgument, "a call by GET has its message in the address and no body")
        }
        guard bytes.count <= limit - octets.count else {
            throw Status(.resourceExhausted, "the message has more than \(limit) bytes, which is the limit")
        }
        octets.append(contentsOf: bytes)
    }

    /// The message as it came.
    var message: ReceivedMessage {
        ReceivedMessage(octets: octets, range: octets.indices, isCompressed: isCompressed)
    }
}
