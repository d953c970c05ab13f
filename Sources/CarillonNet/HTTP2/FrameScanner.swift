/// The head of a frame (RFC 9113 §4.1).
struct FrameHead: Equatable {
    static let length = 9
    /// The most octets that a peer may put into a frame: the initial SETTINGS_MAX_FRAME_SIZE, and we announce no other.
    static let largestPayload = 16_384

    var payload: Int
    var type: UInt8
    var flags: UInt8
    var stream: Int32

    /// Reads the nine octets at a place.
    init(_ octets: UnsafeRawPointer) {
        func octet(_ index: Int) -> UInt8 { octets.load(fromByteOffset: index, as: UInt8.self) }
        payload = Int(octet(0)) << 16 | Int(octet(1)) << 8 | Int(octet(2))
        type = octet(3)
        flags = octet(4)
        stream = Int32(octet(5) & 0x7f) << 24 | Int32(octet(6)) << 16 | Int32(octet(7)) << 8 | Int32(octet(8))
    }

    /// Whether it ends a header block (HEADERS or CONTINUATION).
    var endsHeaders: Bool { flags & 0x4 != 0 }
    /// Whether it ends the stream (HEADERS or DATA).
    var endsStream: Bool { flags & 0x1 != 0 }

    static let data: UInt8 = 0
    static let headers: UInt8 = 1
    static let priority: UInt8 = 2
    static let resetStream: UInt8 = 3
    static let continuation: UInt8 = 9
}

/// Finds the heads of frames in octets that come in pieces. libnghttp2 tells of no frame that it ignores, and those cost
/// too. Pure: it looks, and neither takes nor changes anything.
struct FrameScanner {
    /// Octets to pass over before the next head: the preface of a client, or what is left of a payload.
    private(set) var skip: Int
    /// Whether those octets are the preface.
    private(set) var isInPreface: Bool
    /// The start of a head whose end has not come.
    private var partial: (UInt64, UInt8) = (0, 0)
    private var partialCount = 0
    /// Whether a header block has begun and not ended.
    private(set) var isInHeaderBlock = false
    private var endsWithPayload = false

    /// Makes a scanner for what a client sends, which begins with the preface (RFC 9113 §3.4), or for what a server sends.
    init(ofClient: Bool) {
        skip = ofClient ? 24 : 0
        isInPreface = ofClient
    }

    /// Goes on to the next head.
    ///
    /// - Parameter place: where to go on in the octets; afterwards it is behind the head.
    /// - Returns: the head, or `nil` when the octets are used up.
    mutating func next(_ octets: UnsafeRawBufferPointer, _ place: inout Int) -> FrameHead? {
        let passed = min(skip, octets.count - place)
        place += passed
        skip -= passed
        guard skip == 0 else { return nil }
        isInPreface = false
        if endsWithPayload {
            isInHeaderBlock = false
            endsWithPayload = false
        }
        guard place < octets.count, let start = octets.baseAddress else { return nil }
        let head: FrameHead
        if partialCount == 0, octets.count - place >= FrameHead.length {
            head = FrameHead(start + place)
            place += FrameHead.length
        } else {
            guard let completed = complete(octets, &place) else { return nil }
            head = completed
        }
        skip = head.payload
        note(head)
        return head
    }

    private mutating func complete(_ octets: UnsafeRawBufferPointer, _ place: inout Int) -> FrameHead? {
        let have = partialCount
        let count = min(FrameHead.length - have, octets.count - place)
        let head = withUnsafeMutableBytes(of: &partial) { memory -> FrameHead? in
            UnsafeMutableRawBufferPointer(rebasing: memory[have...]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: octets[place..<(place + count)]))
            guard have + count == FrameHead.length else { return nil }
            return memory.baseAddress.map { FrameHead($0) }
        }
        place += count
        partialCount = head == nil ? have + count : 0
        return head
    }

    private mutating func note(_ head: FrameHead) {
        guard head.type == FrameHead.headers || head.type == FrameHead.continuation else { return }
        isInHeaderBlock = true
        endsWithPayload = head.endsHeaders
    }

    /// Whether a header block is incomplete at the end of what came.
    var isHeaderBlockIncomplete: Bool { isInHeaderBlock && !(endsWithPayload && skip == 0) }
}
