/// Which streams a peer opened lately, and which this side reset lately: enough to tell what a frame for a stream that is
/// gone means (RFC 9113 §5.1). Pure, and bounded.
struct RecentStreams {
    /// What a frame for a stream that is not open is.
    enum Finding: Equatable {
        /// It was under way when this side reset the stream: to be ignored.
        case late
        /// The stream was open once and is closed.
        case closed
        /// The identifier is lower than others that were used, and was never used itself.
        case neverOpened
    }

    /// How many resets of this side are remembered.
    static let limit = 1024

    /// The highest identifier that the peer used.
    private(set) var highest: Int32 = 0
    /// Bit n says that the identifier 2n below the highest was used.
    private var opened: UInt64 = 0
    private var resets: [Int32] = []
    private var oldest = 0

    /// The peer opened a stream; identifiers rise.
    mutating func opened(_ id: Int32) {
        let distance = (id - highest) / 2
        opened = distance < 64 ? opened << UInt64(distance) | 1 : 1
        highest = id
    }

    /// This side reset a stream.
    mutating func reset(_ id: Int32) {
        guard resets.count == Self.limit else { return resets.append(id) }
        resets[oldest] = id
        oldest = (oldest + 1) % Self.limit
    }

    /// The peer has ended a stream that this side had reset: nothing more can be under way.
    mutating func ended(_ id: Int32) {
        guard let place = resets.firstIndex(of: id) else { return }
        // No stream of a peer has this identifier.
        resets[place] = 0
    }

    /// What a frame for a stream is that is not open and not above ``highest``.
    func find(_ id: Int32) -> Finding {
        if resets.contains(id) { return .late }
        let distance = (highest - id) / 2
        return distance < 64 && opened >> UInt64(distance) & 1 == 0 ? .neverOpened : .closed
    }
}
