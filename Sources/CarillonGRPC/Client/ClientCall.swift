internal import CarillonNet
package import SwiftProtobuf

/// One call of a client: the messages that came and how it ended. Confined to the client's loop.
///
/// Safe as `@unchecked Sendable` because it is confined to `loop`; every entry hops there or asserts.
final class ClientCall: HTTP2StreamHandler, @unchecked Sendable {
    let loop: EventLoop
    private let outputLimit: Int
    private var stream: HTTP2Stream?
    private var framer: MessageFramer
    private var ending: Status?
    private var timer: LoopTimer?
    private var reader: UnsafeContinuation<Void, Never>?
    private var writer: UnsafeContinuation<Void, Never>?

    init(loop: EventLoop, messageSize: Int, outputLimit: Int) {
        self.loop = loop
        self.outputLimit = outputLimit
        framer = MessageFramer(limit: messageSize)
    }

    func begin(_ stream: HTTP2Stream, deadline: MonotonicTime?) {
        self.stream = stream
        guard let deadline else { return }
        timer = loop.schedule(at: deadline) {
            self.end(Status(.deadlineExceeded, "the deadline passed before the server answered"), reset: .cancel)
        }
    }

    /// Gives up the call.
    func cancel() {
        loop.assertOnLoop()
        end(Status(.cancelled, "the call was cancelled"), reset: .cancel)
    }

    private func end(_ status: Status, reset code: HTTP2ErrorCode? = nil) {
        guard ending == nil else { return }
        ending = status
        timer?.cancel()
        timer = nil
        if let code { stream?.reset(code) }
        wake()
    }

    private func wake() {
        reader?.resume()
        reader = nil
        guard let writer, ending != nil || (stream?.queuedOutput ?? 0) < outputLimit else { return }
        self.writer = nil
        writer.resume()
    }

    // MARK: What the server sends

    func streamReceivedHeaders(_ stream: HTTP2Stream) {
        readStatus(of: stream, isLeading: true)
    }

    func streamReceivedTrailers(_ stream: HTTP2Stream) {
        readStatus(of: stream, isLeading: false)
    }

    private func readStatus(of stream: HTTP2Stream, isLeading: Bool) {
        let fields = stream.received
        if let code = fields["grpc-status"].flatMap({ UInt8($0) }) {
            let message = fields.withFirst("grpc-message") { $0.map { PercentEncoding.decode($0) } }
            let details = fields.withFirst("grpc-status-details-bin") { $0.flatMap { Base64.decode($0) } }
            return end(Status(StatusCode(rawValue: code) ?? .unknown, message ?? "", details: details ?? []))
        }
        guard isLeading, let http = fields[":status"], http != "200" else { return }
        end(Status(Self.code(ofHTTP: http), "the server answered with HTTP status \(http)"), reset: .cancel)
    }

    /// What an answer that is not gRPC means (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md).
    private static func code(ofHTTP status: String) -> StatusCode {
        switch status {
        case "400", "431": .internalError
        case "401": .unauthenticated
        case "403": .permissionDenied
        case "404": .unimplemented
        case "429", "502", "503", "504": .unavailable
        default: .unknown
        }
    }

    func stream(_ stream: HTTP2Stream, received bytes: UnsafeRawBufferPointer) {
        do throws(Status) {
            try framer.append(bytes)
            stream.consume(try framer.takeReleasable())
            wake()
        } catch {
            end(error, reset: .cancel)
        }
    }

    func streamReceivedEnd(_ stream: HTTP2Stream) {
        end(Status(.unknown, "the server ended the call without a status"))
    }

    func streamDrained(_ stream: HTTP2Stream) {
        wake()
    }

    func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        self.stream = nil
        switch code {
        case .refusedStream: end(Status(.unavailable, "the server refused the call; it was not processed"))
        case .cancel: end(Status(.unavailable, "the connection was lost"))
        case .enhanceYourCalm: end(Status(.resourceExhausted, "the server asks for fewer calls"))
        case .inadequateSecurity: end(Status(.permissionDenied, "the server asks for stronger TLS"))
        default: end(Status(.internalError, "the stream was reset: \(code)"))
        }
    }

    // MARK: For readers and writers, on the loop

    /// The next message; `nil` after the last when the call went well.
    func next<Parsed: Message>() async throws(Status) -> Parsed? {
        loop.assertOnLoop()
        while true {
            if let message: Parsed = try framer.next({ bytes throws(Status) in try MessageFrame.parse(bytes) }) {
                stream?.consume(try framer.takeReleasable())
                return message
            }
            if let ending {
                guard ending.code == .ok else { throw ending }
                try framer.checkEnd()
                return nil
            }
            await withTaskCancellationHandler {
                await withUnsafeContinuation { reader = $0 }
            } onCancel: {
                loop.execute { self.cancel() }
            }
        }
    }

    func send(_ frame: [UInt8]) async throws(Status) {
        loop.assertOnLoop()
        if let ending { throw ending.code == .ok ? Status(.cancelled, "the server has answered already") : ending }
        stream?.send(frame)
        guard let stream, stream.queuedOutput >= outputLimit else { return }
        await withUnsafeContinuation { writer = $0 }
    }

    func finishSending() {
        loop.assertOnLoop()
        stream?.end()
    }
}

/// The messages of an answer, for one reader in any task. Its end throws the status of a call that failed.
package struct ResponseReader<Response: Message>: AsyncSequence, Sendable {
    package typealias Element = Response
    private let call: ClientCall

    init(call: ClientCall) {
        self.call = call
    }

    /// Gives up the call; the server is told. From any task.
    package func cancel() {
        let call = self.call
        call.loop.execute { call.cancel() }
    }

    package func makeAsyncIterator() -> Iterator {
        Iterator(call: call)
    }

    /// Takes the messages one by one.
    package struct Iterator: AsyncIteratorProtocol {
        let call: ClientCall

        /// The next message; `nil` after the last.
        package mutating func next() async throws(Status) -> Response? {
            let call = self.call
            return try await call.loop.run { () async throws(Status) in try await call.next() }
        }
    }
}

/// Sends the messages of a streaming request, from any task.
package struct RequestWriter<Request: Message>: Sendable {
    private let call: ClientCall

    init(call: ClientCall) {
        self.call = call
    }

    /// Sends a message, and waits while the server takes less than is sent.
    ///
    /// - Throws: the status of the call if it has ended.
    package func send(_ message: Request) async throws(Status) {
        let call = self.call
        let frame = try MessageFrame.of(message)
        try await call.loop.run { () async throws(Status) in try await call.send(frame) }
    }

    /// Says that no more messages follow.
    package func finish() {
        let call = self.call
        call.loop.execute { call.finishSending() }
    }
}
