/// The framed messages of a request, kept as long as the call may be tried again.
struct RequestBuffer {
    /// Messages in order; empty once ``forget()`` was called.
    private(set) var frames: [[UInt8]] = []
    /// Octets that are kept.
    private(set) var size = 0
    /// Whether no more messages follow.
    var isEnded = false
    /// Whether everything is still there, so that another attempt can send it.
    private(set) var isWhole = true

    /// Keeps a message; once some have been forgotten, nothing is kept any more.
    mutating func append(_ frame: [UInt8]) {
        guard isWhole else { return }
        frames.append(frame)
        size += frame.count
    }

    /// Forgets what was kept, which an attempt has taken.
    ///
    /// - Returns: how many octets that was.
    mutating func forget() -> Int {
        defer {
            frames = []
            size = 0
            isWhole = false
        }
        return size
    }
}
