internal import CarillonCNghttp2

/// Who owns a connection's calls and hears of its life. All calls come on the connection's loop.
package protocol HTTP2ConnectionDelegate: AnyObject {
    /// The handshake is complete, the peer's SETTINGS have come, and streams may be opened.
    func connectionIsReady(_ connection: HTTP2Connection)
    /// The peer changed its SETTINGS later on, such as ``HTTP2Connection/peerConcurrentStreams``.
    func connectionReceivedSettings(_ connection: HTTP2Connection)
    /// The peer answered a PING of ``HTTP2Connection/sendPing()``.
    func connectionReceivedPingAnswer(_ connection: HTTP2Connection)
    /// A peer opened a stream (servers only); the answer handles it.
    func connection(_ connection: HTTP2Connection, opened stream: HTTP2Stream) -> (any HTTP2StreamHandler)?
    /// The peer or this side has begun to drain: no new streams.
    func connectionIsDraining(_ connection: HTTP2Connection)
    /// It is over and its descriptor is closed. The last call.
    func connectionClosed(_ connection: HTTP2Connection, _ reason: HTTP2CloseReason)
}

extension HTTP2ConnectionDelegate {
    /// Does nothing, for those who do not care.
    package func connectionReceivedSettings(_ connection: HTTP2Connection) {}
    /// Does nothing, for those who send no PING.
    package func connectionReceivedPingAnswer(_ connection: HTTP2Connection) {}
}

/// What a peer's GOAWAY says (RFC 9113 §6.8).
package struct HTTP2GoAway: Sendable {
    /// Why the peer ends the connection.
    package let code: HTTP2ErrorCode
    /// The last stream that the peer may have processed.
    package let lastStreamID: Int32
    /// The start of the debug data, such as `too_many_pings`: at most 128 octets, repaired to be text.
    package let debugText: String
}

/// Why a connection is over.
package enum HTTP2CloseReason: Sendable, CustomStringConvertible {
    /// Both sides are done with it, or the peer left.
    case finished
    /// The peer did not finish the handshake in time.
    case handshakeTimeout
    /// TLS failed.
    case tls(TLSError)
    /// The peer does not speak HTTP/2: no ALPN `h2`, or no preface.
    case notHTTP2
    /// The peer broke the protocol.
    case protocolViolation(String)
    /// It was cut off by its owner.
    case aborted

    /// One line for the log.
    package var description: String {
        switch self {
        case .finished: "finished"
        case .handshakeTimeout: "the handshake took too long"
        case .tls(let error): error.description
        case .notHTTP2: "the peer does not speak HTTP/2; this port takes HTTP/2 over TLS with ALPN h2"
        case .protocolViolation(let what): what
        case .aborted: "cut off"
        }
    }
}

