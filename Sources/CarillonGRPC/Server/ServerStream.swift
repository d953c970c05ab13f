internal import CarillonNet

/// Takes a request on one stream from its header block to the handler: routing, framing, cardinality and limits.
/// Confined to the connection's loop.
final class ServerStream: HTTP2StreamHandler {
    private enum State {
        /// The header block is not complete.
        case head
        /// A call with one message gathers its input.
        case gathering
        /// A streaming call is running.
        case streaming(MessageQueue)
        /// The handler has the whole input.
        case running
        /// It will be answered in plain HTTP when it is complete, to HEAD without the body.
        case plain(PageAnswer, isHead: Bool)
        /// It will be refused when it is complete.
        case refused(CallContentType, Status)
        /// A page is asked for.
        case page(PageExchange)
        /// It is answered; further input is dropped.
        case answered
    }
    let server: ServerCore
    @exclusivity(unchecked) private var connection: ConnectionState
    // As in HTTP2Stream, not checked for overlapping access: confined to one thread, and no access calls out.
    @exclusivity(unchecked) private var state = State.head
    /// The call, from its admission to the end of the stream.
    @exclusivity(unchecked) private var call: CallContext?
    @exclusivity(unchecked) private var framer: MessageFramer
    /// The body of a call that has no prefixes.
    @exclusivity(unchecked) private var bare: BareMessage?
    @exclusivity(unchecked) private var held = HeldInput()
    /// Octets of the body that nobody wants.
    @exclusivity(unchecked) private var dropped = 0

    init(server: ServerCore, connection: ConnectionState) {
        self.server = server
        self.connection = connection
        framer = MessageFramer(limit: server.limits.messageSize)
    }

    // MARK: The head

    func streamReceivedHeaders(_ stream: HTTP2Stream) {
        // Held once: each look at a variable of an object counts a reference.
        let connection = self.connection
        let (read, method) = connection.readHead(stream)
        var head = read
        guard head.isSecure else { return answer(stream, head, .wrongScheme) }
        guard head.method == .post, let contentType = head.contentType else {
            guard let queried = readQuery(stream, &head) else { return }
            return admit(stream, head, queried, connection)
        }
        guard let method else {
            if contentType.dialect == .connectUnary, isPage(stream) {
                guard !stream.isHeaderListTooLarge else { return answer(stream, head, .headersTooLarge) }
                return beginPage(stream)
            }
            let status = stream.received.withFirst(":path") {
                server.methods.explainMissing($0 ?? .init(start: nil, count: 0))
            }
            return refuse(stream, contentType, nil, status)
        }
        switch contentType.dialect {
        case .grpc, .grpcWeb: break
        case .connectUnary where method.isUnary: break
        case .connectStream where !method.isUnary: break
        case .connectUnary, .connectStream: return answer(stream, head, .wrongMediaType)
        }
        if stream.isHeaderListTooLarge {
            let status = Status(.resourceExhausted, "the request's metadata is too large")
            return refuse(stream, contentType, method, status)
        }
        admit(stream, head, method, connection)
    }

    /// Lets a call begin, or refuses it.
    private func admit(
        _ stream: HTTP2Stream, _ head: RequestHead, _ method: RPCMethod, _ connection: ConnectionState
    ) {
        let contentType = head.contentType ?? .grpc
        if let problem = head.problem { return refuse(stream, contentType, method, problem.status) }
        guard let admission = askAdmission(stream, connection) else { return }
        connection.counters.callStarted()
        if contentType.dialect == .grpc, !head.takesTrailers { connection.counters.trailersMissing() }
        let context = CallContext(
            stream: stream, head: head, method: method, connection: connection, admission: admission)
        if context.isTooLate() {
            state = .answered
            return
        }
        context.startDeadline()
        call = context
        if head.encoding != .identity { framer = MessageFramer(limit: framer.limit, encoding: head.encoding) }
        if contentType.dialect == .connectUnary {
            if bare == nil { bare = BareMessage() }
            bare?.isCompressed = head.encoding == .gzip
        }
        switch method.input.kind {
        case .one:
            stream.awaitWholeBody()
            state = .gathering
        case .stream(let start):
            let queue = MessageQueue(
                stream: stream, connection: connection, contentType: contentType, framer: framer)
            context.queue = queue
            state = .streaming(queue)
            start(context, queue)
        }
    }

    /// A place among the requests that run; without one the stream is reset. Nothing was done for it then, so the client
    /// may try again elsewhere at once (RFC 9113 §8.7).
    private func askAdmission(_ stream: HTTP2Stream, _ connection: ConnectionState) -> Admission? {
        if let admission = connection.admit() { return admission }
        state = .answered
        connection.counters.requestRefused()
        stream.reset(.refusedStream)
        return nil
    }

