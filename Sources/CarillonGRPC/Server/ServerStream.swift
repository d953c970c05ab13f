internal import CarillonNet

/// Takes a request on one stream from its header block to the handler: routing, framing, cardinality and limits.
/// Confined to the connection's loop.
final class ServerStream: HTTP2StreamHandler {
    private enum State {
        /// The header block is not complete.
        case head
        /// A call with one message gathers its input.
        case gathering(RPCMethod, CallContext)
        /// A streaming call is running.
        case streaming(MessageQueue, CallContext)
        /// The handler has the whole input.
        case running(CallContext)
        /// A page is asked for.
        case page(PageExchange)
        /// It is answered; further input is dropped.
        case answered
    }
    private let server: ServerCore
    private let connection: ConnectionState
    private var state = State.head
    private var framer: MessageFramer

    init(server: ServerCore, connection: ConnectionState) {
        self.server = server
        self.connection = connection
        framer = MessageFramer(limit: server.limits.messageSize)
    }

    func streamReceivedHeaders(_ stream: HTTP2Stream) {
        guard let loop = stream.session?.loop else { return }
        let head = RequestHead(stream.received)
        guard head.kind == .call, head.isPost else { return answerPage(stream, loop, head) }
        let found = stream.received.withFirst(":path") { path in path.flatMap { server.methods.find($0) } }
        guard let method = found else {
            let status = stream.received.withFirst(":path") {
                server.methods.explainMissing($0 ?? .init(start: nil, count: 0))
            }
            return refuse(stream, head, status)
        }
        if stream.isHeaderListTooLarge {
            return refuse(stream, head, Status(.resourceExhausted, "the request's metadata is too large"))
        }
        if let problem = head.problem { return refuse(stream, head, problem) }
        let context = CallContext(stream: stream, loop: loop, head: head, method: method, connection: connection)
        if context.isTooLate() {
            state = .answered
            return
        }
        context.startDeadline()
        switch method.input {
        case .one:
            state = .gathering(method, context)
        case .stream(let start):
            let queue = MessageQueue(stream: stream, loop: loop, limit: server.limits.messageSize)
            state = .streaming(queue, context)
            start(context, queue)
        }
    }

    func stream(_ stream: HTTP2Stream, received bytes: UnsafeRawBufferPointer) {
        do throws(Status) {
            switch state {
            case .gathering:
                try framer.append(bytes)
                stream.consume(bytes.count)
            case .streaming(let queue, _): try queue.append(bytes)
            case .page(let page): page.received(bytes)
            case .head, .running, .answered: stream.consume(bytes.count)
            }
        } catch {
            fail(error)
        }
    }

    func streamReceivedEnd(_ stream: HTTP2Stream) {
        switch state {
        case .gathering(let method, let context):
            state = .running(context)
            guard !context.isCancelled, !context.isTooLate() else { return }
            do throws(Status) {
                try start(method, context)
            } catch {
                context.fail(error)
            }
        case .streaming(let queue, _): queue.finish()
        case .page(let page): page.receivedEnd()
        case .head, .running, .answered: break
        }
    }

    private func start(_ method: RPCMethod, _ context: CallContext) throws(Status) {
        guard case .one(let handler) = method.input else { return }
        // A second message is an error of cardinality (UNIMPLEMENTED), known before the handler runs.
        switch try framer.takeSingle({ bytes throws(Status) in try handler(context, bytes) }) {
        case .one: return
        case .none: throw Status(.unimplemented, "the method takes exactly one message and got none")
        case .several: throw Status(.unimplemented, "the method takes exactly one message and got more")
        }
    }

    func streamReceivedTrailers(_ stream: HTTP2Stream) {}

    func streamDrained(_ stream: HTTP2Stream) {
        switch state {
        case .running(let context), .streaming(_, let context), .gathering(_, let context): context.streamDrained()
        case .head, .page, .answered: break
        }
    }

    func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        switch state {
        case .running(let context), .gathering(_, let context): context.streamClosed()
        case .streaming(let queue, let context):
            queue.fail(Status(.cancelled, "the caller is gone"))
            context.streamClosed()
        case .page(let page): page.streamClosed()
        case .head, .answered: break
        }
        state = .answered
    }

    private func fail(_ status: Status) {
        switch state {
        case .gathering(_, let context), .running(let context): context.fail(status)
        case .streaming(let queue, let context):
            queue.fail(status)
            context.fail(status)
        case .head, .page, .answered: break
        }
        state = .answered
    }

    /// Answers a call that reaches no handler.
    private func refuse(_ stream: HTTP2Stream, _ head: RequestHead, _ status: Status) {
        state = .answered
        var block = head.answerHeaders.leadingBlock
        block.append(status)
        stream.sendHeadersOnly(block)
    }

    // MARK: Plain HTTP

    private func answerPage(_ stream: HTTP2Stream, _ loop: EventLoop, _ head: RequestHead) {
        state = .answered
        if head.kind == .call {
            return answer(stream, PageAnswer(status: 405, text: "gRPC calls use POST\n", fields: [("allow", "POST")]))
        }
        let isPage = stream.received.withFirst(":path") { $0.map(server.pages.contains) ?? false }
        guard isPage || !head.isPost else {
            return answer(
                stream,
                PageAnswer(status: 415, text: "this port takes gRPC calls (content-type application/grpc)\n"))
        }
        state = .page(PageExchange(stream, on: loop, table: server.pages))
    }

    private func answer(_ stream: HTTP2Stream, _ answer: PageAnswer) {
        stream.sendHeaders(answer.block)
        stream.send(answer.body)
        stream.end()
    }
}
