internal import CarillonNet
package import SwiftProtobuf

// How a call's answer gets out. gRPC with Protocol Buffers and nothing out of the ordinary comes first in each function and
// costs no more than its message; the other dialects take the ways behind it.
extension CallContext {
    /// Answers a call that has one message. Nothing happens when it is answered already.
    ///
    /// - Throws: RESOURCE_EXHAUSTED when too much of earlier answers waits to be read.
    package func reply(_ response: some Message) throws(Status) {
        loop.assertOnLoop()
        guard !isAnswered else { return }
        try checkRoomForOutput()
        if contentType.dialect == .connectUnary { return try replyBare(response) }
        let frame = try encode(response, compressed: compressesResponses)
        if !areHeadersSent, isPlain {
            stream.respond(contentType.block, body: frame, trailers: CallContentType.okTrailers)
            return finish(.ok)
        }
        sendHeaders()
        stream.send(frame)
        end(.ok)
    }

    /// Answers a call that has one message with a prepared one; see ``reply(_:)``.
    ///
    /// - Returns: whether it is answered; not a call that takes its answer in another form.
    package func reply(_ prepared: PreparedFrame) throws(Status) -> Bool {
        loop.assertOnLoop()
        guard !isAnswered else { return true }
        guard !areHeadersSent, isPlain, contentType.codec == .proto else { return false }
        try checkRoomForOutput()
        stream.respond(contentType.block, body: prepared.octets, trailers: CallContentType.okTrailers)
        finish(.ok)
        return true
    }

    /// Whether the answer has constant header block and trailers.
    private var isPlain: Bool {
        contentType.dialect == .grpc && leading.count == 0 && trailing.count == 0
            && !(compressesResponses && acceptsGzip)
    }

    /// Sends one message of a streaming answer; waits while the peers take too little.
    func send(_ response: some Message, compressed: Bool) async throws(Status) {
        loop.assertOnLoop()
        guard !isCancelled else { throw Status(.cancelled, "the caller is gone") }
        try await waitForTurn()
        sendHeaders()
        stream.send(try encode(response, compressed: compressed))
        connection.countOutput()
        try await waitForRoom()
    }

    /// Refuses to queue more for a peer that takes too little.
    private func checkRoomForOutput() throws(Status) {
        guard connection.hasRoomForOutput else {
            throw Status(.resourceExhausted, "too much of earlier answers waits to be read")
        }
    }

    /// Sends the header block now, which tells the caller that the call was accepted, before any message. Until then an
    /// error can still be answered in one header block, which lets clients retry (gRFC A6). A Connect call with one message
    /// has no such moment: its header block tells how it ended.
    package func sendHeaders() {
        loop.assertOnLoop()
        guard !areHeadersSent, !isAnswered, contentType.dialect != .connectUnary else { return }
        areHeadersSent = true
        promisedGzip = compressesResponses && acceptsGzip
        guard promisedGzip || leading.count > 0 else { return stream.sendHeaders(contentType.block) }
        var block = contentType.leadingBlock(compresses: promisedGzip)
        block.append(contentsOf: leading)
        stream.sendHeaders(block)
    }

    /// Ends a streaming call that went well.
    func finishStream() {
        loop.assertOnLoop()
        guard !isAnswered else { return }
        sendHeaders()
        end(.ok)
    }

    /// Ends the call with an error: in one header block if nothing was sent yet ("Trailers-Only"). Handlers throw instead;
    /// this is for whoever ends calls from outside. The handler's task is cancelled.
    package func fail(_ status: Status) {
        loop.assertOnLoop()
        guard !isAnswered else { return }
        if let pause = status.pushback { pushBack(pause) }
        if areHeadersSent {
            end(status)
        } else {
            stream.refuse(contentType, status, leading: leading, trailing: trailing)
            finish(status.code)
        }
    }

    /// Says how the call ended, behind its header block and messages.
    private func end(_ status: Status) {
        switch contentType.dialect {
        case .grpc where status.code == .ok && trailing.count == 0: stream.end(trailers: CallContentType.okTrailers)
        case .grpc: stream.end(trailers: HeaderBlock(status, trailing))
        case .grpcWeb:
            stream.send(WebTrailers.frame(HeaderBlock(status, trailing)))
            stream.end()
        case .connectStream:
            stream.send(ConnectEnvelope.endOfStream(status, trailers: trailing))
            stream.end()
        case .connectUnary: assertionFailure("such a call is ended by its header block")
        }
        finish(status.code)
    }

    // MARK: Messages

    /// Reads the only message of a request as the caller wrote it.
    func parse<Request: Message>(_ bytes: UnsafeRawBufferPointer) throws(Status) -> Request {
        requestOctets = bytes.count
        return contentType.isBinaryGRPC ? try MessageFrame.parse(bytes) : try contentType.parse(bytes)
    }

