internal import CarillonCNghttp2

/// How header blocks come in. A server takes over what a request has in common with the one before, and checks what is new
/// by ``RequestRules``; for a client libnghttp2 checks the answers.
extension HTTP2Session {
    func beginHeaders(streamID: Int32, isRequest: Bool) {
        if isRequest, isServer {
            let stream = pool.makeStream(in: self)
            stream.id = streamID
            (current, currentID) = (.passUnretained(stream), streamID)
            openStreams.insert(stream)
            nghttp2_session_set_stream_user_data(pointer, streamID, Unmanaged.passRetained(stream).toOpaque())
            stream.beganAt = conduct.now
            conduct.recent.opened(streamID)
            conduct.idleSince = nil
            stream.handler = owner?.session(self, opened: stream)
            // Refused before anything of it is stored; libnghttp2 reads on, since the fields belong to HPACK's state.
            if stream.handler == nil { stream.reset(.refusedStream) }
            receiving = stream.handler == nil ? nil : stream
            memo.begin()
        } else {
            // gRPC requests have no trailers; a server that is sent some keeps the request's own fields instead.
            receiving = isServer ? nil : HTTP2Callbacks.stream(pointer, streamID)
            trailing = isServer ? HTTP2Callbacks.stream(pointer, streamID) : nil
        }
        fields = receiving?.block.beginWriting()
        payForDiscarded()
    }

    /// Whoever has fields decoded that are thrown away pays for them when their block is over.
    private func payForDiscarded() {
        guard discarded > 0 else { return }
        conduct.judge(conduct.budget.discarded(discarded, at: conduct.now))
        discarded = 0
    }

    /// A field came, with name and value as HPACK keeps them; answers what libnghttp2 is to do.
    @inline(__always)
    func header(_ name: OpaquePointer, _ value: OpaquePointer) -> CInt {
        fields != nil && memo.takesOver(name, value) ? 0 : newHeader(name, value)
    }

    private func newHeader(_ nameEntry: OpaquePointer, _ valueEntry: OpaquePointer) -> CInt {
        let name = UnsafeRawBufferPointer(nghttp2_rcbuf_get_buf(nameEntry))
        let value = UnsafeRawBufferPointer(nghttp2_rcbuf_get_buf(valueEntry))
        let octets = name.count + value.count
        guard fields != nil, copyRun() else { return discardField(name, value) }
        guard fields.unsafelyUnwrapped.listSize + octets + 32 <= limits.headerListSize else {
            refuseFields()
            return discardField(name, value)
        }
        if !fields.unsafelyUnwrapped.hasRoom(for: octets) { growFields(octets + HeaderBlock.prefix) }
        if isServer {
            memo.replace(
                nameEntry, valueEntry, at: fields.unsafelyUnwrapped.used, length: HeaderBlock.prefix + octets)
        }
        fields?.append(name, value)
        return 0
    }

    /// Copies the fields that were taken over from the last request; false when the list is too large for them.
    private func copyRun() -> Bool {
        let (octets, count) = memo.run
        guard count > 0, let writer = fields else { return true }
        guard writer.listSize + octets.count + (32 - HeaderBlock.prefix) * count <= limits.headerListSize else {
            refuseFields(octets)
            return false
        }
        if writer.capacity - writer.used < octets.count { growFields(octets.count) }
        memo.runCopied(to: writer.used)
        fields?.append(octets, count)
        return true
    }

    /// What is beyond the limit is not stored, but for the type of the body.
    ///
    /// - Parameter run: fields that were to be taken over from the last request.
    private func refuseFields(_ run: UnsafeRawBufferPointer = .init(start: nil, count: 0)) {
        receiving?.isHeaderListTooLarge = true
        conduct.judge(conduct.budget.wastedHeaders(at: conduct.now))
        endWriting()
        HeaderBlock.visit(run) { keepIfType($0, $1) }
        forgetLast()
    }

