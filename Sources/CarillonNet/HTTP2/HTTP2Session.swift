internal import CarillonCNghttp2

/// Who moves a session's octets and lives the connection's life. All calls come on the session's loop, some while
/// libnghttp2 is at work: they may open or answer streams, but must not run the session.
package protocol HTTP2SessionOwner: AnyObject {
    /// There is something to send, asked for once until ``HTTP2Session/gather(into:upTo:)`` has run.
    func sessionHasOutput(_ session: HTTP2Session)
    /// A peer opened a stream (servers only); the answer handles it.
    func session(_ session: HTTP2Session, opened stream: HTTP2Stream) -> (any HTTP2StreamHandler)?
    /// A SETTINGS frame of the peer came; the first shows that it speaks HTTP/2.
    func sessionReceivedSettings(_ session: HTTP2Session)
    /// A PING of ours came back.
    func sessionReceivedPong(_ session: HTTP2Session)
    /// The peer will take no new streams.
    func session(_ session: HTTP2Session, received goAway: HTTP2GoAway)
    /// A stream is over.
    func sessionClosedStream(_ session: HTTP2Session)
}

/// The frames and streams of one connection: libnghttp2 with octets in and octets out. It knows no socket and no TLS, and of
/// time what its owner or its loop's tick says, so that it can be fed by a fuzzer as well as by a connection.
///
/// Octets that came are given to ``receive(_:)``, which calls the streams' handlers; what they answer gathers in
/// libnghttp2 until ``gather(into:upTo:)`` drains it.
///
/// Safe as `@unchecked Sendable` because it is confined to `loop`.
package final class HTTP2Session: @unchecked Sendable {
    /// The loop that the session and its streams run on.
    package let loop: EventLoop
    /// The peer's address without its port, for logs.
    package let peer: String
    /// What the peer may ask for.
    package let limits: HTTP2Limits
    let isServer: Bool
    let pool: HTTP2Pool
    @exclusivity(unchecked) private(set) var pointer: OpaquePointer?
    /// Set right after the session was made; unowned because the owner closes the session before it goes.
    @exclusivity(unchecked) package unowned(unsafe) var owner: (any HTTP2SessionOwner)?
    /// Whether a request was answered before it was complete; until then nobody looks for such answers.
    @exclusivity(unchecked) private var answersEarly = false
    /// How often all that there was to send has been gathered.
    @exclusivity(unchecked) private(set) var drains = 0
    /// Whether the peer has answered the PING that came with the announcement of a GOAWAY.
    private(set) var isAnnouncementAnswered = false
    /// Whether the owner knows that there is output.
    @exclusivity(unchecked) private var isOutputNoted = false
    /// The stream that libnghttp2 called for last.
    @exclusivity(unchecked) var current: Unmanaged<HTTP2Stream>?
    /// Its identifier; 0 when there is none.
    @exclusivity(unchecked) var currentID: Int32 = 0
    /// The stream whose header block is being received; saves a look-up for each field.
    @exclusivity(unchecked) unowned(unsafe) var receiving: HTTP2Stream?
    /// The stream whose trailers are being received, which a server only checks.
    @exclusivity(unchecked) unowned(unsafe) var trailing: HTTP2Stream?
    /// Where the next field goes of the stream whose header block is received.
    @exclusivity(unchecked) var fields: HeaderWriter?
    /// Octets of fields of that block that were decoded and not stored.
    @exclusivity(unchecked) var discarded = 0
    /// The header block of the last request; empty for clients.
    let memo = FieldMemo()
    /// What the rules say of that block; `nil` when there is none.
    @exclusivity(unchecked) var rules: RequestRules?
    /// What is different in that block since a handler was told of one.
    @exclusivity(unchecked) var untold = FieldChanges.all
    @exclusivity(unchecked) var openStreams = StreamTable()
    /// How the peer behaves.
    @exclusivity(unchecked) var conduct: PeerConduct
    /// Octets of bodies that wait to be sent, over all streams.
    @exclusivity(unchecked) package internal(set) var queuedOutput = 0
    /// Who the peer is by its certificate, if it showed one; set by the owner before the first stream.
    package var peerIdentity: PeerIdentity?
    /// See ``noteWork(_:)``.
    private var notedWork = 0

    /// Makes a session of a server or a client; nothing is sent before ``submitSettings()``.
    package init(isServer: Bool, loop: EventLoop, peer: String, limits: HTTP2Limits) {
        self.isServer = isServer
        self.loop = loop
        self.peer = peer
        self.limits = limits
        conduct = PeerConduct(limits, ofClient: isServer, at: loop.now)
        pool = .of(loop)
        pointer = Self.make(isServer: isServer, limits: limits, for: self)
    }

    deinit {
        assert(pointer == nil, "a session was dropped before it was closed")
    }

    /// The number of streams that are open.
    package var streamCount: Int { openStreams.count }
    /// Octets that may wait on one stream before its writer should wait.
    package var outputLimit: Int { limits.streamOutput }
    /// Frames other than DATA that wait to be sent.
    var waitingFrames: Int { nghttp2_session_get_outbound_queue_size(pointer) }
    /// Whether both sides have said all that they will say.
    package var isFinished: Bool {
        nghttp2_session_want_read(pointer) == 0 && nghttp2_session_want_write(pointer) == 0
    }

    // MARK: Octets

    /// Takes octets that the peer sent, and tells handlers of what they mean.
    ///
    /// - Parameter now: the time by which the peer's behaviour is measured; `nil` takes that of the loop's tick.
    /// - Returns: why the connection cannot go on, and then a GOAWAY that says so is queued; `nil` when it can.
    package func receive(_ bytes: UnsafeRawBufferPointer, at now: MonotonicTime? = nil) -> HTTP2CloseReason? {
        conduct.now = now ?? loop.now
        return conclude(take(bytes))
    }

    /// Fills memory with frames to send, and returns how many octets they are; 0 when there is nothing to send. It stops at
    /// the first frame behind the target; the memory must have room for one frame more.
    package func gather(into buffer: UnsafeMutableRawBufferPointer, upTo target: Int) -> Int {
        isOutputNoted = false
        guard let start = buffer.baseAddress else { return 0 }
        var count = 0
        while count < target {
            var frame: UnsafePointer<UInt8>?
            let length = nghttp2_session_mem_send(pointer, &frame)
            guard length > 0, let frame else {
                if length < 0 { demand(CInt(length)) }
                conduct.hasChangedWindows = false
                drains &+= 1
                break
            }
            (start + count).copyMemory(from: frame, byteCount: length)
            count += length
        }
        return count
    }

    /// Takes note of what libnghttp2 answers to a submission: it refuses only for want of memory, and a peer must not wait for
    /// ever for what was not sent. The session ends with the next look at ``concludeVerdict()``.
    func demand(_ result: CInt) {
        guard result < 0 else { return }
        conduct.failure("the connection cannot go on: \(String(cString: nghttp2_strerror(result)))")
        owner?.sessionHasOutput(self)
    }

    /// Counts octets that were made of few that came, by decompression, against the connection's turn
    /// (``HTTP2Limits/readBudget``): what costs as much as reading ends the turn as soon.
    package func noteWork(_ octets: Int) {
        notedWork += octets
    }

    /// What was noted since the last call.
    func takeNotedWork() -> Int {
        defer { notedWork = 0 }
        return notedWork
    }

    /// Tells the owner once that there is output.
    func noteOutput() {
        guard !isOutputNoted else { return }
        isOutputNoted = true
        owner?.sessionHasOutput(self)
    }

    // MARK: Called by libnghttp2

    func sendEnded(streamID: Int32) {
        guard answersEarly else { return }
        // A server that answered before the request was complete tells the client to stop sending (RFC 9113 §8.1). The
        // reset is queued only now: queued earlier, libnghttp2 would send it before the trailers.
        guard let stream = HTTP2Callbacks.stream(pointer, streamID), !stream.isReceiveEnded else { return }
        demand(
            nghttp2_submit_rst_stream(
                pointer, UInt8(NGHTTP2_FLAG_NONE.rawValue), streamID, HTTP2ErrorCode.noError.rawValue))
    }

    /// Gives libnghttp2 the trailers of a stream that has no octets left to send. It drops what it still holds of the body
    /// when they have gone out.
    func submitTrailers(of stream: HTTP2Stream, _ pairs: UnsafePointer<nghttp2_nv>, _ count: Int) {
        noteEnd(of: stream)
        stream.output.isEndSaid = true
        demand(nghttp2_submit_trailer(pointer, stream.id, pairs, count))
        noteOutput()
    }

    func readBody(
        _ stream: HTTP2Stream, into buffer: UnsafeMutableRawBufferPointer, _ flags: UnsafeMutablePointer<UInt32>
    ) -> Int {
        let wasFull = stream.output.queued >= limits.streamOutput
        let count = stream.output.read(into: buffer)
        stream.sentOutput &+= count
        queuedOutput -= count
        if wasFull, stream.output.queued < limits.streamOutput { stream.handler?.streamDrained(stream) }
        guard stream.output.queued == 0 else { return count }
        guard stream.output.owesEnd else {
            guard count == 0 else { return count }
            stream.output.isDeferred = true
            return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        }
        flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
        switch stream.output.end {
        case .open, .endOfStream:
            noteEnd(of: stream)
            stream.output.isEndSaid = true
            return count
        case .trailers(let trailers):
            trailers.withNameValues { pairs, count in submitTrailers(of: stream, pairs, count) }
        case .constantTrailers(let trailers): submitTrailers(of: stream, trailers.pairs, trailers.count)
        }
        flags.pointee |= NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
        return count
    }

    func closed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        openStreams.remove(stream)
        if currentID == stream.id { (current, currentID) = (nil, 0) }
        if receiving === stream {
            endWriting()
            receiving = nil
        }
        if trailing === stream { trailing = nil }
        stream.isClosed = true
        queuedOutput -= stream.output.queued
        stream.output.reset()
        if openStreams.count == 0 { conduct.idleSince = conduct.now }
        let handler = stream.handler.take()
        stream.session = nil
        handler?.streamClosed(stream, code)
        owner?.sessionClosedStream(self)
    }

    func settingsReceived(changesWindows: Bool) {
        if changesWindows { conduct.hasChangedWindows = true }
        owner?.sessionReceivedSettings(self)
    }
    func pongReceived(_ ping: nghttp2_ping) {
        let isAnswer = withUnsafeBytes(of: ping.opaque_data) { $0.elementsEqual(Self.announcement) }
        if isAnswer { isAnnouncementAnswered = true }
        owner?.sessionReceivedPong(self)
    }
    func goAwayReceived(_ goAway: HTTP2GoAway) { owner?.session(self, received: goAway) }

    /// Takes note of an answer whose end is about to be sent.
    func noteEnd(of stream: HTTP2Stream) {
        if isServer, !stream.isReceiveEnded { answersEarly = true }
    }

    // MARK: Opening streams (clients)

    /// Opens a stream; its body is ended here or by ``HTTP2Stream/end(trailers:)``.
    ///
    /// - Returns: The stream, or `nil` when the session takes no more.
    package func open(
        _ headers: HeaderBlock, body: [UInt8], endsBody: Bool, handler: any HTTP2StreamHandler
    ) -> HTTP2Stream? {
        let stream = pool.makeStream(in: self)
        stream.handler = handler
        stream.output.append(.array(body))
        stream.beganAt = conduct.now
        if endsBody { stream.output.end = .endOfStream }
        let retained = Unmanaged.passRetained(stream)
        var provider = nghttp2_data_provider(
            source: nghttp2_data_source(ptr: retained.toOpaque()), read_callback: HTTP2Callbacks.readBody)
        let id = headers.withNameValues { pairs, count in
            nghttp2_submit_request(pointer, nil, pairs, count, &provider, retained.toOpaque())
        }
        guard id > 0 else {
            retained.release()
            stream.session = nil
            return nil
        }
        stream.id = id
        openStreams.insert(stream)
        queuedOutput += body.count
        conduct.idleSince = nil
        noteOutput()
        return stream
    }

    /// How many streams the peer takes at once (SETTINGS_MAX_CONCURRENT_STREAMS); `Int32.max` if it sets no limit.
    var peerConcurrentStreams: Int {
        guard pointer != nil else { return 0 }
        let limit = nghttp2_session_get_remote_settings(pointer, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
        return Int(min(limit, UInt32(Int32.max)))
    }

    /// Sends a PING (RFC 9113 §6.7); the owner is told when it comes back.
    func submitPing() {
        demand(nghttp2_submit_ping(pointer, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil))
        noteOutput()
    }

    /// What the PING of an announcement carries, so that no other's answer is taken for its own.
    private static let announcement = Array("farewell".utf8)

    // MARK: Ending

    /// Tells the peer to open no more streams, and asks for a PONG that shows that it knows (RFC 9113 §6.8). The reason comes
    /// with the last GOAWAY: libnghttp2's notice takes no words, and behind any other GOAWAY it ignores new streams.
    func announceGoAway() {
        if isServer { demand(nghttp2_submit_shutdown_notice(pointer)) }
        demand(nghttp2_submit_ping(pointer, UInt8(NGHTTP2_FLAG_NONE.rawValue), Self.announcement))
        noteOutput()
    }

    /// Fixes the last stream that is served, and says why.
    func submitGoAway(_ code: HTTP2ErrorCode = .noError, debug: String) {
        conduct.sentGoAway = nil
        let debug = Array(debug.utf8)
        demand(
            nghttp2_submit_goaway(
                pointer, UInt8(NGHTTP2_FLAG_NONE.rawValue), nghttp2_session_get_last_proc_stream_id(pointer),
                code.rawValue, debug, debug.count))
        noteOutput()
    }

    /// Calls a closure with each open stream; it may close any of them.
    package func visitStreams(_ body: (HTTP2Stream) -> Void) {
        openStreams.visit(body)
    }

    /// Ends every stream as cancelled and frees libnghttp2's part. Not to be called while libnghttp2 is at work.
    package func close() {
        guard pointer != nil else { return }
        // Deleting the session tells no stream of its end.
        while let stream = openStreams.last {
            nghttp2_session_set_stream_user_data(pointer, stream.id, nil)
            closed(stream, .cancel)
            // Takes back the one retain of the stream's beginning.
            Unmanaged.passUnretained(stream).release()
        }
        memo.clear()
        nghttp2_session_del(pointer)
        pointer = nil
        owner = nil
    }
}
