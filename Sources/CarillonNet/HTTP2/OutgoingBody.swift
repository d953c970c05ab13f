/// What of a body waits to be sent, and what comes after it.
struct OutgoingBody {
    enum End {
        case open
        case endOfStream
        case trailers(HeaderBlock)
        case constantTrailers(StaticHeaderBlock)
    }
    /// A piece of the body, shared with whoever made it.
    enum Chunk {
        case array([UInt8])
        case octets(OutgoingOctets)

        var count: Int {
            switch self {
            case .array(let array): array.count
            case .octets(let octets): octets.count
            }
        }

        func copy(from offset: Int, _ count: Int, to target: UnsafeMutableRawPointer) {
            switch self {
            case .array(let array):
                array.withUnsafeBytes {
                    target.copyMemory(from: $0.baseAddress.unsafelyUnwrapped + offset, byteCount: count)
                }
            case .octets(let octets):
                withExtendedLifetime(octets) {
                    target.copyMemory(from: octets.memory.baseAddress.unsafelyUnwrapped + offset, byteCount: count)
                }
            }
        }
    }
    /// The chunk that is sent now. Most answers have no other, so the list of those behind it is rarely made.
    private var front: Chunk?
    private var behind: [Chunk?] = []
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

    mutating func append(_ chunk: Chunk) {
        let count = chunk.count
        guard count > 0 else { return }
        if queued == 0 {
            front = chunk
            offset = 0
        } else {
            behind.append(chunk)
        }
        queued += count
    }

    /// Copies as much as fits, and returns how much it was.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard let target = buffer.baseAddress else { return 0 }
        var copied = 0
        while copied < buffer.count, let chunk = front {
            let whole = chunk.count
            let count = min(whole - offset, buffer.count - copied)
            chunk.copy(from: offset, count, to: target + copied)
            copied += count
            offset += count
            queued -= count
            if offset == whole { takeNext() }
        }
        return copied
    }

    /// Puts the next chunk to the front.
    private mutating func takeNext() {
        offset = 0
        front = nil
        guard taken < behind.count else { return }
        front = behind[taken]
        behind[taken] = nil
        taken += 1
        if taken == behind.count {
            behind.removeAll(keepingCapacity: true)
            taken = 0
        } else if taken >= 64 {
            behind.removeFirst(taken)
            taken = 0
        }
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
