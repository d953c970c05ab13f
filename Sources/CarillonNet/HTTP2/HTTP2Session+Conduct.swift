internal import CarillonCNghttp2

/// What libnghttp2 tells of frames rather than of streams. All of it counts; a verdict ends the session.
extension HTTP2Session {
    /// What the callbacks of reading answer: libnghttp2 stops at once when there is a verdict.
    var readingAnswer: CInt {
        conduct.verdict == nil ? 0 : CInt(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue)
    }

    /// Gives octets to libnghttp2, after a look at the heads of their frames.
    func take(_ bytes: UnsafeRawBufferPointer) -> Int {
        var given = 0
        var place = 0
        if conduct.scanner.isInPreface {
            // What follows a wrong preface is no frame.
            given = min(bytes.count, conduct.scanner.skip)
            let taken = give(bytes, 0, given)
            if taken < 0 { return taken }
        }
        // The highest identifiers in heads that libnghttp2 has not seen: of all, and of those that may end a stream.
        var ahead = conduct.recent.highest
        var ended: Int32 = 0
        while let head = conduct.scanner.next(bytes, &place) {
            judge(head)
            if head.type == FrameHead.priority {
                judgePriority(head, UnsafeRawBufferPointer(rebasing: bytes[place...]))
            }
            let isOfCall = head.type == FrameHead.data || head.type == FrameHead.headers
            if isOfCall, !isServer {
                judgeForeign(head)
            } else if isOfCall, head.stream <= ahead {
                // What a frame means for a stream depends on those before it: these come first, where it matters.
                let start = max(given, place - FrameHead.length)
                if head.type == FrameHead.headers || head.stream <= ended {
                    let taken = give(bytes, given, start)
                    if taken < 0 { return taken }
                    given = start
                    ended = 0
                }
                judgeOlder(head)
            }
            if conduct.verdict != nil { break }
            switch head.type {
            case FrameHead.headers:
                ahead = max(ahead, head.stream)
                if head.endsStream { ended = max(ended, head.stream) }
            case FrameHead.data where head.endsStream: ended = max(ended, head.stream)
            case FrameHead.resetStream: ended = max(ended, head.stream)
            default: break
            }
        }
        guard conduct.verdict == nil else { return 0 }
        if !conduct.scanner.isHeaderBlockIncomplete {
            conduct.headerBlockSince = nil
        } else if conduct.headerBlockSince == nil {
            conduct.headerBlockSince = conduct.now
        }
        return give(bytes, given, bytes.count)
    }

