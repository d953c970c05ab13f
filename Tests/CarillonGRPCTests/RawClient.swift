import CarillonNet
import Synchronization
import Testing

@testable import CarillonGRPC

/// What came on one stream.
struct RawAnswer: Sendable {
    var headers: [(name: String, value: String)] = []
    var trailers: [(name: String, value: String)] = []
    var body: [UInt8] = []
    var isEnded = false
    var closed: HTTP2ErrorCode?
    /// Whether the server had asked for no more streams by then.
    var wasDraining = false
    /// How many streams of the client were closed before this one.
    var closedBefore = 0

    /// The first value of a header field.
    subscript(name: String) -> String? { headers.first { $0.name == name }?.value }
    /// The first value of a trailer.
    func trailer(_ name: String) -> String? { trailers.first { $0.name == name }?.value }
    /// The gRPC status, wherever it stands.
    var grpcStatus: String? { trailer("grpc-status") ?? self["grpc-status"] }
    /// Whether there is nothing but one header block with the status in it.
    var isTrailersOnly: Bool { self["grpc-status"] != nil && trailers.isEmpty && body.isEmpty }
    var text: String { String(decoding: body, as: UTF8.self) }
    /// The messages of the body, with their flags.
    var messages: [(flags: UInt8, octets: [UInt8])] {
        var messages: [(flags: UInt8, octets: [UInt8])] = []
        var rest = body[...]
        while rest.count >= 5 {
            let flags = rest.removeFirst()
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            messages.append((flags, Array(rest.dropFirst(4).prefix(length))))
            rest = rest.dropFirst(4 + length)
        }
        return messages
    }
}

/// A connection of a test that takes no stream, and why it is over, if it is.
struct NoMoreStreams: Error, CustomStringConvertible {
    /// Nil for one that still stands.
    let reason: HTTP2CloseReason?
    let hasBegun: Bool

    var description: String {
        guard hasBegun else { return "the connection was never made" }
        return "the connection takes no more streams: \(reason.map { "\($0)" } ?? "it drains")"
    }
}

/// A client that says on its connection what it is told to, right or wrong. From any task; it works on its loop.
///
/// Safe as `@unchecked Sendable` because everything happens on `loop`.
final class RawClient: HTTP2ConnectionDelegate, @unchecked Sendable {
    private let loop: EventLoop
    private var connection: HTTP2Connection?
    private var attempt: ConnectionAttempt?
    private let goodbye = Mutex<HTTP2GoAway?>(nil)
    private var ready: CheckedContinuation<Void, Never>?
    private var end: HTTP2CloseReason?
    private var isClosed: Bool { end != nil }
    fileprivate var isDraining = false
    private var patience: LoopTimer?
    private var hasGivenUp = false
    /// Who waits for the server to ask for no more streams, and who for the end of the connection.
    private var waiters: (draining: [CheckedContinuation<Void, Never>], closed: [CheckedContinuation<Void, Never>]) = (
        [], []
    )
    /// Streams that are over.
    fileprivate var closed = 0

    private init(loop: EventLoop) {
        self.loop = loop
    }

    /// Connects to a server of the tests.
    static func connect(to echo: EchoServer, window: Int32 = 256 * 1024) async throws -> RawClient {
        let client = RawClient(loop: echo.clientLoop)
        let tls = try TLSContext(trustedCertificates: TestCertificate.files.certificate)
        let address = try #require(try NetworkAddress.resolve(host: "127.0.0.1", port: echo.server.port).first)
        await echo.clientLoop.run { await client.open(address, tls, window) }
        return client
    }

