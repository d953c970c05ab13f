/// Cuts the body of a call into messages. The boundaries of DATA frames mean nothing to it.
struct MessageFramer {
    /// The greatest length of one message in octets.
    let limit: Int
    /// What a message that is marked as compressed was compressed with.
    let encoding: MessageEncoding
    private var buffer: [UInt8] = []
    private var start = 0
    private var held = 0

    /// Whether the message that was taken last came compressed.
    private(set) var wasCompressed = false

    /// - Parameters:
    ///   - limit: the greatest length of one message in octets, as it came and when it is decompressed.
    ///   - encoding: what a message that is marked as compressed was compressed with.
    init(limit: Int, encoding: MessageEncoding = .identity) {
        self.limit = limit
        self.encoding = encoding
    }

    /// Octets that were appended and not taken.
    var buffered: Int { buffer.count - start }

    /// Takes octets of the body. The prefix of the message at the front is checked at once, so that a message that is
    /// too large is refused before its bytes are kept.
    mutating func append(_ bytes: UnsafeRawBufferPointer) throws(Status) {
        if start == buffer.count {
            if start > 0 { buffer.removeAll(keepingCapacity: true) }
            start = 0
        } else if start > 0 {
            buffer.removeFirst(start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
        held += bytes.count
        // A large message gets its memory at once instead of by doubling, but not before it has begun to come.
        if let length = try frontLength(), length > buffered, buffered >= 16 * 1024 {
            buffer.reserveCapacity(start + MessageFrame.prefixLength + length)
        }
    }

    /// Whether the message at the front is complete.
    private var isMessageWaiting: Bool {
        get throws(Status) { try frontLength().map { buffered >= MessageFrame.prefixLength + $0 } ?? false }
    }

    /// Whether the message at the front has begun to come and is not complete.
    var awaitsRest: Bool {
        get throws(Status) { buffered > 0 ? try !isMessageWaiting : false }
    }

    /// How many octets may be given back to flow control now; counted once. What a reader has not taken yet is held back,
    /// so that the peer waits for a slow reader; a message that is still coming is not, as it may be larger than the
    /// window.
    mutating func takeReleasable() throws(Status) -> Int {
        let releasable = held - (try isMessageWaiting ? min(held, buffered) : 0)
        held -= releasable
        return releasable
    }

    /// The length of the message at the front, once its prefix is there.
    private func frontLength() throws(Status) -> Int? {
        guard buffered >= MessageFrame.prefixLength else { return nil }
        switch buffer[start] {
        case 0: break
        case 1 where encoding != .identity: break
        case 1: throw Status(.internalError, "a message is marked as compressed and the call names no compression")
        default: throw Status(.internalError, "the message prefix has unknown flags")
        }
        let length =
            Int(buffer[start + 1]) << 24 | Int(buffer[start + 2]) << 16 | Int(buffer[start + 3]) << 8
            | Int(buffer[start + 4])
        guard length <= limit else {
            throw Status(.resourceExhausted, "the message has \(length) bytes; the limit is \(limit)")
        }
        return length
    }

    /// Whether something stands behind the message at the front.
    var holdsSeveral: Bool {
        get throws(Status) { try frontLength().map { buffered > MessageFrame.prefixLength + $0 } ?? false }
    }

    /// Calls a closure with the next complete message, decompressed, and takes it out; `nil` when there is none yet. Clients
    /// read so; what servers take may be too much at once (``nextLight(upTo:_:)``).
    mutating func next<Result>(_ body: (UnsafeRawBufferPointer) throws(Status) -> Result) throws(Status) -> Result? {
        guard let length = try frontLength(), buffered >= MessageFrame.prefixLength + length else { return nil }
        wasCompressed = buffer[start] == 1
        let range = (start + MessageFrame.prefixLength)..<(start + MessageFrame.prefixLength + length)
        start = range.upperBound
        // `withUnsafeBytes` does not carry typed errors through.
        return try buffer.withUnsafeBytes { bytes in
            Swift.Result { () throws(Status) -> Result in
                let message = UnsafeRawBufferPointer(rebasing: bytes[range])
                return wasCompressed ? try Gzip.decompressed(message, limit: limit, body) : try body(message)
            }
        }.get()
    }

    /// Calls a closure with the next complete message and takes it out, if it is neither compressed nor longer than that;
    /// `nil` when there is none yet, or one for ``takeFront()``.
    mutating func nextLight<Result>(
        upTo size: Int, _ body: (UnsafeRawBufferPointer) throws(Status) -> Result
    ) throws(Status) -> Result? {
        guard let length = try frontLength(), length <= size, buffered >= MessageFrame.prefixLength + length,
            buffer[start] == 0
        else { return nil }
        wasCompressed = false
        let range = (start + MessageFrame.prefixLength)..<(start + MessageFrame.prefixLength + length)
        start = range.upperBound
        return try buffer.withUnsafeBytes { bytes in
            Swift.Result { () throws(Status) -> Result in try body(UnsafeRawBufferPointer(rebasing: bytes[range])) }
        }.get()
    }

    /// Takes the next complete message out as it came; `nil` when there is none yet.
    mutating func takeFront() throws(Status) -> ReceivedMessage? {
        guard let length = try frontLength(), buffered >= MessageFrame.prefixLength + length else { return nil }
        wasCompressed = buffer[start] == 1
        let range = (start + MessageFrame.prefixLength)..<(start + MessageFrame.prefixLength + length)
        start = range.upperBound
        guard start == buffer.count else {
            let octets = Array(buffer[range])
            return ReceivedMessage(octets: octets, range: octets.indices, isCompressed: wasCompressed)
        }
        // The last one need not be copied.
        start = 0
        var octets: [UInt8] = []
        swap(&octets, &buffer)
        return ReceivedMessage(octets: octets, range: range, isCompressed: wasCompressed)
    }

    /// How many messages a whole body holds, as far as a call with one message cares.
    enum Cardinality {
        case none
        case one
        case several
    }

    /// Takes the message of a body that must hold exactly one; the closure runs only if it does.
    mutating func takeSingle(
        _ body: (UnsafeRawBufferPointer) throws(Status) -> Void
    ) throws(Status) -> Cardinality {
        let cardinality = try cardinality()
        if cardinality == .one { _ = try next(body) }
        return cardinality
    }

    /// How many messages a body holds that is complete.
    func cardinality() throws(Status) -> Cardinality {
        guard buffered > 0 else { return .none }
        guard let length = try frontLength(), buffered >= MessageFrame.prefixLength + length else {
            try checkEnd()
            return .none
        }
        return buffered == MessageFrame.prefixLength + length ? .one : .several
    }

    /// Whether the message at the front is marked as compressed.
    var isFrontCompressed: Bool { buffered >= MessageFrame.prefixLength && buffer[start] == 1 }

    /// Forgets what was not taken, and its memory unless that is small.
    mutating func removeAll() {
        if !buffer.isEmpty { buffer.removeAll(keepingCapacity: buffer.capacity <= 1024) }
        start = 0
        held = 0
    }

    /// Checks, at the end of the body, that no part of a message is left.
    func checkEnd() throws(Status) {
        guard buffered == 0 else { throw Status(.internalError, "the body ends within a message") }
    }
}