    // MARK: The body

    func stream(_ stream: HTTP2Stream, received bytes: UnsafeRawBufferPointer) {
        do throws(Status) {
            switch state {
            case .gathering:
                stream.consume(bytes.count)
                if bare != nil {
                    try bare?.append(bytes, limit: framer.limit)
                    try held.set(bare?.octets.count ?? 0, connection)
                } else {
                    try framer.append(bytes)
                    try held.set(framer.buffered, connection)
                    // Nobody has to wait for the end of a body that holds too much already.
                    if try framer.holdsSeveral { throw Self.severalMessages }
                }
            case .streaming(let queue): try queue.append(bytes)
            case .head, .running, .answered: stream.consume(bytes.count)
            case .page(let page): page.received(bytes)
            case .plain, .refused:
                stream.consume(bytes.count)
                dropped += bytes.count
                if dropped > server.limits.messageSize { answerAtEnd(stream) }
            }
        } catch {
            fail(error)
        }
    }

    func streamReceivedEnd(_ stream: HTTP2Stream) {
        switch state {
        case .gathering:
            state = .running
            defer { letGoOfInput() }
            guard let call, !call.isCancelled, !call.isTooLate() else { return }
            do throws(Status) {
                try start(call)
            } catch {
                call.fail(error)
            }
        case .streaming(let queue): queue.finish()
        case .page(let page): page.receivedEnd()
        case .plain, .refused: answerAtEnd(stream)
        case .head, .running, .answered: break
        }
    }

    private func start(_ call: CallContext) throws(Status) {
        guard case .one(let handler) = call.method.input.kind else { return }
        if let bare { return try start(call, bare, handler) }
        call.wasSingleCompressed = framer.isFrontCompressed
        // A second message is an error of cardinality (UNIMPLEMENTED), known before the handler runs.
        guard !call.wasSingleCompressed, framer.buffered <= server.limits.lightMessage else {
            try Self.requireOne(framer.cardinality())
            guard let message = try framer.takeFront() else { return }
            return try call.begin(message, held: &held, handler)
        }
        try Self.requireOne(framer.takeSingle { bytes throws(Status) in try handler(call, bytes) })
    }

    private func start(
        _ call: CallContext, _ bare: BareMessage,
        _ handler: (CallContext, UnsafeRawBufferPointer) throws(Status) -> Void
    ) throws(Status) {
        call.wasSingleCompressed = bare.isCompressed
        let message = bare.message
        guard !message.isCompressed, message.count <= server.limits.lightMessage else {
            return try call.begin(message, held: &held, handler)
        }
        try message.withOctets { bytes throws(Status) in try handler(call, bytes) }
    }

    private static func requireOne(_ cardinality: MessageFramer.Cardinality) throws(Status) {
        switch cardinality {
        case .one: return
        case .none: throw Status(.unimplemented, "the method takes exactly one message and got none")
        case .several: throw Self.severalMessages
        }
    }

    private static let severalMessages = Status(
        .unimplemented, "the method takes exactly one message and got more")

    /// Trailers are not part of a request in any of the dialects: they end it like any other last frame.
    func streamReceivedTrailers(_ stream: HTTP2Stream) {}

    // MARK: The end

    func streamMustEnd(_ stream: HTTP2Stream) {
        switch state {
        case .gathering, .streaming, .running:
            call?.fail(Status(.unavailable, "the server ends the connection; try again"))
        case .page(let page): page.mustEnd()
        case .plain, .refused: answerAtEnd(stream)
        case .head, .answered: break
        }
    }

    func streamDrained(_ stream: HTTP2Stream) {
        call?.streamDrained()
    }

