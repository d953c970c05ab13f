internal import CarillonNet

/// The connection of a client: made when it is needed, shared by all calls, made anew after it was lost or drained.
///
/// States: idle → connecting (calls wait) → open → idle.
/// Safe as `@unchecked Sendable` because it is confined to `loop`; every entry asserts.
final class ClientLink: HTTP2ConnectionDelegate, @unchecked Sendable {
    private enum State {
        case idle
        case connecting
        case open(HTTP2Connection)
        case closed
    }
    private let loop: EventLoop
    private let configuration: RPCClient.Configuration
    private var state = State.idle
    private var pending: HTTP2Connection?
    private var waiters: [UnsafeContinuation<Result<HTTP2Connection, Status>, Never>] = []

    init(loop: EventLoop, configuration: RPCClient.Configuration) {
        self.loop = loop
        self.configuration = configuration
    }

    /// Opens a call, connecting first if need be.
    func start(
        _ path: StaticString, body: [UInt8], endsBody: Bool, _ options: CallOptions
    ) async throws(Status)
        -> ClientCall
    {
        loop.assertOnLoop()
        let began = loop.now
        // A connection may begin to drain between being found and being used: the call was not sent, so try once more.
        for _ in 0..<2 {
            let connection = try await connection()
            let call = ClientCall(
                loop: loop, messageSize: configuration.messageSize, outputLimit: connection.outputLimit)
            let headers = head(path, options)
            if let stream = connection.open(headers, body: body, endsBody: endsBody, handler: call) {
                let deadline = options.timeout.map { began.advanced(by: $0) }
                call.begin(stream, deadline: deadline)
                return call
            }
            if case .open(let current) = state, current === connection { state = .idle }
        }
        throw Status(.unavailable, "the server takes no more calls on this connection")
    }

    private func head(_ path: StaticString, _ options: CallOptions) -> HeaderBlock {
        var block = HeaderBlock()
        block.append(":method", "POST")
        block.append(":scheme", "https")
        block.append(":path", path.description)
        block.append(":authority", "\(configuration.host):\(configuration.port)")
        block.append("te", "trailers")
        block.append("content-type", "application/grpc")
        if let timeout = options.timeout { block.append("grpc-timeout", GRPCTimeout.format(timeout)) }
        for field in configuration.metadata { block.append(field.name, field.value) }
        for field in options.metadata { block.append(field.name, field.value) }
        return block
    }

    private func connection() async throws(Status) -> HTTP2Connection {
        switch state {
        case .open(let connection) where !connection.isDraining: return connection
        case .closed: throw Status(.unavailable, "the client is closed")
        case .connecting: break
        case .idle, .open:
            state = .connecting
            loop.spawn { await self.connect() }
        }
        return try await withUnsafeContinuation { waiters.append($0) }.get()
    }

    private func connect() async {
        do {
            let descriptor = try await Connector.connect(
                host: configuration.host, port: configuration.port, timeout: configuration.connectTimeout, on: loop)
            guard case .connecting = state else { return Listener.discard(descriptor) }
            var limits = HTTP2Limits()
            limits.handshakeTime = configuration.connectTimeout
            do {
                pending = try HTTP2Connection(
                    loop: loop, descriptor: descriptor, context: configuration.tls, serverName: configuration.host,
                    limits: limits, delegate: self)
            } catch {
                Listener.discard(descriptor)
                throw error
            }
        } catch {
            settle(
                .failure(
                    Status(.unavailable, "cannot connect to \(configuration.host):\(configuration.port): \(error)")))
        }
    }

    private func settle(_ result: Result<HTTP2Connection, Status>) {
        guard case .connecting = state else { return }
        if case .success(let connection) = result { state = .open(connection) } else { state = .idle }
        let waiting = waiters
        waiters = []
        for waiter in waiting { waiter.resume(returning: result) }
    }

    func close() {
        loop.assertOnLoop()
        if case .open(let connection) = state { connection.close(.aborted) }
        settle(.failure(Status(.unavailable, "the client is closed")))
        state = .closed
        pending?.close(.aborted)
        pending = nil
    }

    // MARK: The connection's life

    func connectionIsReady(_ connection: HTTP2Connection) {
        pending = nil
        settle(.success(connection))
    }

    func connection(_ connection: HTTP2Connection, opened stream: HTTP2Stream) -> (any HTTP2StreamHandler)? { nil }

    func connectionIsDraining(_ connection: HTTP2Connection) {
        if case .open(let current) = state, current === connection { state = .idle }
    }

    func connectionClosed(_ connection: HTTP2Connection, _ reason: HTTP2CloseReason) {
        if pending === connection {
            pending = nil
            let place = "\(configuration.host):\(configuration.port)"
            settle(.failure(Status(.unavailable, "the connection to \(place) failed: \(reason)")))
        } else if case .open(let current) = state, current === connection {
            state = .idle
        }
    }
}
