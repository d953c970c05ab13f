internal import CarillonNet

/// One request for a page and its answer.
///
/// States: gathering (the header block is there; the body is kept as far as the page wants one) → running (a task works on
/// the answer) → answered. It answers when the request is complete, as browsers and curl take an early answer for a failure
/// of the connection; only a body that is too large is answered before. The end of the stream cancels the task.
///
/// Safe as `@unchecked Sendable` because it is confined to `loop`.
final class PageExchange: @unchecked Sendable {
    private enum State {
        case gathering(PageTable.Decision)
        case running(Task<Void, Never>)
        case answered
    }
    private let loop: EventLoop
    private let stream: HTTP2Stream
    private let isHead: Bool
    private var state: State

    init(_ stream: HTTP2Stream, on loop: EventLoop, table: PageTable) {
        self.loop = loop
        self.stream = stream
        isHead = stream.received[":method"] == "HEAD"
        state = .gathering(table.decide(stream.received))
    }

    /// Takes octets of the body.
    func received(_ bytes: UnsafeRawBufferPointer) {
        loop.assertOnLoop()
        stream.consume(bytes.count)
        guard case .gathering(.page(let page, var request)) = state, request.method == .post else { return }
        guard request.body.count + bytes.count <= page.bodyLimit else {
            return answer(
                PageAnswer(status: 413, text: "the body is longer than \(page.bodyLimit) octets\n"))
        }
        // The state lets go of the request, or its body would be copied for each frame.
        state = .answered
        request.body.append(contentsOf: bytes)
        state = .gathering(.page(page, request))
    }

    /// The request is complete.
    func receivedEnd() {
        loop.assertOnLoop()
        guard case .gathering(let decision) = state else { return }
        switch decision {
        case .refusal(let refusal): answer(refusal)
        case .page(let page, let request):
            switch page.handler {
            case .inline(let handler): answer(handler(request))
            case .task(let handler): run { try await handler(request) }
            }
        }
    }

    /// The caller is gone.
    func streamClosed() {
        loop.assertOnLoop()
        if case .running(let task) = state { task.cancel() }
        state = .answered
    }

    private func run(_ handler: @escaping @Sendable () async throws -> PageAnswer) {
        state = .running(
            loop.spawn {
                do {
                    self.answer(try await handler())
                } catch {
                    self.answer(PageAnswer(status: 500, text: "the server met an unexpected error\n"))
                }
            })
    }

    private func answer(_ answer: PageAnswer) {
        loop.assertOnLoop()
        if case .answered = state { return }
        state = .answered
        guard answer.hasBody, !isHead, !answer.body.isEmpty else { return stream.sendHeadersOnly(answer.block) }
        stream.sendHeaders(answer.block)
        stream.send(answer.body)
        stream.end()
    }
}
