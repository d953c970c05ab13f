internal import CarillonNet

/// One request for a page and its answer.
///
/// States: gathering (the header block is there; the body is kept as far as the page wants one) → running (a task works on
/// the answer) → answered. It answers when the request is complete, as browsers and curl take an early answer for a failure
/// of the connection; only a body that is too large is answered before. The end of the stream cancels the task. It counts
/// against the limits as its ``Admission`` says, and its body as held input until then.
///
/// Safe as `@unchecked Sendable` because it is confined to `loop`.
final class PageExchange: @unchecked Sendable {
    private enum State {
        case gathering(PageTable.Decision)
        case running(Task<Void, Never>?)
        case answered
    }
    private var loop: EventLoop { connection.loop }
    private let connection: ConnectionState
    private let stream: HTTP2Stream
    private let isHead: Bool
    private var state: State
    private var admission: Admission
    private var held = HeldInput()

    init(_ stream: HTTP2Stream, of connection: ConnectionState, _ admission: Admission, table: PageTable) {
        self.stream = stream
        self.connection = connection
        self.admission = admission
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
        state = .running(nil)
        request.body.append(contentsOf: bytes)
        state = .gathering(.page(page, request))
        do throws(Status) {
            try held.set(request.body.count, connection)
        } catch {
            answer(.busy)
        }
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
        if case .running(let task) = state { task?.cancel() }
        admission.streamClosed(connection)
        finish()
    }

    /// The connection ends.
    func mustEnd() {
        answer(.goingAway)
    }

    private func run(_ handler: @escaping @Sendable () async throws -> PageAnswer) {
        admission.isHandlerRunning = true
        state = .running(
            loop.spawn {
                do {
                    self.answer(try await handler())
                } catch {
                    self.answer(PageAnswer(status: 500, text: "the server met an unexpected error\n"))
                }
                self.admission.isHandlerRunning = false
                self.leave()
            })
    }

    private func answer(_ answer: PageAnswer) {
        loop.assertOnLoop()
        if case .answered = state { return }
        let answer = connection.hasRoomForOutput ? answer : .busy
        answer.send(on: stream, isHead: isHead)
        finish()
    }

    private func finish() {
        state = .answered
        connection.countOutput()
        leave()
    }

    /// Lets go of what it holds, unless its handler is at work still.
    private func leave() {
        if admission.leaveIfIdle(connection) { held.release(connection) }
    }
}
