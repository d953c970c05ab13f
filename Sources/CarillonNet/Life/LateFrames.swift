/// What may still come for streams that this side has reset: what was under way when it did (RFC 9113 §5.1). Flow control says
/// how much that can be: a stream's window for each, and the connection's for all. Pure, and bounded.
struct LateFrames {
    private let window: Int
    private let most: Int
    private let blocksOfStream: Int
    private var octets = 0
    private var blocks = 0

    /// Header blocks for which there is room at most.
    static let mostBlocks = 2048

    /// Makes the account of a connection on which nothing was reset yet.
    ///
    /// - Parameter ofClient: whether the frames are those of a client. Header blocks that come late for it are trailers, which
    ///   gRPC does not know; for each call that a client resets an answer's two may be under way.
    init(_ limits: HTTP2Limits, ofClient: Bool) {
        window = Int(limits.streamWindow)
        most = Int(limits.connectionWindow)
        blocksOfStream = ofClient ? 0 : 2
    }

    /// This side reset a stream.
    mutating func reset() {
        octets = min(octets + window, most)
        blocks = min(blocks + blocksOfStream, Self.mostBlocks)
    }

    /// Whether DATA with so many octets can have been under way.
    mutating func covers(_ count: Int) -> Bool {
        guard count > 0, count <= octets else { return false }
        octets -= count
        return true
    }

    /// Whether a header block can have been under way.
    mutating func coversBlock() -> Bool {
        guard blocks > 0 else { return false }
        blocks -= 1
        return true
    }
}
