import Synchronization

@testable import CarillonNet

/// A server of one page and nothing more: what the HTTP/2 layer does by itself, without gRPC above it.
///
/// `GET /` is answered at the end of the request, `/large` with 4 MiB, `/never` not at all; a request for `/whole` has to
/// come as a whole.
final class HTTP2Probe: HTTP2ConnectionDelegate, @unchecked Sendable {
    let loop = EventLoop(name: "probe")
    let events = Events()
    private let context: TLSContext
    private let limits: HTTP2Limits
    // Both are touched on the loop only.
    private var connections: [ObjectIdentifier: HTTP2Connection] = [:]
    private var descriptor: CInt?
    private var listener: Listener?
    private(set) var port: UInt16 = 0

    static func start(
        _ limits: HTTP2Limits = .init(), tls: TLSServerSettings? = nil
    ) async throws -> HTTP2Probe {
        let files = try TestFiles.shared.get()
        let settings =
            tls ?? TLSServerSettings(certificateChain: files.path("server.pem"), privateKey: files.path("server.key"))
        let probe = HTTP2Probe(try TLSContext(server: settings), limits)
        try await probe.listen()
        return probe
    }

    private init(_ context: TLSContext, _ limits: HTTP2Limits) {
        (self.context, self.limits) = (context, limits)
    }

    private func listen() async throws {
        let listener = try await Listener.open(on: loop, host: "127.0.0.1", port: 0) { descriptor in
            self.loop.execute { self.adopt(descriptor) }
        }
        port = listener.port
        await loop.run { self.listener = listener }
    }

    private func adopt(_ descriptor: CInt) {
        do {
            let connection = try HTTP2Connection(
                loop: loop, descriptor: descriptor, context: context, limits: limits, delegate: self)
            self.descriptor = descriptor
            connections[ObjectIdentifier(connection)] = connection
        } catch {
            events.record("not begun: \(error)")
        }
    }

    func stop() async {
        await loop.run {
            self.listener?.close()
            for connection in Array(self.connections.values) { connection.close(.aborted) }
        }
        await loop.shutDown()
    }

    /// Looks at the socket of the newest connection; `nil` when there was none.
    func look<Value: Sendable>(_ look: @escaping @Sendable (CInt) -> Value) async -> Value? {
        await loop.run { self.descriptor.map(look) }
    }

    /// Begins to drain all connections.
    func drain(_ reason: DrainReason) async {
        await loop.run { for connection in self.connections.values { connection.beginDrain(reason) } }
    }

    func connectionIsReady(_ connection: HTTP2Connection) {
        events.record("ready identity=\(connection.peerIdentity?.id ?? "none")")
    }

    func connection(_ connection: HTTP2Connection, opened stream: HTTP2Stream) -> (any HTTP2StreamHandler)? {
        connection.streamCount > 50 ? nil : ProbedStream(events)
    }

    func connectionIsDraining(_ connection: HTTP2Connection) { events.record("draining") }

    func connectionClosed(_ connection: HTTP2Connection, _ reason: HTTP2CloseReason) {
        connections[ObjectIdentifier(connection)] = nil
        events.record("closed: \(reason)")
    }
}

private final class ProbedStream: HTTP2StreamHandler {
    private static let head: HeaderBlock = {
        var head = HeaderBlock()
        head.append(":status", "200")
        return head
    }()
    private let events: Events
    private var path = ""

    init(_ events: Events) {
        self.events = events
    }

    func streamReceivedHeaders(_ stream: HTTP2Stream) {
        path = stream.received[":path"] ?? ""
        if path == "/whole" { stream.awaitWholeBody() }
    }

    func streamReceivedTrailers(_ stream: HTTP2Stream) {}

    func stream(_ stream: HTTP2Stream, received bytes: UnsafeRawBufferPointer) { stream.consume(bytes.count) }

    func streamReceivedEnd(_ stream: HTTP2Stream) {
        guard path != "/never" else { return }
        stream.sendHeaders(Self.head)
        stream.send([UInt8](repeating: 0x2e, count: path == "/large" ? 4 << 20 : 3))
        stream.end()
    }

    func streamDrained(_ stream: HTTP2Stream) {}

    func streamClosed(_ stream: HTTP2Stream, _ code: HTTP2ErrorCode) {
        if code != .noError { events.record("stream \(path): \(code)") }
    }
}
