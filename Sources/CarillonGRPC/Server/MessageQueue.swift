internal import CarillonNet
package import SwiftProtobuf

/// Messages of a streaming call that arrived and were not taken yet, for one reader. Confined to the call's loop.
///
/// It is bounded by flow control: octets are given back to the peer's window when their message is taken.
///
/// Safe as `@unchecked Sendable` because it is confined to its stream's loop.
final class MessageQueue: @unchecked Sendable {
    private enum Ending {
        case open
        case finished
        case failed(Status)
    }
    private let stream: HTTP2Stream
    private let loop: EventLoop
    private let connection: ConnectionState
    private let contentType: CallContentType
    private var framer: MessageFramer
    private var held = HeldInput()
    private var ending = Ending.open
    private var waiter: UnsafeContinuation<Void, Never>?
    /// Messages that were taken without a pause; large ones count as many.
    private var inARow = 0
    /// After as many messages a reader lets the loop's other work go first: thousands fit into one read of the socket.
    private static let turn = 32
    /// Octets that are as much work as one message.
    private static let largeMessage = 8 * 1024

    init(
        stream: HTTP2Stream, connection: ConnectionState, contentType: CallContentType, framer: MessageFramer
    ) {
        self.stream = stream
        loop = connection.loop
        self.connection = connection
        self.contentType = contentType
        self.framer = framer
    }

    /// Whether the message that was taken last came compressed.
    var wasCompressed: Bool { framer.wasCompressed }

    func append(_ bytes: UnsafeRawBufferPointer) throws(Status) {
        guard case .open = ending else { return stream.consume(bytes.count) }
        try framer.append(bytes)
        stream.consume(try framer.takeReleasable())
        try held.set(framer.buffered, connection)
        wake()
    }

    func finish() {
        if case .open = ending { ending = .finished }
        wake()
    }

    /// Ends the input with an error. What is held is let go: a call that has failed reads nothing more.
    func fail(_ status: Status) {
        switch ending {
        case .open, .finished: ending = .failed(status)
        case .failed: return
        }
        held.release(connection)
        framer.removeAll()
        wake()
    }

    private func wake() {
        waiter?.resume()
        waiter = nil
    }

    private func pauseNowAndThen() async {
        guard inARow >= Self.turn else { return }
        inARow = 0
        // A timer, since queued work would run in this very tick.
        await withUnsafeContinuation { continuation in loop.schedule(after: .zero) { continuation.resume() } }
    }

    /// The next message; `nil` at the end of input.
    func next<Parsed: Message>() async throws(Status) -> Parsed? {
        loop.assertOnLoop()
        while true {
            if case .failed(let status) = ending { throw status }
            let message: Parsed? = try framer.next { bytes throws(Status) in
                inARow += 1 + bytes.count / Self.largeMessage
                return contentType.isBinaryGRPC ? try MessageFrame.parse(bytes) : try contentType.parse(bytes)
            }
            if let message {
                stream.consume(try framer.takeReleasable())
                try held.set(framer.buffered, connection)
                await pauseNowAndThen()
                return message
            }
            inARow = 0
            switch ending {
            case .open: await withUnsafeContinuation { waiter = $0 }
            case .finished:
                try framer.checkEnd()
                return nil
            case .failed(let status): throw status
            }
        }
    }
}

/// The messages of a streaming request. One reader at a time, on the call's loop.
package struct RequestReader<Request: Message>: AsyncSequence, Sendable {
    package typealias Element = Request
    private let queue: MessageQueue

    init(queue: MessageQueue) {
        self.queue = queue
    }

    package func makeAsyncIterator() -> Iterator {
        Iterator(queue: queue)
    }

    /// Takes the messages one by one.
    package struct Iterator: AsyncIteratorProtocol {
        let queue: MessageQueue

        /// The next message; `nil` at the end of input.
        package mutating func next() async throws(Status) -> Request? {
            try await queue.next()
        }
    }
}