    private func give(_ bytes: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Int {
        guard end > start else { return 0 }
        return nghttp2_session_mem_recv(pointer, bytes.baseAddress.map { $0 + start }, end - start)
    }

    /// Counts a frame for what it costs by itself, whatever its stream.
    private func judge(_ head: FrameHead) {
        // libnghttp2 does not look at the length of CONTINUATION, and at that of the first SETTINGS only when it is there.
        guard head.payload <= FrameHead.largestPayload else {
            return conduct.violation(.frameSizeError, "too large frame size")
        }
        switch head.type {
        case FrameHead.headers: conduct.isBlockLate = false
        case FrameHead.continuation:
            if conduct.isBlockLate { conduct.judge(conduct.budget.lateContinuation(head.payload, at: conduct.now)) }
        // An empty frame is good for the end of a body only. What others are worth is known when they have come.
        case FrameHead.data where head.payload > 0 || head.endsStream: break
        default: conduct.judge(conduct.budget.idleFrame(at: conduct.now))
        }
    }

    /// Checks what libnghttp2 skips altogether where the priorities of RFC 7540 are off (RFC 9113 §6.3, RFC 7540 §5.3.1).
    /// A payload that is cut by the end of a read is not looked at: nothing hangs on it.
    private func judgePriority(_ head: FrameHead, _ rest: UnsafeRawBufferPointer) {
        guard head.stream != 0 else { return conduct.violation(.protocolError, "PRIORITY: stream 0") }
        guard head.payload == 5, rest.count >= 4 else { return }
        let dependency = UInt32(bigEndian: rest.loadUnaligned(as: UInt32.self)) & 0x7fff_ffff
        if dependency == UInt32(head.stream) { conduct.violation(.protocolError, "PRIORITY: depends on itself") }
    }

    /// HEADERS or DATA of a client came for an identifier that was in use: fine while the stream is open. libnghttp2 ignores
    /// the others, since it does not remember closed streams.
    private func judgeOlder(_ head: FrameHead) {
        let id = head.stream
        guard id & 1 == 1, id <= conduct.recent.highest else { return }
        guard nghttp2_session_find_stream(pointer, id) == nil else {
            if head.type == FrameHead.headers { conduct.judge(conduct.budget.trailers(at: conduct.now)) }
            return
        }
        switch conduct.recent.find(id) {
        case .late:
            judgeLate(head)
            if head.endsStream { conduct.recent.ended(id) }
        case .closed: conduct.violation(.streamClosed, "frame for a closed stream")
        case .neverOpened:
            let opens = head.type == FrameHead.headers
            conduct.violation(.protocolError, opens ? "unexpected stream identifier" : "DATA: stream in idle")
        }
    }

    /// HEADERS or DATA of a server came: fine while the stream is open.
    private func judgeForeign(_ head: FrameHead) {
        if nghttp2_session_find_stream(pointer, head.stream) == nil { judgeLate(head) }
    }

    /// HEADERS or DATA came for a stream that is gone. DATA that is empty and does not end the stream has paid already.
    private func judgeLate(_ head: FrameHead) {
        if head.type == FrameHead.headers {
            conduct.isBlockLate = true
            if !conduct.late.coversBlock() {
                conduct.judge(conduct.budget.lateHeaders(head.payload, at: conduct.now))
            }
        } else if head.payload > 0 || head.endsStream, !conduct.late.covers(head.payload) {
            conduct.judge(conduct.budget.lateData(head.payload, at: conduct.now))
        }
    }

    /// DATA with a payload came as a whole for an open stream.
    func dataReceived(_ octets: Int) {
        conduct.judge(conduct.budget.data(octets, at: conduct.now))
    }

    /// A PING of the peer came (not the answer to one of ours).
    func pingReceived() {
        guard isServer else { return }
        conduct.judge(conduct.strikes.received(at: conduct.now, hasStreams: streamCount > 0))
    }

    /// The peer reset a stream that is open still.
    func resetReceived(_ stream: HTTP2Stream) {
        stream.isResetByPeer = true
        conduct.judge(conduct.budget.resetByPeer(kind(ofReset: stream), at: conduct.now))
    }

    private func kind(ofReset stream: HTTP2Stream) -> ConnectionBudget.Reset {
        // HEADERS wait for no window: whatever was submitted has gone out since all was gathered.
        let isAnswerSent = stream.drainsBeforeAnswer >= 0 && stream.drainsBeforeAnswer < drains
        guard isServer, !isAnswerSent else { return .late }
        if stream.beganAt == conduct.now { return .hasty }
        return stream.beganAt.duration(to: conduct.now) < limits.briefStreamTime ? .brief : .late
    }

    /// HEADERS or DATA went out.
    func partOfCallSent() {
        conduct.budget.frameOfCall()
        conduct.strikes.sentPartOfCall()
    }

    /// A reset of ours went out.
    func resetSent(_ id: Int32, _ code: HTTP2ErrorCode) {
        let stream = HTTP2Callbacks.stream(pointer, id)
        // What has ended already has nothing more under way.
        if stream?.isReceiveEnded != true {
            conduct.recent.reset(id)
            conduct.late.reset()
        }
        switch code {
        case .flowControlError where conduct.hasChangedWindows:
            // libnghttp2 only resets the stream whose window SETTINGS lifted too high (RFC 9113 §6.9.2).
            conduct.violation(.flowControlError, "SETTINGS: window overflow")
        case .flowControlError: conduct.judge(conduct.budget.windowIgnored(at: conduct.now))
        case .protocolError, .streamClosed, .frameSizeError, .compressionError:
            // Codes that only libnghttp2 gives, for errors of the peer.
            conduct.judge(conduct.budget.resetProvoked(at: conduct.now))
        // By libnghttp2, for one stream too many. Those that we refuse were let in by it, and are no fault of the peer.
        case .refusedStream where stream == nil && !conduct.hasAcknowledgedSettings:
            conduct.judge(conduct.budget.refusedEarly(at: conduct.now))
        default: break
        }
    }

    /// Looks at what came of a read of libnghttp2, and queues the GOAWAY if the session cannot go on.
    func conclude(_ taken: Int) -> HTTP2CloseReason? {
        if taken >= 0, nghttp2_session_get_outbound_queue_size(pointer) > limits.outboundFrames {
            conduct.judge(.output)
        }
        if conduct.verdict == nil, taken < 0 {
            switch CInt(taken) {
            case CInt(NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue):
                submitGoAway(.protocolError, debug: "this port takes HTTP/2")
                return .notHTTP2
            case CInt(NGHTTP2_ERR_FLOODED.rawValue), CInt(NGHTTP2_ERR_TOO_MANY_SETTINGS.rawValue),
                CInt(NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue):
                conduct.judge(.flood)
            default: conduct.violation(.protocolError, String(cString: nghttp2_strerror(CInt(taken))))
            }
        }
        return concludeVerdict()
    }

    /// Queues the GOAWAY that a verdict wants; `nil` when there is none.
    func concludeVerdict() -> HTTP2CloseReason? {
        guard let verdict = conduct.verdict else { return nil }
        submitGoAway(verdict.code, debug: verdict.debug)
        return verdict.reason
    }

    /// Looks at the open streams: what stands still is reset.
    func lookAfterStreams() {
        visitStreams { stream in
            let waiting = stream.queuedOutput + (isServer && stream.output.owesEnd ? 1 : 0)
            if let stall = limits.outputStall,
                stream.pace.isOutputStalled(
                    sent: stream.sentOutput, waiting: waiting, stall: stall, at: conduct.now)
            {
                stream.reset(.cancel)
            } else if let owing = stream.owing, !stream.isReceiveEnded,
                TransferPace.isInputTooSlow(
                    received: stream.receivedBody - owing.received,
                    // What was not read cannot have come too late.
                    age: owing.since.duration(to: conduct.now) - (conduct.unread - owing.unread), limits)
            {
                stream.reset(.enhanceYourCalm)
            }
        }
    }
}
