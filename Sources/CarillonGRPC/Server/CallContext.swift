package import CarillonNet

/// One call on a server: what its handler sees of it, and how its answer gets out.
///
/// States: receiving (until the end of input, or from the first message for streaming calls) → running → answered.
/// A call is answered at most once; what comes after (a late reply, an error behind a deadline) is dropped.
///
/// Safe as `@unchecked Sendable` because it is confined to `loop`; every entry asserts. Handlers run on that loop.
package final class CallContext: @unchecked Sendable {
    /// The loop that the call, its connection and its handler run on.
    package let loop: EventLoop
    /// The method, such as `/carillon.v1.InboxService/ListInbox`.
    package let path: StaticString
    /// When the caller stops waiting; ``MonotonicTime/distantFuture`` if it did not say.
    package let deadline: MonotonicTime
    /// What the owner of the server keeps for the connection, such as the credential that was checked last.
    package let connection: ConnectionState
    let stream: HTTP2Stream
    private let headers: AnswerHeaders
    private var timer: LoopTimer?
    private var task: Task<Void, Never>?
    private var areHeadersSent = false
    private var drainWaiter: UnsafeContinuation<Void, Never>?
    private(set) var isAnswered = false
    private var trailing = HeaderBlock()

    init(stream: HTTP2Stream, loop: EventLoop, head: RequestHead, method: RPCMethod, connection: ConnectionState) {
        self.stream = stream
        self.loop = loop
        self.connection = connection
        path = method.path
        headers = head.answerHeaders
        deadline = head.timeout.map { loop.now.advanced(by: $0) } ?? .distantFuture
    }

    // MARK: For handlers

    /// The first value of a request header field, such as `authorization`. Names are lower-case.
    package subscript(header name: StaticString) -> String? { stream.received[name] }

    /// Calls a closure with the octets of a request header field, without copying them.
    package func withHeader<Result>(_ name: StaticString, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
        stream.received.withFirst(name, body)
    }

    /// Calls a closure with the octets of the only request header field of that name, without copying them; with `nil` when
    /// there is none, or more than one.
    package func withOnlyHeader<Result>(_ name: StaticString, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
        stream.received.withOnly(name, body)
    }

    /// The peer's address without its port.
    package var peer: String { stream.session?.peer ?? "" }

    /// Whether the caller is gone, by a reset, its deadline or the loss of the connection.
    package var isCancelled: Bool { stream.isClosed || isAnswered }

    /// Adds a field to the trailers of the answer, such as `grpc-retry-pushback-ms`. Names are lower-case ASCII.
    package func addTrailer(_ name: String, _ value: String) {
        loop.assertOnLoop()
        trailing.append(name, value)
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
        fail(Status(.deadlineExceeded, "the deadline passed before the call was answered"))
    }

    /// Runs an asynchronous handler; the call's end cancels it.
    func run(_ handler: @escaping @Sendable () async -> Void) {
        task = loop.spawnAtOnce(handler)
    }

    /// The stream is over: nothing can be answered any more.
    func streamClosed() {
        finish()
        isAnswered = true
    }

    /// The peer has taken what waited.
    func streamDrained() {
        drainWaiter?.resume()
        drainWaiter = nil
    }

    private func finish() {
        timer?.cancel()
        timer = nil
        task?.cancel()
        task = nil
        drainWaiter?.resume()
        drainWaiter = nil
    }

    // MARK: Answering

    /// Answers a unary call with a framed message.
    func reply(_ frame: [UInt8]) {
        loop.assertOnLoop()
        guard !isAnswered else { return }
        isAnswered = true
        if trailing.count == 0 {
            stream.respond(headers.block, body: frame, trailers: AnswerHeaders.okTrailers)
        } else {
            stream.sendHeaders(headers.block)
            stream.send(frame)
            stream.end(trailers: trailers(for: .ok))
        }
        finish()
    }

    /// Sends one framed message of a streaming answer; waits while the peer takes too little.
    func send(_ frame: [UInt8]) async throws(Status) {
        loop.assertOnLoop()
        guard !isCancelled else { throw Status(.cancelled, "the caller is gone") }
        sendHeadersOnce()
        stream.send(frame)
        guard let session = stream.session, stream.queuedOutput >= session.outputLimit else { return }
        await withUnsafeContinuation { drainWaiter = $0 }
        guard !isCancelled else { throw Status(.cancelled, "the caller is gone") }
    }

    /// Sends the header block of a streaming answer before its first message.
    func sendHeadersOnce() {
        guard !areHeadersSent, !isAnswered else { return }
        areHeadersSent = true
        stream.sendHeaders(headers.block)
    }

    /// Ends a streaming call that went well.
    func finishStream() {
        loop.assertOnLoop()
        guard !isAnswered else { return }
        sendHeadersOnce()
        isAnswered = true
        if trailing.count == 0 {
            stream.end(trailers: AnswerHeaders.okTrailers)
        } else {
            stream.end(trailers: trailers(for: .ok))
        }
        finish()
    }

    /// Ends the call with an error: in one header block if nothing was sent yet ("Trailers-Only").
    func fail(_ status: Status) {
        loop.assertOnLoop()
        guard !isAnswered else { return }
        isAnswered = true
        if areHeadersSent {
            stream.end(trailers: trailers(for: status))
        } else {
            stream.sendHeadersOnly(trailers(for: status, after: headers.leadingBlock))
        }
        finish()
    }

    private func trailers(for status: Status, after leading: HeaderBlock = HeaderBlock()) -> HeaderBlock {
        var block = leading
        block.append(status)
        trailing.visit { block.append(name: $0, value: $1) }
        return block
    }
}

/// What the owner of a server keeps for one connection. Confined to the connection's loop.
package final class ConnectionState {
    /// Free for the owner; nothing here touches it.
    package var value: AnyObject?

    init() {}
}

extension HeaderBlock {
    /// Adds `grpc-status` and, where they say something, `grpc-message` and `grpc-status-details-bin`.
    mutating func append(_ status: Status) {
        append("grpc-status", String(status.code.rawValue))
        if !status.message.isEmpty { append("grpc-message", PercentEncoding.encode(status.message)) }
        if !status.details.isEmpty { append("grpc-status-details-bin", Base64.encode(status.details)) }
    }
}