/// One HTTP/2 connection over TLS: socket, TLS and libnghttp2 session, server or client side.
///
/// Bytes go one way: what the socket has is read and handled first, answers only gather in libnghttp2; at the end of the
/// tick everything is drained into one buffer and written with one `SSL_write` (one TLS record for a small answer).
///
/// States: handshaking → open → draining → lingering (FIN sent, waiting for the peer's) → closed.
/// Safe as `@unchecked Sendable` because it is confined to `loop`; every entry asserts.
package final class HTTP2Connection: TickParticipant, @unchecked Sendable {
    enum State {
        case handshaking
        case open
        case lingering
        case closed
    }
    /// The loop that all of this runs on.
    package let loop: EventLoop
    /// The peer's address without its port, for logs.
    package let peer: String
    let limits: HTTP2Limits
    let isServer: Bool
    private(set) var session: OpaquePointer?
    private let tls: TLSSession
    private let descriptor: CInt
    private var watch: DescriptorWatch?
    private weak var delegate: (any HTTP2ConnectionDelegate)?
    private(set) var state = State.handshaking
    private var deadline: LoopTimer?
    private var isTouched = false
    private var isInSession = false
    private var readsAgain = false
    private var unwritten: [UInt8] = []
    private var closing: HTTP2CloseReason?
    private var drain = DrainPhase.none
    /// The stream whose header block is being received; saves a look-up for each field.
    private var receiving: HTTP2Stream?
    private var openStreams = StreamList()
    private var readyForStreams = false

    private enum DrainPhase {
        case none
        case announced
        case final
    }

    /// The number of streams that are open.
    package var streamCount: Int { openStreams.count }
    /// Octets that may wait on one stream before its writer should wait.
    package var outputLimit: Int { limits.streamOutput }
    /// Whether new streams are refused or pointless.
    package var isDraining: Bool { drain != .none || state != .open || peerGoAway != nil }
    /// What the peer said last when it asked for no more streams.
    package private(set) var peerGoAway: HTTP2GoAway?
    /// Why the connection ends, as soon as that is known; `nil` while it goes on.
    package var closeReason: HTTP2CloseReason? { closing }
    /// When octets came last.
    package private(set) var lastReceived: MonotonicTime
    /// How many streams the peer takes at once (SETTINGS_MAX_CONCURRENT_STREAMS); `Int32.max` if it sets no limit.
    package var peerConcurrentStreams: Int {
        let limit = nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
        return Int(min(limit, UInt32(Int32.max)))
    }

    /// Takes over a connected non-blocking socket and begins the handshake. Loop's thread only.
    package init(
        loop: EventLoop, descriptor: CInt, context: TLSContext, serverName: String? = nil,
        limits: HTTP2Limits = .init(),
        delegate: any HTTP2ConnectionDelegate
    ) throws(TLSError) {
        loop.assertOnLoop()
        self.loop = loop
        self.descriptor = descriptor
        self.limits = limits
        self.delegate = delegate
        isServer = context.isServer
        lastReceived = loop.now
        peer = Socket.peerName(descriptor)
        tls = try TLSSession(context: context, descriptor: descriptor, serverName: serverName)
        session = HTTP2Session.make(isServer: isServer, limits: limits, for: self)
        watch = loop.watch(descriptor: descriptor) { events in self.ready(events) }
        watch?.interest = isServer ? [.readable] : [.readable, .writable]
        deadline = loop.schedule(after: limits.handshakeTime) { self.close(.handshakeTimeout) }
    }

    // MARK: Readiness

    private func ready(_ events: ReadyEvents) {
        loop.assertOnLoop()
        switch state {
        case .handshaking: handshake()
        case .open:
            if events.contains(.readable) { read() }
            if events.contains(.writable) { touch() }
        case .lingering:
            if !Socket.discardInput(descriptor, loop.readBuffer) { close(.finished) }
        case .closed: break
        }
    }

    private func handshake() {
        switch tls.handshake() {
        case .moved:
            guard tls.negotiatedH2 else { return close(.notHTTP2) }
            state = .open
            watch?.interest = [.readable]
            HTTP2Session.submitSettings(session, isServer: isServer, limits: limits)
            touch()
            read()
        case .wantsRead: watch?.interest = [.readable]
        case .wantsWrite: watch?.interest = [.readable, .writable]
        case .closed: close(.finished)
        case .failed(let error): close(.tls(error))
        }
    }

    private func read() {
        guard state == .open, closing == nil else { return }
        isInSession = true
        defer { isInSession = false }
        var budget = limits.readBudget
        repeat {
            switch tls.read(into: loop.readBuffer) {
            case .moved(let count):
                budget -= count
                lastReceived = loop.now
                let taken = nghttp2_session_mem_recv(session, loop.readBuffer.baseAddress, count)
                guard taken >= 0 else { return receiveFailed(CInt(taken)) }
            case .wantsRead: return touch()
            case .wantsWrite:
                watch?.interest = [.readable, .writable]
                return touch()
            case .closed: return close(.finished)
            case .failed(let error): return close(.tls(error))
            }
        } while tls.hasPending && budget > 0 && closing == nil
        // What OpenSSL holds already does not make the descriptor ready: it is looked at again in the next tick.
        readsAgain = tls.hasPending
        touch()
    }

    private func receiveFailed(_ code: CInt) {
        if code == NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue { return close(.notHTTP2) }
        if code == NGHTTP2_ERR_FLOODED.rawValue { return close(.protocolViolation("the peer floods the connection")) }
        close(.protocolViolation(String(cString: nghttp2_strerror(code))))
    }

    // MARK: Writing

    /// Asks for one flush at the end of the tick.
    package func touch() {
        guard !isTouched, state != .closed else { return }
        isTouched = true
        loop.atEndOfTick(self)
    }

    /// Does what gathered during the tick. Called by the loop.
    package func endOfTick() {
        isTouched = false
        guard state == .open else { return }
        if readsAgain {
            readsAgain = false
            read()
        }
        flush()
        guard state == .open, closing == nil, unwritten.isEmpty else { return }
        if nghttp2_session_want_read(session) == 0, nghttp2_session_want_write(session) == 0 { return linger() }
        if drain == .final, openStreams.count == 0 { linger() }
    }

    private func flush() {
        while state == .open {
            if !unwritten.isEmpty {
                guard writeLeftover() else { return }
                continue
            }
            let count = gather()
            guard count > 0 else { return setInterest(writable: false) }
            guard write(UnsafeRawBufferPointer(rebasing: loop.writeBuffer[..<count])) else { return }
        }
    }

    /// Fills the loop's write buffer with frames, about one full TLS record at most, and returns how much it is.
    private func gather() -> Int {
        isInSession = true
        defer { isInSession = false }
        var count = 0
        while count < Self.gatherTarget {
            var frame: UnsafePointer<UInt8>?
            let length = nghttp2_session_mem_send(session, &frame)
            guard length > 0, let frame else { break }
            // A frame is at most 16 KiB and nine octets here, so it fits behind what is below the target.
            (loop.writeBuffer.baseAddress.unsafelyUnwrapped + count).copyMemory(from: frame, byteCount: length)
            count += length
        }
        return count
    }

    private static let gatherTarget = 16 * 1024

    private func writeLeftover() -> Bool {
        let bytes = unwritten
        unwritten = []
        return bytes.withUnsafeBytes { write($0) }
    }

    /// Writes all of the bytes, or keeps what is left; false when nothing more can be written now.
    private func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var rest = bytes
        while !rest.isEmpty {
            switch tls.write(rest) {
            case .moved(let count): rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            case .wantsWrite, .wantsRead:
                unwritten = Array(rest)
                setInterest(writable: true)
                return false
            case .closed:
                close(.finished)
                return false
            case .failed(let error):
                close(.tls(error))
                return false
            }
        }
        return true
    }

    private func setInterest(writable: Bool) {
        watch?.interest = writable ? [.readable, .writable] : [.readable]
    }

    // MARK: Called by libnghttp2

    func beginHeaders(streamID: Int32, isRequest: Bool) -> CInt {
        if isRequest, isServer {
            let stream = HTTP2Stream(connection: self)
            stream.id = streamID
            adopt(stream)
            nghttp2_session_set_stream_user_data(session, streamID, Unmanaged.passRetained(stream).toOpaque())
            stream.handler = delegate?.connection(self, opened: stream)
            receiving = stream
        } else {
            // gRPC requests have no trailers; a server that is sent some keeps the request's own fields instead.
            receiving = isServer ? nil : HTTP2Callbacks.stream(session, streamID)
            receiving?.received.removeAll()
        }
        return 0
    }

    func header(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        guard let stream = receiving, !stream.isHeaderListTooLarge else { return }
        guard stream.received.listSize + name.count + value.count + 32 <= limits.headerListSize else {
            stream.isHeaderListTooLarge = true
            return
        }
        stream.received.append(name: name, value: value)
    }

    func headersComplete(_ stream: HTTP2Stream, endsStream: Bool) {
        receiving = nil
        if stream.hasReceivedHeaders {
            stream.handler?.streamReceivedTrailers(stream)
        } else {
            // Informational responses (1xx) precede the one that counts.
            let informational = !isServer && stream.received.withFirst(":status") { $0?.first == UInt8(ascii: "1") }
            guard !informational else { return }
            stream.hasReceivedHeaders = true
            stream.handler?.streamReceivedHeaders(stream)
        }
        if endsStream { receiveEnded(stream) }
    }

    func receiveEnded(_ stream: HTTP2Stream) {
        guard !stream.isReceiveEnded else { return }
        stream.isReceiveEnded = true
        stream.handler?.streamReceivedEnd(stream)
    }

    func sendEnded(streamID: Int32) {
        // A server that answered before the request was complete tells the client to stop sending (RFC 9113 §8.1). The
        // reset is queued only now: queued earlier, libnghttp2 would send it before the trailers.
        guard isServer, let stream = HTTP2Callbacks.stream(session, streamID), !stream.isReceiveEnded else { return }
        nghttp2_submit_rst_stream(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), streamID, HTTP2ErrorCode.noError.rawValue)
    }

    func readBody(
        _ stream: HTTP2Stream, into buffer: UnsafeMutableRawBufferPointer, _ flags: UnsafeMutablePointer<UInt32>
    )
        -> Int
    {
        let wasFull = stream.output.queued >= limits.streamOutput
        let count = stream.output.read(into: buffer)
        if wasFull, stream.output.queued < limits.streamOutput { stream.handler?.streamDrained(stream) }
        guard stream.output.queued == 0 else { return count }
        switch stream.output.end {
        case .open:
            guard count == 0 else { return count }
            stream.output.isDeferred = true
            return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        case .endOfStream:
            flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue
        case .trailers(let trailers):
            flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
            trailers.withNameValues { pairs, count in _ = nghttp2_submit_trailer(session, stream.id, pairs, count) }
        case .constantTrailers(let trailers):
            flags.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue | NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue
            nghttp2_submit_trailer(session, stream.id, trailers.pairs, trailers.count)
        }
        return count
    }

    func closed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        openStreams.remove(stream)
        if receiving === stream { receiving = nil }
        stream.isClosed = true
        let handler = stream.handler
        stream.handler = nil
        stream.connection = nil
        handler?.streamClosed(stream, code)
        if drain != .none { touch() }
    }

    func settingsReceived() {
        guard !readyForStreams else {
            delegate?.connectionReceivedSettings(self)
            return
        }
        readyForStreams = true
        deadline?.cancel()
        deadline = nil
        delegate?.connectionIsReady(self)
    }

    func pingAcknowledged() {
        if drain == .announced { sendFinalGoAway() }
        delegate?.connectionReceivedPingAnswer(self)
    }

    func peerSaidGoAway(_ goAway: HTTP2GoAway) {
        let isFirst = peerGoAway == nil
        peerGoAway = goAway
        if drain == .none, isFirst { delegate?.connectionIsDraining(self) }
    }

    /// Sends a PING (RFC 9113 §6.7); the answer comes as ``HTTP2ConnectionDelegate/connectionReceivedPingAnswer(_:)``.
    package func sendPing() {
        loop.assertOnLoop()
        guard state == .open, closing == nil else { return }
        nghttp2_submit_ping(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil)
        touch()
    }

    // MARK: Opening streams (clients)

    /// Opens a stream; its body is ended here or by ``HTTP2Stream/end(trailers:)``.
    ///
    /// - Returns: The stream, or `nil` when the connection takes no more.
    package func open(
        _ headers: HeaderBlock, body: [UInt8], endsBody: Bool, handler: any HTTP2StreamHandler
    )
        -> HTTP2Stream?
    {
        loop.assertOnLoop()
        guard !isDraining, closing == nil else { return nil }
        let stream = HTTP2Stream(connection: self)
        stream.handler = handler
        stream.output.append(body)
        if endsBody { stream.output.end = .endOfStream }
        let pointer = Unmanaged.passRetained(stream)
        var provider = nghttp2_data_provider(
            source: nghttp2_data_source(ptr: pointer.toOpaque()), read_callback: HTTP2Callbacks.readBody)
        let id = headers.withNameValues { pairs, count in
            nghttp2_submit_request(session, nil, pairs, count, &provider, pointer.toOpaque())
        }
        guard id > 0 else {
            pointer.release()
            stream.connection = nil
            return nil
        }
        stream.id = id
        adopt(stream)
        touch()
        return stream
    }

    private func adopt(_ stream: HTTP2Stream) {
        openStreams.insert(stream)
    }

    // MARK: Ending

    /// Begins a graceful end: the peer is told to open no more streams, those that are open are finished. The limit of
    /// accepted streams is fixed when the peer has seen the notice (its PING answer), or after a second.
    package func beginDrain() {
        loop.assertOnLoop()
        guard drain == .none else { return }
        guard state == .open else { return close(.finished) }
        drain = .announced
        delegate?.connectionIsDraining(self)
        nghttp2_submit_shutdown_notice(session)
        nghttp2_submit_ping(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nil)
        deadline?.cancel()
        deadline = loop.schedule(after: .seconds(1)) { self.sendFinalGoAway() }
        touch()
    }

    private func sendFinalGoAway() {
        guard drain == .announced, state == .open else { return }
        drain = .final
        deadline?.cancel()
        deadline = nil
        nghttp2_submit_goaway(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), nghttp2_session_get_last_proc_stream_id(session),
            HTTP2ErrorCode.noError.rawValue, nil, 0)
        touch()
    }

    /// Everything is said: send FIN and wait a moment for the peer's, so that no reset overtakes the last frames.
    private func linger() {
        guard state == .open else { return }
        state = .lingering
        tls.sendCloseNotify()
        Socket.finishSending(descriptor)
        setInterest(writable: false)
        deadline?.cancel()
        deadline = loop.schedule(after: .seconds(1)) { self.close(.finished) }
    }

    /// Ends the connection now; open streams are told that they were cancelled. While libnghttp2 is at work the end
    /// comes right after it.
    package func close(_ reason: HTTP2CloseReason) {
        loop.assertOnLoop()
        guard state != .closed, closing == nil else { return }
        closing = reason
        if isInSession {
            loop.execute { self.tearDown() }
        } else {
            tearDown()
        }
    }

    private func tearDown() {
        guard state != .closed, let reason = closing else { return }
        state = .closed
        deadline?.cancel()
        deadline = nil
        watch?.close()
        watch = nil
        // Deleting the session tells no stream of its end.
        while let stream = openStreams.first {
            nghttp2_session_set_stream_user_data(session, stream.id, nil)
            closed(stream, .cancel)
            // Takes back the one retain of the stream's beginning.
            Unmanaged.passUnretained(stream).release()
        }
        nghttp2_session_del(session)
        session = nil
        Socket.close(descriptor)
        delegate?.connectionClosed(self, reason)
    }
}
