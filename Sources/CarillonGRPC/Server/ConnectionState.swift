internal import CarillonNet

/// One connection as the server counts it. Confined to the connection's loop.
package final class ConnectionState {
    // A cycle while the connection is open, which the loop ends. Strong, since a handler may return after its server is gone.
    let part: ServerLoop
    /// The loop that the connection lives on.
    let loop: EventLoop
    /// What is counted on that loop.
    let counters: ServerCounters
    /// What is counted there of each method.
    let methodCounters: MethodCounters
    /// The peer's address without its port.
    let peer: String
    /// Octets that may wait on one stream before its writer should wait.
    let streamOutput: Int
    /// ``ServerLimits/timeout`` in nanoseconds.
    let longestTimeout: Int64
    /// Calls and pages that were admitted and are not over; see ``Admission``.
    @exclusivity(unchecked) private(set) var running = 0
    /// Those of them whose stream is gone while their handler works on.
    @exclusivity(unchecked) private(set) var abandoned = 0
    /// Octets of requests that are held.
    @exclusivity(unchecked) private(set) var heldInput = 0
    /// Octets of answers that wait for the peer, as they were counted last.
    @exclusivity(unchecked) private(set) var countedOutput = 0
    /// Writers of streaming answers that wait for room.
    @exclusivity(unchecked) var line = WriterLine()
    @exclusivity(unchecked) private var heads = HeadReader()
    /// Messages that wait to be decoded by other threads, or are being decoded, and their octets as they came.
    @exclusivity(unchecked) private var decodings = (count: 0, octets: 0)
    /// The connection, until it is closed; a call may outlive it. Its loop holds it as long, so no reference is counted.
    @exclusivity(unchecked) private var connection: Unmanaged<HTTP2Connection>?

    convenience init(_ connection: HTTP2Connection, of part: ServerLoop) {
        self.init(peer: connection.peer, of: part)
        self.connection = .passUnretained(connection)
    }

    init(peer: String, of part: ServerLoop) {
        self.part = part
        loop = part.loop
        counters = part.counters
        methodCounters = part.methodCounters
        self.peer = peer
        streamOutput = part.limits.http2.streamOutput
        longestTimeout = part.longestTimeout
    }

    /// What callers may ask of the server.
    var limits: ServerLimits { part.limits }

    /// What decodes messages that are too much for the loop.
    var decoder: MessageDecoder { part.decoder }

    /// The handler of a new stream.
    func makeStream() -> ServerStream { part.makeStream(for: self) }

    /// Reads the head of a request, and finds the method with its path.
    func readHead(_ stream: HTTP2Stream) -> HeadReader.Request { heads.read(stream, part.core.methods) }

    /// Keeps the handler of a stream that is over.
    func recycle(_ stream: ServerStream) { part.recycle(stream) }

    /// Who the peer is by the certificate that it showed.
    var peerIdentity: PeerIdentity? { connection?._withUnsafeGuaranteedRef { $0.peerIdentity } }

    /// The connection is closed: what it held is free.
    func close() {
        connection = nil
        part.waiting.remove(self)
        outputMoved()
    }

    // MARK: Calls and pages

    /// Counts one more request; `nil` when there are too many, or too much of earlier answers waits to be read.
    func admit() -> Admission? {
        let limits = part.limits
        guard running < limits.callsPerConnection, abandoned < limits.abandonedCallsPerConnection,
            Self.isLet(running + 1, little: limits.fewCalls, of: part.running + 1, limit: part.callLimit),
            // Connections that are lost with many calls on them leave many behind at once, which no limit prevents.
            part.abandoned < part.abandonedLimit || abandoned < limits.fewAbandonedCalls
        else { return nil }
        guard hasRoomForOutput else { return nil }
        running += 1
        part.running += 1
        return Admission()
    }

    /// Whether a connection may have so much when all together have so much: up to the limit everyone may, above it those
    /// who have little, up to twice the limit. So whoever uses up what there is shuts out himself.
    private static func isLet(_ own: Int, little: Int, of all: Int, limit: Int) -> Bool {
        all <= limit || (own <= little && all <= 2 * limit)
    }

    /// Counts a request whose stream is gone while its handler works on.
    func abandon() {
        abandoned += 1
        part.abandoned += 1
    }

    /// Counts one request less.
    func leave(wasAbandoned: Bool) {
        running -= 1
        part.running -= 1
        guard wasAbandoned else { return }
        abandoned -= 1
        part.abandoned -= 1
    }

    // MARK: Octets

    /// Whether so much waits for this connection's peer that nothing may be added.
    var isFull: Bool {
        countOutput()
        return countedOutput >= part.limits.outputPerConnection
    }

    /// Whether more may be queued for this connection.
    var hasRoomForOutput: Bool {
        guard !isFull else { return false }
        return Self.isLet(
            countedOutput, little: part.limits.littleOutput, of: part.queuedOutput + 1, limit: part.outputLimit)
    }

    /// Brings the loop's sum up to date with what waits for this connection's peer.
    func countOutput() {
        let now = connection?._withUnsafeGuaranteedRef { $0.queuedOutput } ?? 0
        guard now != countedOutput else { return }
        part.queuedOutput += now - countedOutput
        countedOutput = now
    }

    /// Counts octets of requests that are held.
    ///
    /// - Parameter change: positive for octets that came, negative for octets that were let go.
    /// - Throws: RESOURCE_EXHAUSTED when they are too many; they are counted even so, until the call lets go of them.
    func holdInput(_ change: Int) throws(Status) {
        heldInput += change
        part.heldInput += change
        guard change > 0 else { return }
        let isLet = Self.isLet(
            heldInput, little: part.limits.littleInput, of: part.heldInput, limit: part.inputLimit)
        guard heldInput <= part.limits.inputPerConnection, isLet else {
            throw Status(.resourceExhausted, "too much of requests that are not complete waits in memory")
        }
    }
}

extension ConnectionState {
    /// A message begins to wait for its decoding by another thread.
    func decodingBegan(_ octets: Int) {
        decodings.count += 1
        decodings.octets += octets
        holdOrRead()
    }

    /// That is over.
    func decodingEnded(_ octets: Int) {
        decodings.count -= 1
        decodings.octets -= octets
        holdOrRead()
    }

    /// While much waits to be decoded nothing more is read: TCP lets the peer wait.
    private func holdOrRead() {
        let limits = part.limits
        let isMuch = decodings.count > limits.decodingsPerConnection || decodings.octets > limits.messageSize
        connection?._withUnsafeGuaranteedRef { $0.isInputHeld = isMuch }
    }
}

/// The octets of one request that are counted as held.
struct HeldInput {
    private var count = 0

    /// Whether any are.
    var isAny: Bool { count > 0 }

    /// Sets how many are held now.
    ///
    /// - Throws: see ``ConnectionState/holdInput(_:)``.
    mutating func set(_ now: Int, _ connection: ConnectionState) throws(Status) {
        guard now != count else { return }
        let change = now - count
        count = now
        try connection.holdInput(change)
    }

    /// Lets go of all. Letting go cannot be refused.
    mutating func release(_ connection: ConnectionState) {
        try? set(0, connection)
    }
}
