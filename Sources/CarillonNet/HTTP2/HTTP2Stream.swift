internal import CarillonCNghttp2

/// What happens on a stream, told on the loop's thread in the order it happened. The calls come while libnghttp2 is
/// reading: a handler may submit answers, but must not run the connection.
package protocol HTTP2StreamHandler: AnyObject {
    /// The header block is complete: the request's for a server, the response's for a client. It is in
    /// ``HTTP2Stream/received`` and may have been cut (``HTTP2Stream/isHeaderListTooLarge``).
    func streamReceivedHeaders(_ stream: HTTP2Stream)
    /// A trailing header block is complete and took the place of the leading one in ``HTTP2Stream/received``.
    func streamReceivedTrailers(_ stream: HTTP2Stream)
    /// Octets of the body. The handler gives them back to flow control with ``HTTP2Stream/consume(_:)``.
    func stream(_ stream: HTTP2Stream, received bytes: UnsafeRawBufferPointer)
    /// The peer has sent all it will send.
    func streamReceivedEnd(_ stream: HTTP2Stream)
    /// The connection ends now, by the will of this side: what is answered in this call goes out still, as far as the peer
    /// takes it at once.
    func streamMustEnd(_ stream: HTTP2Stream)
    /// What waits to be sent has fallen below ``HTTP2Limits/streamOutput``.
    func streamDrained(_ stream: HTTP2Stream)
    /// The stream is over, by its end, a reset or the loss of the connection. The last call.
    func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode)
}

extension HTTP2StreamHandler {
    /// Does nothing, for those who have nothing to say then.
    package func streamMustEnd(_ stream: HTTP2Stream) {}
}

