package import CarillonNet

/// One call on a server: what its handler sees of it, and how its answer gets out.
///
/// States: receiving (until the end of input, or from the first message for streaming calls) → running → answered.
/// A call is answered at most once; what comes after (a late reply, an error behind a deadline) is dropped. It counts
/// against the limits as its ``Admission`` says.
///
/// Safe as `@unchecked Sendable` because it is confined to `loop`; every entry asserts. Handlers run on that loop. For the
/// same reason its properties are exempt from the check for overlapping access.
package final class CallContext: @unchecked Sendable {
    /// The loop that the call, its connection and its handler run on.
    package var loop: EventLoop { connection.loop }
    /// The method, such as `/carillon.v1.InboxService/ListInbox`.
    package var path: StaticString { method.path }
    /// What the owner of the method table has written into ``RPCMethod/mark``.
    package var mark: UInt64 { method.mark }
    /// When the caller stops waiting, or ``ServerLimits/timeout`` is over; ``MonotonicTime/distantFuture`` if it did not say.
    package let deadline: MonotonicTime
    /// What the owner of the server keeps for the connection, such as the credential that was checked last.
    package let connection: ConnectionState
    /// Whether messages of the answer are compressed from now on, if the caller can decode that. Set it before the first
    /// message or ``sendHeaders()``: the header block says up front whether any message may be compressed. Off unless the
    /// method says otherwise, since compressing secrets beside a caller's own words tells their length (CRIME, BREACH).
    @exclusivity(unchecked) package var compressesResponses: Bool
    let method: RPCMethod
    /// When its header block came, by the loop's clock.
    private let startedAt: MonotonicTime
    let stream: HTTP2Stream
    let contentType: CallContentType
    let acceptsGzip: Bool
    /// Whether nothing more can be said.
    @exclusivity(unchecked) private(set) var isAnswered = false
    /// The messages of a streaming request, which have to be told when the call is over.
    @exclusivity(unchecked) var queue: MessageQueue?
    /// Whether the only message of the request came compressed.
    @exclusivity(unchecked) var wasSingleCompressed = false
    /// The length of the only message of the request in octets: as the caller wrote it, or what it became by decompression.
    /// 0 for a streaming request.
    @exclusivity(unchecked) package internal(set) var requestOctets = 0
    /// What of a heavy request is counted as held until the handler has returned.
    @exclusivity(unchecked) var heldRequest = HeldInput()
    @exclusivity(unchecked) var leading = HeaderBlock()
    @exclusivity(unchecked) var trailing = HeaderBlock()
    @exclusivity(unchecked) var areHeadersSent = false
    /// Whether the header block promised that messages may be compressed.
    @exclusivity(unchecked) var promisedGzip = false
    @exclusivity(unchecked) private var timer: LoopTimer?
    @exclusivity(unchecked) private var task: Task<Void, Never>?
    /// Writers that wait for room; mostly none, and seldom more than one.
    @exclusivity(unchecked) private var writers: [Waiter] = []
    @exclusivity(unchecked) private var admission: Admission
    @exclusivity(unchecked) private var gate: CallGate?
    /// The length of the request when it entered the gate.
    @exclusivity(unchecked) private var gateOctets = 0

    /// Makes the context of a call that was admitted.
    init(
        stream: HTTP2Stream, head: RequestHead, method: RPCMethod, connection: ConnectionState, admission: Admission
    ) {
        self.admission = admission
        self.stream = stream
        self.connection = connection
        self.method = method
        contentType = head.contentType ?? .grpc
        acceptsGzip = head.acceptsGzip
        compressesResponses = method.compressesResponses
        let now = connection.loop.now
        startedAt = now
        let longest = connection.longestTimeout
        deadline = head.timeout.map { now.advanced(byNanoseconds: min($0, longest)) } ?? .distantFuture
    }

    // MARK: For handlers

    /// The protocol that the caller speaks, for logs and counts.
    package var dialect: Dialect { contentType.dialect }

    /// The peer's address without its port.
    package var peer: String { connection.peer }

    /// Who the caller is by the certificate that its connection showed; `nil` when it showed none.
    package var peerIdentity: PeerIdentity? { connection.peerIdentity }

    /// Whether the caller is gone, by a reset, its deadline or the loss of the connection.
    package var isCancelled: Bool { stream.isClosed || isAnswered }

    /// Whether the request message that was taken last came compressed.
    package var isRequestCompressed: Bool { queue?.wasCompressed ?? wasSingleCompressed }

    /// Counts this call, and what its request holds, against a bound of the handler's choice, such as one for each tenant, until
    /// it is over.
    ///
    /// A call passes one gate: entering another leaves the first.
    ///
    /// - Parameters:
    ///   - gate: the bound.
    ///   - terms: how many may be inside, if not as many as the gate says.
    /// - Returns: whether it entered with this call of the function; not when it was inside before, or is over.
    /// - Throws: the gate's refusal (RESOURCE_EXHAUSTED) when as many calls as it lets through are running.
    @discardableResult
    package func enter(_ gate: CallGate, by terms: CallGate.Terms? = nil) throws(Status) -> Bool {
        loop.assertOnLoop()
        guard admission.isCounted, self.gate !== gate else { return false }
        do throws(CallRefusal) {
            try gate.enter(octets: requestOctets, by: terms)
        } catch {
            throw refuse(error)
        }
        self.gate?.leave(octets: gateOctets)
        self.gate = gate
        gateOctets = requestOctets
        return true
    }

    // MARK: Running

    /// Ends the call with DEADLINE_EXCEEDED when its time is over.
    func startDeadline() {
        guard deadline != .distantFuture else { return }
        timer = loop.schedule(at: deadline) { self.exceedDeadline() }
    }

    /// Whether the deadline has passed already, in which case the call is ended and its handler must not start. The clock
    /// is read anew: a deadline may be shorter than a tick.
    func isTooLate() -> Bool {
        guard deadline != .distantFuture, deadline <= .current else { return false }
        exceedDeadline()
        return true
    }

    private func exceedDeadline() {
        guard !isAnswered else { return }
        // A message that is half on the wire cannot be ended by trailers in time: the peer does not take it.
        if areHeadersSent, stream.queuedOutput > 0 { return abandon(.cancel, as: .deadlineExceeded) }
        fail(Status(.deadlineExceeded, "the deadline passed before the call was answered"))
    }

    /// Ends the call without an answer; it counts as ended with a status that the caller is not told.
    func abandon(_ code: HTTP2ErrorCode, as status: StatusCode) {
        guard !isAnswered else { return }
        stream.reset(code)
        finish(status)
    }

    /// Runs an asynchronous handler, whose last act is ``handlerReturned()``; the call's end cancels it.
    func run(_ handler: @escaping @Sendable () async -> Void) {
        admission.isHandlerRunning = true
        let started = loop.spawnAtOnce(handler)
        // It has run up to its first wait, and perhaps to its end.
        guard admission.isHandlerRunning else { return }
        if isAnswered { started.cancel() } else { task = started }
    }

    /// An asynchronous handler is over, with an answer or without.
    func handlerReturned() {
        loop.assertOnLoop()
        admission.isHandlerRunning = false
        if isAnswered { leave() }
    }

    /// The stream is over: nothing can be answered any more.
    func streamClosed() {
        admission.streamClosed(connection)
        finish(.cancelled)
    }

    /// The peer has taken what waited.
    func streamDrained() {
        wakeWriters()
    }

    private func wakeWriters() {
        for writer in writers { writer.wake() }
    }

    /// Waits while the peer takes less of this stream than is sent.
    ///
    /// - Throws: CANCELLED when the call is over or the task is cancelled.
    func waitForRoom() async throws(Status) {
        guard stream.queuedOutput >= connection.streamOutput else { return }
        let waiter = Waiter(on: loop)
        writers.append(waiter)
        defer { writers.removeAll { $0 === waiter } }
        repeat {
            await waiter.wait()
            try checkWriter()
        } while stream.queuedOutput >= connection.streamOutput
    }

    /// Waits while too much waits to be read by this connection's peer, or by all. Nothing may be awaited between its return
    /// and what is sent then.
    ///
    /// - Throws: CANCELLED when the call is over or the task is cancelled.
    func waitForTurn() async throws(Status) {
        guard connection.mustWait else { return }
        let waiter = Waiter(on: loop)
        writers.append(waiter)
        connection.enterLine(waiter)
        defer {
            writers.removeAll { $0 === waiter }
            connection.leaveLine(waiter)
        }
        repeat {
            await waiter.wait()
            try checkWriter()
        } while !connection.isTurn(of: waiter)
    }

    private func checkWriter() throws(Status) {
        guard !isCancelled else { throw Status(.cancelled, "the caller is gone") }
        guard !Task.isCancelled else { throw Status(.cancelled, "the task that writes was cancelled") }
    }

    /// Marks the call as answered and lets go of what it holds. The first status counts.
    func finish(_ status: StatusCode) {
        if !isAnswered {
            connection.counters.callEnded(status)
            let duration = loop.now.nanoseconds &- startedAt.nanoseconds
            connection.methodCounters.callEnded(method, status, after: duration)
        }
        isAnswered = true
        connection.countOutput()
        timer?.cancel()
        timer = nil
        task?.cancel()
        task = nil
        wakeWriters()
        queue?.fail(Status(.cancelled, "the call is over"))
        leave()
    }

    /// Lets go of its place among the calls, unless its handler is at work still.
    private func leave() {
        guard admission.leaveIfIdle(connection) else { return }
        heldRequest.release(connection)
        gate?.leave(octets: gateOctets)
        gate = nil
    }
}