    func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        call.take()?.streamClosed()
        if case .page(let page) = state { page.streamClosed() }
        letGoOfInput()
        state = .answered
        connection.recycle(self)
    }

    /// Makes the handler of a stream that is over that of a new one.
    func reopen(for connection: ConnectionState) {
        self.connection = connection
        state = .head
        dropped = 0
        if framer.encoding != .identity { framer = MessageFramer(limit: framer.limit) }
    }

    private func fail(_ status: Status) {
        // The handler may work on; the end of the stream will concern it.
        call?.fail(status)
        letGoOfInput()
        state = .answered
    }

    private func letGoOfInput() {
        if held.isAny { held.release(connection) }
        framer.removeAll()
        if bare != nil { bare = nil }
    }

    // MARK: Requests that reach no handler

    /// Refuses a call. A gRPC client hears of it at once; others when their request is complete: browsers and curl take a
    /// reset behind an early answer (RFC 9113 §8.1) for a failure of the connection. Those that may stream their input do
    /// not wait, as the caller may be waiting for an answer before it goes on.
    private func refuse(
        _ stream: HTTP2Stream, _ contentType: CallContentType, _ method: RPCMethod?, _ status: Status
    ) {
        let isStreamed =
            switch (contentType.dialect, method?.input.kind) {
            case (.grpc, _), (.connectStream, nil), (_, .stream): true
            default: false
            }
        state = .refused(contentType, status)
        stream.awaitWholeBody()
        if isStreamed { answerAtEnd(stream) }
    }

    /// Answers with plain HTTP: a gRPC client at once, anybody else (gRPC uses POST) when the request is complete.
    private func answer(_ stream: HTTP2Stream, _ head: RequestHead, _ answer: PageAnswer) {
        state = .plain(answer, isHead: head.method == .head)
        stream.awaitWholeBody()
        if head.isGRPC, head.method == .post { answerAtEnd(stream) }
    }

    /// Gives the answer that was decided on when the header block came.
    private func answerAtEnd(_ stream: HTTP2Stream) {
        let decided = state
        state = .answered
        switch decided {
        case .plain(let answer, let isHead):
            connection.counters.answeredPlainly()
            answer.send(on: stream, isHead: isHead)
        case .refused(let contentType, let status):
            connection.counters.callTurnedDown(status.code)
            stream.refuse(contentType, status)
        case .head, .gathering, .streaming, .running, .page, .answered: break
        }
    }

    // MARK: Calls in the address, and plain HTTP

    /// Reads a Connect call from the query of a GET request; everything else that is not a call in its body is answered.
    private func readQuery(_ stream: HTTP2Stream, _ head: inout RequestHead) -> RPCMethod? {
        guard !stream.isHeaderListTooLarge else { return refusePlainly(stream, head, .headersTooLarge) }
        let path = Array((stream.received[":path"] ?? "").utf8)
        let parts = path.split(separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false)
        guard let method = Array(parts[0]).withUnsafeBytes({ server.methods.find($0) }) else {
            if head.isGRPC, head.method != .post { return refusePlainly(stream, head, .wrongMethod(allowed: "POST")) }
            if head.method == .post, !isPage(stream) { return refusePlainly(stream, head, .wrongMediaType) }
            beginPage(stream)
            return nil
        }
        let isUnaryType = head.contentType.map { $0.dialect == .connectUnary } ?? true
        switch head.method {
        case .get where method.hasNoSideEffects && isUnaryType: break
        case .post: return refusePlainly(stream, head, .wrongMediaType)
        default:
            return refusePlainly(stream, head, .wrongMethod(allowed: method.hasNoSideEffects ? "GET, POST" : "POST"))
        }
        do throws(ConnectQuery.Problem) {
            let query = parts.count > 1 ? Array(parts[1]) : []
            let limit = server.limits.messageSize
            let call = try query.withUnsafeBytes { query in
                Result { () throws(ConnectQuery.Problem) in try ConnectQuery(query, limit: limit) }
            }.get()
            head.becomeQuery(call.codec, call.isGzip ? .gzip : .identity)
            bare = BareMessage(inAddress: call.message)
            return method
        } catch {
            guard let status = error.status else { return refusePlainly(stream, head, .wrongMediaType) }
            refuse(stream, .connectJSON, method, status)
            return nil
        }
    }

    private func isPage(_ stream: HTTP2Stream) -> Bool {
        stream.received.withFirst(":path") { $0.map(server.pages.contains) ?? false }
    }

    private func beginPage(_ stream: HTTP2Stream) {
        guard let admission = askAdmission(stream, connection) else { return }
        connection.counters.answeredPlainly()
        stream.awaitWholeBody()
        state = .page(PageExchange(stream, of: connection, admission, table: server.pages))
    }

    private func refusePlainly(_ stream: HTTP2Stream, _ head: RequestHead, _ answer: PageAnswer) -> RPCMethod? {
        self.answer(stream, head, answer)
        return nil
    }
}

extension ConnectQuery.Problem {
    /// What to answer; `nil` where HTTP has a status of its own for it.
    fileprivate var status: Status? {
        switch self {
        case .unknownCodec: nil
        case .unknownCompression: Status(.unimplemented, "the compression is not supported; identity and gzip are")
        case .version: Status(.invalidArgument, "the query parameter connect must be v1")
        case .malformed(let status): status
        case .tooLarge: Status(.resourceExhausted, "the message is too large for a query")
        }
    }
}