/// One request and its answer on a connection. Confined to the connection's loop.
///
/// Its properties are exempt from the dynamic check for overlapping access, which would cost a tenth of a small call: the
/// object is confined to one thread, and no access to one of them calls out while it lasts.
package final class HTTP2Stream {
    /// The stream identifier (RFC 9113 §5.1.1).
    @exclusivity(unchecked) package internal(set) var id: Int32 = 0
    /// The session, until the stream is closed; then `nil`. Unowned because a session closes its streams before it goes.
    @exclusivity(unchecked) package internal(set) unowned(unsafe) var session: HTTP2Session?
    /// Who is told of what happens.
    @exclusivity(unchecked) package internal(set) var handler: (any HTTP2StreamHandler)?
    @exclusivity(unchecked) var output = OutgoingBody()
    /// How often the session had gathered all that there was when the answer's header block was submitted; -1 before that.
    @exclusivity(unchecked) var drainsBeforeAnswer = -1
    /// For a client's stream, whether its header block was handed out to be sent; before that no server knows of it.
    @exclusivity(unchecked) package internal(set) var hasSentHeaders = false
    /// Whether the peer has reset it. A stream that is reset by this side, or by libnghttp2 for what the peer did, is not.
    @exclusivity(unchecked) package internal(set) var isResetByPeer = false
    @exclusivity(unchecked) var pace = TransferPace()
    /// Where it stands in the session's table of open streams.
    @exclusivity(unchecked) var place = 0
    /// The memory of ``received``.
    @exclusivity(unchecked) var block = HeaderBlock.forRequest()
    // The attribute works in this module alone, so what other modules look at for each call is behind functions.
    @exclusivity(unchecked) private var facts = Facts()

    private struct Facts {
        var isHeaderListTooLarge = false
        var changes = FieldChanges.all
        var isMalformed = false
        var announcedBody = -1
        var isReceiveEnded = false
        var hasReceivedHeaders = false
        var isClosed = false
        var owing: Owing?
        var beganAt = MonotonicTime(nanoseconds: 0)
        var receivedBody = 0
        var sentOutput = 0
    }

    /// What the peer has begun with and must not take too long for.
    struct Owing {
        /// Since when it owes it.
        let since: MonotonicTime
        /// How many octets of its body had come by then.
        let received: Int
        /// ``PeerConduct/unread`` by then.
        let unread: Duration
    }

    init(session: HTTP2Session) {
        self.session = session
    }

    /// Makes a closed stream that nobody else holds a new one, which keeps the memory of its header block.
    func reopen(in session: HTTP2Session) {
        self.session = session
        block.removeAll()
        facts = Facts()
        pace = TransferPace()
        drainsBeforeAnswer = -1
        isResetByPeer = false
        hasSentHeaders = false
    }

    // MARK: What is known of it

    /// The header block that was received last.
    package var received: HeaderBlock { block }

    /// Whether fields were left out because the list exceeded ``HTTP2Limits/headerListSize``.
    package internal(set) var isHeaderListTooLarge: Bool {
        get { facts.isHeaderListTooLarge }
        set { facts.isHeaderListTooLarge = newValue }
    }

    /// Which fields of ``received`` differ from those of the header block that a handler was told of before, on the same
    /// connection. For requests only.
    package internal(set) var changes: FieldChanges {
        get { facts.changes }
        set { facts.changes = newValue }
    }

    /// Whether the request broke the rules of HTTP, so that its stream is being reset.
    var isMalformed: Bool {
        get { facts.isMalformed }
        set { facts.isMalformed = newValue }
    }

    /// How many octets the request's body is to have; -1 when it does not say.
    var announcedBody: Int {
        get { facts.announcedBody }
        set { facts.announcedBody = newValue }
    }

    /// Whether the peer has sent its END_STREAM.
    package internal(set) var isReceiveEnded: Bool {
        get { facts.isReceiveEnded }
        set { facts.isReceiveEnded = newValue }
    }

    /// Whether the first header block has been told of.
    var hasReceivedHeaders: Bool {
        get { facts.hasReceivedHeaders }
        set { facts.hasReceivedHeaders = newValue }
    }

    /// Whether it is over.
    package internal(set) var isClosed: Bool {
        get { facts.isClosed }
        set { facts.isClosed = newValue }
    }

    /// Since when the peer owes octets of its body: what has begun, the whole request or one message, must not come too slowly
    /// (``HTTP2Limits/bodyRate``). `nil` while it may take its time.
    var owing: Owing? { facts.owing }

    /// The request has to come as a whole before it can be answered. Called by the handler when it has seen the headers.
    package func awaitWholeBody() {
        facts.owing = Owing(since: beganAt, received: 0, unread: session?.conduct.unread ?? .zero)
    }

    /// Whether the peer has begun with something, such as a message, that it must not take too long for. The time counts
    /// from the first call that says so.
    ///
    /// - Parameter count: octets of it that came already.
    package func awaitRest(_ isAwaited: Bool, after count: Int) {
        guard isAwaited != (facts.owing != nil) else { return }
        facts.owing =
            isAwaited
            ? Owing(
                since: session?.conduct.now ?? beganAt, received: receivedBody - count,
                unread: session?.conduct.unread ?? .zero) : nil
    }

    /// When the stream was opened.
    package internal(set) var beganAt: MonotonicTime {
        get { facts.beganAt }
        set { facts.beganAt = newValue }
    }

    /// Octets of the peer's body that came so far.
    package internal(set) var receivedBody: Int {
        get { facts.receivedBody }
        set { facts.receivedBody = newValue }
    }

    /// Octets of the body that libnghttp2 has taken so far.
    package internal(set) var sentOutput: Int {
        get { facts.sentOutput }
        set { facts.sentOutput = newValue }
    }

    /// Octets of the body that wait to be sent.
    package var queuedOutput: Int { output.queued }

    /// Gives octets that were taken back to flow control, so that the peer may send as many again.
    package func consume(_ count: Int) {
        guard count > 0, !isClosed, let session else { return }
        nghttp2_session_consume_stream(session.pointer, id, count)
        session.noteOutput()
    }

    /// Sends a header block and nothing more.
    package func sendHeadersOnly(_ headers: HeaderBlock) {
        guard !isClosed, let session else { return }
        session.noteEnd(of: self)
        drainsBeforeAnswer = session.drains
        headers.withNameValues { pairs, count in
            session.demand(nghttp2_submit_response(session.pointer, id, pairs, count, nil))
        }
        session.noteOutput()
    }

    /// Sends the header block of an answer whose body follows by ``send(_:)`` and ``end(trailers:)``.
    package func sendHeaders(_ headers: HeaderBlock) {
        guard !isClosed, let session else { return }
        headers.withNameValues { pairs, count in submitResponse(session, pairs, count) }
    }

    /// Sends a constant header block, a body and constant trailers: the whole of an answer.
    package func respond(_ headers: StaticHeaderBlock, body: OutgoingOctets, trailers: StaticHeaderBlock) {
        guard !isClosed, let session else { return }
        output.append(.octets(body))
        session.queuedOutput += body.count
        output.end = .constantTrailers(trailers)
        submitResponse(session, headers.pairs, headers.count)
    }

    /// Sends a constant header block whose body follows.
    package func sendHeaders(_ headers: StaticHeaderBlock) {
        guard !isClosed, let session else { return }
        submitResponse(session, headers.pairs, headers.count)
    }

    private func submitResponse(_ session: HTTP2Session, _ pairs: UnsafePointer<nghttp2_nv>, _ count: Int) {
        // Safe unretained: libnghttp2 drops the source when the stream closes, until when it holds the stream.
        var provider = nghttp2_data_provider(
            source: nghttp2_data_source(ptr: Unmanaged.passUnretained(self).toOpaque()),
            read_callback: HTTP2Callbacks.readBody)
        drainsBeforeAnswer = session.drains
        session.demand(nghttp2_submit_response(session.pointer, id, pairs, count, &provider))
        session.noteOutput()
    }

    /// Whether there can be more of the body: while the stream is open, and before its end was said. To go on behind the end
    /// is a mistake of the caller, not something that can happen.
    private var takesMore: Bool {
        guard !isClosed else { return false }
        guard case .open = output.end else {
            assertionFailure("the body has ended")
            return false
        }
        return true
    }

    /// Queues octets of the body.
    package func send(_ bytes: [UInt8]) { send(.array(bytes)) }

    /// Queues octets of the body.
    package func send(_ octets: OutgoingOctets) { send(.octets(octets)) }

    private func send(_ chunk: OutgoingBody.Chunk) {
        guard takesMore else { return }
        output.append(chunk)
        session?.queuedOutput += chunk.count
        resume()
    }

    /// Ends the body, with trailers if there are any.
    package func end(trailers: HeaderBlock? = nil) {
        guard takesMore else { return }
        guard let trailers else {
            output.end = .endOfStream
            return resume()
        }
        output.end = .trailers(trailers)
        guard let session = sessionForTrailers else { return resume() }
        trailers.withNameValues { pairs, count in session.submitTrailers(of: self, pairs, count) }
    }

    /// Ends the body with constant trailers.
    package func end(trailers: StaticHeaderBlock) {
        guard takesMore else { return }
        output.end = .constantTrailers(trailers)
        guard let session = sessionForTrailers else { return resume() }
        session.submitTrailers(of: self, trailers.pairs, trailers.count)
    }

    /// Trailers wait for octets of the body that wait, and for nothing else: HEADERS need no window (RFC 9113 §6.9), while
    /// libnghttp2 asks for more of a body only when there is one.
    private var sessionForTrailers: HTTP2Session? {
        output.queued == 0 && drainsBeforeAnswer >= 0 ? session : nil
    }

    private func resume() {
        guard let session else { return }
        if output.isDeferred {
            output.isDeferred = false
            // Refused while the stream is being reset.
            _ = nghttp2_session_resume_data(session.pointer, id)
        }
        session.noteOutput()
    }

    /// Ends the stream at once in both directions.
    package func reset(_ code: HTTP2ErrorCode) {
        guard !isClosed, let session else { return }
        session.demand(
            nghttp2_submit_rst_stream(session.pointer, UInt8(NGHTTP2_FLAG_NONE.rawValue), id, code.rawValue))
        session.noteOutput()
    }
}
