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
    /// Octets of the message that is being decoded, and then what it became by decompression, until the next is asked for.
    private var inHand = 0
    private var isDecoding = false
    private var ending = Ending.open
    private let reader: Waiter
    /// Messages that were taken without a pause; large ones count as many.
    private var inARow = 0
    /// After as many messages a reader lets the loop's other work go first: thousands fit into one read of the socket.
    private static let turn = 32
    /// Octets that are as much work as one message, where each field is tiny.
    private static let largeMessage = 512
    /// See ``ServerLimits/lightMessage``.
    private let lightMessage: Int

    init(
        stream: HTTP2Stream, connection: ConnectionState, contentType: CallContentType, framer: MessageFramer
    ) {
        self.stream = stream
        loop = connection.loop
        self.connection = connection
        lightMessage = connection.limits.lightMessage
        self.contentType = contentType
        self.framer = framer
        reader = Waiter(on: connection.loop)
    }

    /// Whether the message that was taken last came compressed.
    var wasCompressed: Bool { framer.wasCompressed }

    func append(_ bytes: UnsafeRawBufferPointer) throws(Status) {
        guard case .open = ending else { return stream.consume(bytes.count) }
        try framer.append(bytes)
        try settle()
        reader.wake()
    }

    /// Gives back to flow control what may be, counts what is held, and looks whether the peer has begun with a message:
    /// then it must go on, be it slowly. While the reader has a whole message to see to, nothing is expected of the peer.
    private func settle() throws(Status) {
        stream.consume(try framer.takeReleasable())
        let isBegun = try framer.awaitsRest
        stream.awaitRest(isBegun && !isDecoding, after: framer.buffered)
        try held.set(framer.buffered + inHand, connection)
    }

    func finish() {
        if case .open = ending { ending = .finished }
        reader.wake()
    }

    /// Ends the input with an error. What is held is let go: a call that has failed reads nothing more. What is in hand is
    /// held until it is decoded.
    func fail(_ status: Status) {
        switch ending {
        case .open, .finished: ending = .failed(status)
        case .failed: return
        }
        framer.removeAll()
        // Letting go cannot be refused.
        try? held.set(isDecoding ? inHand : 0, connection)
        reader.wake()
    }

    private func pauseNowAndThen() async {
        guard inARow >= Self.turn else { return }
        inARow = 0
        // A timer, since queued work would run in this very tick.
        await withUnsafeContinuation { continuation in loop.schedule(after: .zero) { continuation.resume() } }
    }

    /// The next message; `nil` at the end of input. Of one task at a time.
    ///
    /// - Throws: how the input failed; CANCELLED when the call is over, or the task is cancelled and would have to wait.
    func next<Parsed: Message>() async throws(Status) -> Parsed? {
        loop.assertOnLoop()
        if inHand > 0 {
            inHand = 0
            try settle()
        }
        while true {
            if case .failed(let status) = ending { throw status }
            let message: Parsed? = try framer.nextLight(upTo: lightMessage) { bytes throws(Status) in
                inARow += 1 + bytes.count / Self.largeMessage
                return contentType.isBinaryGRPC ? try MessageFrame.parse(bytes) : try contentType.parse(bytes)
            }
            if let message {
                try settle()
                await pauseNowAndThen()
                return message
            }
            if let message = try framer.takeFront() { return try await decode(message) }
            inARow = 0
            switch ending {
            case .open:
                guard !Task.isCancelled else { throw Status(.cancelled, "the task that reads was cancelled") }
                await reader.wait()
            case .finished:
                try framer.checkEnd()
                return nil
            case .failed(let status): throw status
            }
        }
    }
}

extension MessageQueue {
    /// Decodes a message that is long or compressed, on another thread if it is too much for the loop. The order stays, as
    /// there is one reader.
    private func decode<Parsed: Message>(_ message: ReceivedMessage) async throws(Status) -> Parsed {
        if message.isCompressed, let octets = try connection.decoder.inflateNow(message) {
            inARow += 1 + octets.count / Self.largeMessage
            let whole = ReceivedMessage(octets: octets, range: octets.indices, isCompressed: false)
            let parsed: Parsed = try whole.withOctets { bytes throws(Status) in try contentType.parse(bytes) }
            try settle()
            await pauseNowAndThen()
            return parsed
        }
        inARow = 0
        inHand = message.count
        isDecoding = true
        let result: Result<(message: Parsed, inflated: Int), Status>
        do throws(Status) {
            result = .success(
                try await connection.decoder.decode(message, as: contentType, for: connection, isWanted: { isWanted }))
        } catch {
            result = .failure(error)
        }
        isDecoding = false
        inHand = 0
        if case .failed(let status) = ending {
            held.release(connection)
            throw status
        }
        let decoded = try result.get()
        inHand = decoded.inflated
        try settle()
        return decoded.message
    }

    /// Whether anybody waits for a message.
    private var isWanted: Bool { if case .failed = ending { false } else { true } }
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
        ///
        /// - Throws: how the input failed; CANCELLED when the call is over, or the task is cancelled and would have to
        ///   wait.
        package mutating func next() async throws(Status) -> Request? {
            try await queue.next()
        }
    }
}
