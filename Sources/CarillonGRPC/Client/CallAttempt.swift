internal import CarillonNet

/// One attempt of a call: a stream, and what the server sends on it. Confined to the client's loop.
///
/// States: waiting for the header block → answering (messages come) → over, by a status, an error or a reset.
final class CallAttempt: HTTP2StreamHandler {
    private enum State {
        case waiting
        /// The header block carries a status, which counts if nothing follows it.
        case trailersOnly(Status, HeaderBlock, encoding: String)
        case answering
        case over
    }
    /// The call, until the stream is closed; then `nil`, which breaks the cycle.
    private var call: ClientCall?
    private let transport: ClientTransport
    private(set) var stream: HTTP2Stream?
    private var state = State.waiting
    private let messageSize: Int
    private var framer: MessageFramer
    private var isRequestEnded = false

    init(call: ClientCall, transport: ClientTransport, messageSize: Int) {
        self.call = call
        self.transport = transport
        self.messageSize = messageSize
        framer = MessageFramer(limit: messageSize)
    }

    /// Opens the stream and sends what there is of the request.
    ///
    /// - Returns: false when the connection takes no more streams.
    func begin(_ headers: HeaderBlock, _ request: RequestBuffer) -> Bool {
        let isWhole = request.isEnded && request.frames.count <= 1
        guard
            let stream = transport.open(
                headers, body: request.frames.first ?? [], endsBody: isWhole, handler: self)
        else { return false }
        self.stream = stream
        isRequestEnded = request.isEnded
        for frame in request.frames.dropFirst() { stream.send(frame) }
        if request.isEnded, !isWhole { stream.end() }
        return true
    }

    // MARK: For the call

    /// Octets of the request that the connection has not taken.
    var queued: Int { stream?.queuedOutput ?? 0 }

    /// The server's address.
    var address: String { transport.address.description }

    func send(_ frame: [UInt8]) {
        stream?.send(frame)
    }

    func endRequest() {
        isRequestEnded = true
        stream?.end()
    }

    /// Ends the stream; what comes of it is not told any more.
    func abandon(_ code: HTTP2ErrorCode) {
        call = nil
        state = .over
        stream?.reset(code)
    }

    /// The next message that is complete.
    func next<Parsed>(
        _ parse: (UnsafeRawBufferPointer) throws(Status) -> Parsed
    ) throws(Status) -> Parsed? {
        guard let message = try framer.next(parse) else { return nil }
        stream?.consume(try framer.takeReleasable())
        return message
    }

    /// Checks, behind the last message, that the body ended with it.
    func checkEnd() throws(Status) {
        try framer.checkEnd()
    }

    // MARK: What the server sends

    func streamReceivedHeaders(_ stream: HTTP2Stream) {
        guard !isTooLarge(stream) else { return }
        switch ResponseHead(stream.received) {
        case .begins(let encoding): answer(with: stream.received, encoding)
        case .endsIfLast(let status, let encoding):
            state = .trailersOnly(status, stream.received, encoding: encoding)
        case .foreign(let status): finish(status, HeaderBlock(), reset: .cancel)
        }
    }

    private func isTooLarge(_ stream: HTTP2Stream) -> Bool {
        guard stream.isHeaderListTooLarge else { return false }
        finish(Status(.resourceExhausted, "the server's header list is too large"), HeaderBlock(), reset: .cancel)
        return true
    }

    private func answer(with block: HeaderBlock, _ encoding: String) {
        state = .answering
        // A message that is compressed in a way that was not offered fails when it comes, as the specification of
        // compression asks; the framer knows no more than the two.
        if encoding == "gzip" { framer = MessageFramer(limit: messageSize, encoding: .gzip) }
        call?.attemptAnswers(self, block)
    }

    func streamReceivedTrailers(_ stream: HTTP2Stream) {
        guard !isTooLarge(stream) else { return }
        beginAnswer()
        guard case .answering = state else { return }
        let missing = Status(.unknown, "the server's trailers carry no grpc-status")
        finish(ResponseHead.status(of: stream.received) ?? missing, stream.received)
    }

    /// More follows a header block that looked like the last: it was an ordinary one.
    private func beginAnswer() {
        if case .trailersOnly(_, let block, let encoding) = state { answer(with: block, encoding) }
    }

    func stream(_ stream: HTTP2Stream, received bytes: UnsafeRawBufferPointer) {
        beginAnswer()
        guard case .answering = state else { return stream.consume(bytes.count) }
        do throws(Status) {
            try framer.append(bytes)
            stream.consume(try framer.takeReleasable())
            call?.wake()
        } catch {
            finish(error, HeaderBlock(), reset: .cancel)
        }
    }

    func streamReceivedEnd(_ stream: HTTP2Stream) {
        switch state {
        case .trailersOnly(let status, let block, _): finish(status, block)
        case .waiting, .answering:
            finish(Status(.unknown, "the server ended the call without a status"), HeaderBlock())
        case .over: break
        }
        // The server wants no more of the request (RFC 9113 §8.1); what is left of it would hold the stream open.
        if !isRequestEnded || stream.queuedOutput > 0 { stream.reset(.noError) }
    }

    func streamDrained(_ stream: HTTP2Stream) {
        call?.wake()
    }

    func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        self.stream = nil
        let loss = transport.loss
        transport.streamEnded(isLost: loss != nil)
        if let loss {
            let words = "the connection to \(transport.address) was lost: \(loss)"
            finish(Status(.unavailable, words), failure: stream.hasSentHeaders ? .processed(.none) : .unsent)
        } else if code == .refusedStream {
            // By the server, by its GOAWAY, or by libnghttp2 for a stream that could not be opened any more.
            finish(StatusMapping.status(ofReset: code), failure: .unprocessed)
        } else if stream.isResetByPeer {
            finish(StatusMapping.status(ofReset: code), failure: .processed(.none))
        } else {
            // What this side resets is over before it does; so libnghttp2 did, as the server broke a rule of HTTP/2.
            finish(Status(.internalError, "the server's answer breaks HTTP/2: \(code)"), failure: .processed(.none))
        }
        call = nil
    }

    private func finish(_ status: Status, _ trailers: HeaderBlock, reset code: HTTP2ErrorCode? = nil) {
        let pushback = RetryState.Pushback(trailers["grpc-retry-pushback-ms"])
        finish(status, trailers, reset: code, failure: .processed(pushback))
    }

    private func finish(
        _ status: Status, _ trailers: HeaderBlock = HeaderBlock(), reset code: HTTP2ErrorCode? = nil,
        failure: RetryState.Failure
    ) {
        if case .over = state { return }
        state = .over
        if let code { stream?.reset(code) }
        call?.attemptEnded(self, status, trailers, failure)
    }
}