    /// Writes a message with its prefix as the caller reads it.
    private func encode(_ response: some Message, compressed: Bool) throws(Status) -> OutgoingOctets {
        let compresses = compressed && (areHeadersSent ? promisedGzip : acceptsGzip)
        guard compresses || contentType.codec != .proto else { return try MessageFrame.of(response) }
        let message = try contentType.serialize(response)
        // What is empty cannot become smaller.
        guard compresses, !message.isEmpty else { return MessagePrefix.framed(message, flags: 0) }
        return MessagePrefix.framed(try Gzip.compress(message), flags: 1)
    }

    // MARK: Connect calls with one message

    /// Answers with the bare message; trailers go into the header block, with a prefix to their names.
    private func replyBare(_ response: some Message) throws(Status) {
        var message = try contentType.serialize(response)
        let compresses = compressesResponses && acceptsGzip && !message.isEmpty
        if compresses { message = try Gzip.compress(message) }
        var block = contentType.leadingBlock(compresses: compresses)
        block.append("content-length", String(message.count))
        if compressesResponses { block.append("vary", "accept-encoding") }
        block.appendBare(leading: leading, trailing: trailing)
        if message.isEmpty {
            stream.sendHeadersOnly(block)
        } else {
            stream.sendHeaders(block)
            stream.send(message)
            stream.end()
        }
        finish(.ok)
    }
}

extension HTTP2Stream {
    /// Answers a call of which nothing was sent yet with an error.
    func refuse(
        _ type: CallContentType, _ status: Status, leading: HeaderBlock = HeaderBlock(),
        trailing: HeaderBlock = HeaderBlock()
    ) {
        switch type.dialect {
        case .grpc, .grpcWeb:
            var block = type.leadingBlock(compresses: false)
            block.append(contentsOf: leading)
            block.appendEnd(status, trailing)
            sendHeadersOnly(block)
        case .connectStream:
            var block = type.leadingBlock(compresses: false)
            block.append(contentsOf: leading)
            sendHeaders(block)
            send(ConnectEnvelope.endOfStream(status, trailers: trailing))
            end()
        case .connectUnary:
            let body = ConnectError.json(status)
            var block = HeaderBlock()
            block.append(":status", ConnectError.httpStatus(of: status.code).description)
            block.append("content-type", "application/json")
            block.append("accept-encoding", "gzip")
            block.append("content-length", String(body.count))
            block.appendBare(leading: leading, trailing: trailing)
            sendHeaders(block)
            send(body)
            end()
        }
    }
}

extension HeaderBlock {
    /// The greatest size of a block that ends a call, counted as RFC 9113 §6.5.2 does. It is what peers take that set no
    /// limit of their own (gRPC over HTTP/2, "Custom-Metadata"): of a larger block they see nothing, nor the status in it.
    private static let endLimit = 8 * 1024

    /// The trailers of a gRPC call: `grpc-status` and, where they say something, `grpc-message` and
    /// `grpc-status-details-bin`; behind them the handler's own. Details are left out where there is no room for them.
    ///
    /// - Parameter room: what the block may take, beside others that it is put to.
    init(_ status: Status, _ trailing: HeaderBlock, room: Int = endLimit) {
        self.init()
        append("grpc-status", String(status.code.rawValue))
        if !status.message.isEmpty { append("grpc-message", PercentEncoding.encode(status.message)) }
        let name = "grpc-status-details-bin"
        let details = (status.details.count * 4 + 2) / 3
        if details > 0, listSize + trailing.listSize + name.utf8.count + details + 32 <= room {
            append(name, Base64.encode(status.details))
        }
        append(contentsOf: trailing)
    }

    /// The only header block of a gRPC call that ends before its first message.
    fileprivate mutating func appendEnd(_ status: Status, _ trailing: HeaderBlock) {
        append(contentsOf: HeaderBlock(status, trailing, room: Self.endLimit - listSize))
    }

    /// Adds all fields of another block.
    mutating func append(contentsOf other: HeaderBlock) {
        guard other.count > 0 else { return }
        var block = self
        other.visit { block.append(name: $0, value: $1) }
        self = block
    }

    /// Adds what a Connect call with one message says beside its body. What a browser must not keep or guess is said
    /// unless the handler says otherwise.
    fileprivate mutating func appendBare(leading: HeaderBlock, trailing: HeaderBlock) {
        append("x-content-type-options", "nosniff")
        if leading["cache-control"] == nil { append("cache-control", "no-store") }
        append(contentsOf: leading)
        var block = self
        trailing.visit { name, value in
            block.append("trailer-" + String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
        }
        self = block
    }
}