    /// Keeps the type of the body, which may stand behind the fields that were too many: it says in whose words the request
    /// is refused.
    private func keepIfType(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        guard isServer, let receiving, receiving.isHeaderListTooLarge, name.matches("content-type"),
            value.count <= Self.longestType, receiving.received.first("content-type") == nil
        else { return }
        receiving.block.append(name: name, value: value)
    }

    private static let longestType = 256

    /// Fields that are not stored are decoded all the same, since they belong to HPACK's state. An octet can stand for 4 KiB
    /// of that, so there is an end to it, far beyond what anybody sends by mistake.
    private func discardField(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> CInt {
        keepIfType(name, value)
        if let trailing, !RequestRules.isTrailer(name, value) { resetMalformed(trailing) }
        discarded += name.count + value.count + 32
        if discarded > Self.discardedLists * limits.headerListSize { conduct.judge(.headerBomb) }
        return readingAnswer
    }

    /// So many times the greatest header list may be decoded and thrown away for one header block.
    private static let discardedLists = 16

    private func growFields(_ octets: Int) {
        fields = fields.flatMap { writer in receiving?.block.grow(writer, by: octets) }
    }

    /// Gives what was received of a header block to its stream.
    func endWriting() {
        guard let writer = fields, let stream = receiving else { return }
        stream.block.endWriting(writer)
        fields = nil
    }

    private func forgetLast() {
        memo.clear()
        rules = nil
    }

    func headersComplete(_ stream: HTTP2Stream, endsStream: Bool) {
        if fields != nil, copyRun() {
            endWriting()
            if isServer { keep(stream) }
        }
        receiving = nil
        trailing = nil
        payForDiscarded()
        conduct.budget.frameOfCall()
        guard !stream.isMalformed else { return }
        if stream.hasReceivedHeaders {
            // Trailers are the last that is sent (RFC 9113 §8.1).
            if isServer, !endsStream { return resetMalformed(stream) }
            stream.handler?.streamReceivedTrailers(stream)
        } else {
            // Informational responses (1xx) precede the one that counts.
            let informational = !isServer && stream.received.first(":status")?.first == UInt8(ascii: "1")
            guard !informational else { return }
            stream.hasReceivedHeaders = true
            stream.handler?.streamReceivedHeaders(stream)
        }
        if endsStream { receiveEnded(stream) }
    }

    /// Checks what is new in a request, and keeps it for the next one.
    private func keep(_ stream: HTTP2Stream) {
        memo.end(stream.received.octets)
        let changes = memo.takeChanges()
        if !changes.isNone {
            untold.formUnion(changes)
            if !changes.hasSameNames {
                rules = RequestRules(stream.received)
            } else if rules?.recheck(stream.received, changes) == false {
                rules = nil
            }
        }
        guard let rules else {
            memo.clear()
            return resetMalformed(stream)
        }
        stream.announcedBody = rules.contentLength ?? -1
        stream.changes = untold
        untold = .none
    }

    /// Ends a stream whose request breaks the rules of HTTP; its handler hears only of the end.
    func resetMalformed(_ stream: HTTP2Stream) {
        guard !stream.isMalformed else { return }
        stream.isMalformed = true
        stream.reset(.protocolError)
    }

    /// Takes octets of a body.
    func bodyReceived(_ stream: HTTP2Stream, _ bytes: UnsafeRawBufferPointer) {
        stream.receivedBody &+= bytes.count
        if stream.announcedBody >= 0, stream.receivedBody > stream.announcedBody { resetMalformed(stream) }
        guard !stream.isMalformed else { return }
        stream.handler?.stream(stream, received: bytes)
    }

    func receiveEnded(_ stream: HTTP2Stream) {
        guard !stream.isReceiveEnded else { return }
        if stream.announcedBody >= 0, stream.receivedBody != stream.announcedBody { resetMalformed(stream) }
        guard !stream.isMalformed else { return }
        stream.isReceiveEnded = true
        stream.handler?.streamReceivedEnd(stream)
    }
}

extension UnsafeRawBufferPointer {
    fileprivate init(_ vector: nghttp2_vec) {
        self.init(start: vector.base, count: vector.len)
    }
}