    private func open(_ address: NetworkAddress, _ tls: TLSContext, _ window: Int32) async {
        await withCheckedContinuation { continuation in
            ready = continuation
            attempt = ConnectionAttempt.begin(address, timeout: .seconds(300), on: loop) { result in
                var limits = HTTP2Limits()
                limits.streamWindow = window
                // Nothing here is about a slow machine.
                limits.handshakeTime = .seconds(300)
                limits.prefaceTime = .seconds(300)
                guard case .success(let descriptor) = result,
                    let connection = try? HTTP2Connection(
                        loop: self.loop, descriptor: descriptor, context: tls, serverName: "localhost", limits: limits,
                        delegate: self)
                else { return self.settle() }
                self.connection = connection
            }
        }
    }

    private func settle() {
        ready?.resume()
        ready = nil
    }

    func connectionIsReady(_ connection: HTTP2Connection) { settle() }
    func connectionReceivedSettings(_ connection: HTTP2Connection) {}
    func connectionReceivedPingAnswer(_ connection: HTTP2Connection) {}
    func connection(_ connection: HTTP2Connection, opened stream: HTTP2Stream) -> (any HTTP2StreamHandler)? { nil }
    func connectionIsDraining(_ connection: HTTP2Connection) {
        isDraining = true
        resume(&waiters.draining)
    }
    func connectionClosed(_ connection: HTTP2Connection, _ reason: HTTP2CloseReason) {
        goodbye.withLock { $0 = connection.peerGoAway }
        settle()
        end = reason
        patience?.cancel()
        resume(&waiters.draining)
        resume(&waiters.closed)
    }

    private func resume(_ waiters: inout [CheckedContinuation<Void, Never>]) {
        for waiter in waiters { waiter.resume() }
        waiters = []
    }

    /// What the server said last when it asked for no more streams.
    var goAway: HTTP2GoAway? { goodbye.withLock { $0 } }

    func close() async {
        await loop.run { self.connection?.close(.aborted) }
    }

    /// Ends the connection unless it is over by then, and with it whatever is waited for: for a server that does not do
    /// what it should.
    func giveUp(after patience: Duration) async {
        await loop.run {
            guard !self.isClosed else { return }
            self.patience = self.loop.schedule(after: patience) {
                self.hasGivenUp = true
                self.connection?.close(.aborted)
            }
        }
    }

    /// Waits until the server has asked for no more streams, or the connection is over.
    func draining() async {
        await loop.run {
            guard !self.isDraining, !self.isClosed else { return }
            await withCheckedContinuation { self.waiters.draining.append($0) }
        }
    }

    /// Waits until the connection is over; ``goAway`` is what it is only then. False when this side gave up.
    func ended() async -> Bool {
        await loop.run {
            if !self.isClosed { await withCheckedContinuation { self.waiters.closed.append($0) } }
            return !self.hasGivenUp
        }
    }

    /// Opens a stream; fields of the usual request are added unless there are some of the same name. Throws
    /// ``NoMoreStreams``.
    func send(
        _ path: String, _ fields: [(String, String)] = [], parts: [[UInt8]] = [], ends: Bool = true,
        trailers: [(String, String)]? = nil, takes: Bool = true
    ) async throws -> RawStream {
        let stream = await open(path, fields, parts: parts, ends: ends, trailers: trailers, takes: takes)
        if let stream { return stream }
        throw await loop.run { NoMoreStreams(reason: self.end, hasBegun: self.connection != nil) }
    }

    /// The same; `nil` when the connection takes no more streams.
    func open(
        _ path: String, _ fields: [(String, String)] = [], parts: [[UInt8]] = [], ends: Bool = true,
        trailers: [(String, String)]? = nil, takes: Bool = true
    ) async -> RawStream? {
        await loop.run {
            guard let connection = self.connection else { return nil }
            var block = HeaderBlock()
            let usual = [
                (":method", "POST"), (":scheme", "https"), (":authority", "localhost"), (":path", path),
                ("content-type", "application/grpc"), ("te", "trailers"),
            ]
            for field in usual where !fields.contains(where: { $0.0 == field.0 }) { block.append(field.0, field.1) }
            // Pseudo-fields come first; a field that is to be left out has no value.
            for field in fields where field.0.hasPrefix(":") {
                var reordered = HeaderBlock()
                reordered.append(field.0, field.1)
                block.visit { reordered.append(name: $0, value: $1) }
                block = reordered
            }
            for field in fields where !field.0.hasPrefix(":") && field.1 != "-" { block.append(field.0, field.1) }
            let raw = RawStream(client: self, loop: self.loop, takes: takes)
            let endsAtOnce = ends && parts.isEmpty && trailers == nil
            guard let stream = connection.open(block, body: [], endsBody: endsAtOnce, handler: raw) else { return nil }
            raw.stream = stream
            for part in parts { stream.send(part) }
            if let trailers {
                var block = HeaderBlock()
                for field in trailers { block.append(field.0, field.1) }
                stream.end(trailers: block)
            } else if ends, !parts.isEmpty {
                stream.end()
            }
            return raw
        }
    }

