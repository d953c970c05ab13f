/// What of a body waits to be sent, and what comes after it.
struct OutgoingBody {
    enum End {
        case open
        case endOfStream
        case trailers(HeaderBlock)
        case constantTrailers(StaticHeaderBlock)
    }
    /// The chunk that is sent now. Most answers have no other, so the list of those behind it is rarely made.
    private var front: [UInt8] = []
    private var behind: [[UInt8]] = []
    /// How many of the chunks behind were taken already.
    private var taken = 0
    /// How much of the front is sent.
    private var offset = 0
    /// Octets that wait.
    private(set) var queued = 0
    var end = End.open
    /// Whether libnghttp2 was given the end.
    var isEndSaid = false
    /// Whether there is an end that libnghttp2 was not given yet.
    var owesEnd: Bool {
        if case .open = end { return false }
        return !isEndSaid
    }
    /// Whether libnghttp2 was told that there is nothing to read, and has to be told otherwise.
    var isDeferred = false

    mutating func append(_ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return }
        if queued == 0 {
            front = bytes
            offset = 0
        } else {
            behind.append(bytes)
        }
        queued += bytes.count
    }

    /// Copies as much as fits, and returns how much it was.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard queued > 0, let target = buffer.baseAddress else { return 0 }
        var copied = 0
        while true {
            let count = min(front.count - offset, buffer.count - copied)
            front.withUnsafeBytes { chunk in
                (target + copied).copyMemory(from: chunk.baseAddress.unsafelyUnwrapped + offset, byteCount: count)
            }
            copied += count
            offset += count
            queued -= count
            guard offset == front.count else { return copied }
            guard takeNext() else { return copied }
            guard copied < buffer.count else { return copied }
        }
    }

    /// Puts the next chunk to the front; false when there is none.
    private mutating func takeNext() -> Bool {
        offset = 0
        guard taken < behind.count else {
            front = []
            return false
        }
        front = behind[taken]
        behind[taken] = []
        taken += 1
        if taken == behind.count {
            behind.removeAll(keepingCapacity: true)
            taken = 0
        } else if taken >= 64 {
            behind.removeFirst(taken)
            taken = 0
        }
        return true
    }

    /// Chunks for which the list of those behind may keep its memory.
    private static let keptChunks = 64

    /// Forgets what waits, and whatever was said of the end. No memory of a body is kept.
    mutating func reset() {
        if queued > 0 || behind.capacity > Self.keptChunks { self = OutgoingBody() }
        end = .open
        isEndSaid = false
        isDeferred = false
    }
}