    /// Sends a request and waits for the end of its stream.
    func ask(
        _ path: String, _ fields: [(String, String)] = [], parts: [[UInt8]] = [], ends: Bool = true,
        trailers: [(String, String)]? = nil
    ) async throws -> RawAnswer {
        try await send(path, fields, parts: parts, ends: ends, trailers: trailers).answer()
    }
}

/// One stream of a ``RawClient``.
///
/// Safe as `@unchecked Sendable` because everything happens on `loop`.
final class RawStream: HTTP2StreamHandler, @unchecked Sendable {
    private let client: RawClient
    private let loop: EventLoop
    private var takes: Bool
    private var untaken = 0
    fileprivate var stream: HTTP2Stream?
    private var result = RawAnswer()
    private var waiter: CheckedContinuation<RawAnswer, Never>?
    private var first: CheckedContinuation<Void, Never>?

    fileprivate init(client: RawClient, loop: EventLoop, takes: Bool) {
        self.client = client
        self.loop = loop
        self.takes = takes
    }

    /// What came until the stream was closed.
    func answer() async -> RawAnswer {
        await loop.run {
            if self.result.closed != nil { return self.result }
            return await withCheckedContinuation { self.waiter = $0 }
        }
    }

    /// Waits for the first octets of the body; false when the stream is over without any.
    func hasBegun() async -> Bool {
        await loop.run {
            if self.result.body.isEmpty, self.result.closed == nil {
                await withCheckedContinuation { self.first = $0 }
            }
            return !self.result.body.isEmpty
        }
    }

    private func settle() {
        first?.resume()
        first = nil
    }

    func reset() async { await loop.run { self.stream?.reset(.cancel) } }

    func end() async { await loop.run { self.stream?.end() } }

    func send(_ part: [UInt8]) async { await loop.run { self.stream?.send(part) } }

    /// Takes what came and was not taken, and whatever comes.
    func take() async {
        await loop.run {
            self.takes = true
            self.stream?.consume(self.untaken)
        }
    }

    private static func fields(_ block: HeaderBlock) -> [(name: String, value: String)] {
        var fields: [(name: String, value: String)] = []
        block.visit { fields.append((String(decoding: $0, as: UTF8.self), String(decoding: $1, as: UTF8.self))) }
        return fields
    }

    func streamReceivedHeaders(_ stream: HTTP2Stream) { result.headers = Self.fields(stream.received) }
    func streamReceivedTrailers(_ stream: HTTP2Stream) { result.trailers = Self.fields(stream.received) }
    func stream(_ stream: HTTP2Stream, received bytes: UnsafeRawBufferPointer) {
        result.body += bytes
        if takes { stream.consume(bytes.count) } else { untaken += bytes.count }
        settle()
    }
    func streamReceivedEnd(_ stream: HTTP2Stream) { result.isEnded = true }
    func streamDrained(_ stream: HTTP2Stream) {}
    func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        self.stream = nil
        result.closed = code
        result.wasDraining = client.isDraining
        result.closedBefore = client.closed
        client.closed += 1
        settle()
        waiter?.resume(returning: result)
        waiter = nil
    }
}
