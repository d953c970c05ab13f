internal import CarillonNet

/// One connection of a client, from the attempt to connect to its end.
///
/// States: connecting → handshaking (TLS, SETTINGS) → ready → draining (streams finish, no new ones) → closed.
/// Safe as `@unchecked Sendable` because it is confined to the channel's loop; every entry asserts.
final class ClientTransport: HTTP2ConnectionDelegate, @unchecked Sendable {
    private enum State {
        case connecting(ConnectionAttempt)
        case handshaking(HTTP2Connection)
        case ready(HTTP2Connection)
        case draining(HTTP2Connection)
        case closed
    }
    let address: NetworkAddress
    /// What its calls name as `:authority`.
    let authority: String
    private let loop: EventLoop
    private let configuration: RPCClient.Configuration
    private let serverName: String
    /// Told of every change; it holds the transport until its end.
    private weak var subchannel: Subchannel?
    private var state: State
    private var keepalive: KeepaliveClock?
    private let asksWithoutCalls: Bool
    private var keepaliveTimer: LoopTimer?
    private var isSilent = false
    /// Streams that are open.
    private(set) var streams = 0
    /// Whether a call has ended on it otherwise than by its loss: a sign that the server works.
    private(set) var hasServed = false

    /// Begins to connect.
    init(
        _ address: NetworkAddress, serverName: String, authority: String, connectBy deadline: MonotonicTime,
        subchannel: Subchannel, configuration: RPCClient.Configuration, keepalive: KeepalivePolicy?, loop: EventLoop
    ) {
        loop.assertOnLoop()
        self.address = address
        self.authority = authority
        self.loop = loop
        self.configuration = configuration
        self.serverName = serverName
        self.subchannel = subchannel
        self.keepalive = keepalive.map { KeepaliveClock(time: $0.time, timeout: $0.timeout) }
        asksWithoutCalls = keepalive?.isWithoutCalls ?? false
        state = .closed
        let attempt = ConnectionAttempt.begin(address, timeout: loop.now.duration(to: deadline), on: loop) { result in
            self.attempted(result, deadline)
        }
        state = .connecting(attempt)
    }

    // MARK: For the channel

    /// Whether calls may begin here.
    var isReady: Bool { if case .ready = state { true } else { false } }

    /// Whether it is not known yet what comes of it.
    var isPending: Bool {
        switch state {
        case .connecting, .handshaking: true
        case .ready, .draining, .closed: false
        }
    }

    /// How many streams the server takes at once.
    var streamLimit: Int { if case .ready(let connection) = state { connection.peerConcurrentStreams } else { 0 } }

    /// Opens a stream; `nil` when the connection takes none any more, which it then never does again.
    func open(_ headers: HeaderBlock, body: [UInt8], endsBody: Bool, handler: CallAttempt) -> HTTP2Stream? {
        loop.assertOnLoop()
        guard case .ready(let connection) = state else { return nil }
        guard let stream = connection.open(headers, body: body, endsBody: endsBody, handler: handler) else {
            drain()
            return nil
        }
        streams += 1
        if keepalive != nil, keepaliveTimer == nil { keepAlive() }
        return stream
    }

    /// A stream that was opened here is over.
    func streamEnded(isLost: Bool) {
        streams -= 1
        if !isLost { hasServed = true }
        if case .draining(let connection) = state, streams == 0 { connection.beginDrain() }
        subchannel?.transportGainedRoom(self)
    }

    /// Why the connection is lost; `nil` while it goes on.
    var loss: String? {
        switch state {
        case .handshaking(let connection), .ready(let connection), .draining(let connection):
            guard let reason = connection.closeReason else { return nil }
            return isSilent ? "no answer to a keepalive PING" : "\(reason)"
        case .connecting: return nil
        case .closed: return "closed"
        }
    }

    /// Takes no new streams, and ends when those that are open have.
    func drain() {
        loop.assertOnLoop()
        guard case .ready(let connection) = state else { return isPending ? abort() : () }
        state = .draining(connection)
        subchannel?.transportIsDraining(self)
        // Whoever asks may stand in one of the connection's own calls: it ends with the next piece of work.
        if streams == 0 { loop.execute { connection.beginDrain() } }
    }

    /// Ends it now; its streams end as lost. The subchannel is not told.
    func abort() {
        loop.assertOnLoop()
        subchannel = nil
        keepaliveTimer?.cancel()
        keepaliveTimer = nil
        switch state {
        case .connecting(let attempt): attempt.cancel()
        case .handshaking(let connection), .ready(let connection), .draining(let connection):
            // `state` stays until the streams have asked why they are lost.
            connection.close(.aborted)
        case .closed: break
        }
        state = .closed
    }

    // MARK: The connection's life

    private func attempted(_ result: Result<CInt, SocketError>, _ deadline: MonotonicTime) {
        guard case .connecting = state else { return }
        switch result {
        case .failure(let error): end("\(error)")
        case .success(let descriptor):
            let limits = Self.limits(configuration.limits, handshakeTime: loop.now.duration(to: deadline))
            do throws(TLSError) {
                state = .handshaking(
                    try HTTP2Connection(
                        loop: loop, descriptor: descriptor, context: configuration.tls, serverName: serverName,
                        limits: limits, delegate: self))
            } catch {
                Listener.discard(descriptor)
                end(error.description)
            }
        }
    }

    /// What a connection of a client may ask. A server that takes nothing for a while holds its callers up, who have
    /// deadlines; and whether it is alive is asked by the client's own keepalive alone.
    static func limits(_ limits: ClientLimits, handshakeTime: Duration) -> HTTP2Limits {
        var result = HTTP2Limits()
        result.handshakeTime = max(.milliseconds(1), handshakeTime)
        result.streamOutput = limits.requestOutput
        result.outputStall = nil
        result.keepaliveTime = nil
        return result
    }

    private func end(_ reason: String) {
        let wasPending = isPending
        state = .closed
        keepaliveTimer?.cancel()
        keepaliveTimer = nil
        let failure = wasPending ? Status(.unavailable, "cannot connect to \(address): \(reason)") : nil
        subchannel?.transportEnded(self, failure)
    }

    func connectionIsReady(_ connection: HTTP2Connection) {
        guard case .handshaking = state else { return }
        state = .ready(connection)
        subchannel?.transportIsReady(self)
        if keepalive != nil { keepAlive() }
    }

    func connectionReceivedSettings(_ connection: HTTP2Connection) {
        subchannel?.transportGainedRoom(self)
    }

    func connection(_ connection: HTTP2Connection, opened stream: HTTP2Stream) -> (any HTTP2StreamHandler)? { nil }

    func connectionIsDraining(_ connection: HTTP2Connection) {
        if let goAway = connection.peerGoAway, goAway.code == .enhanceYourCalm, goAway.debugText == "too_many_pings" {
            subchannel?.transportPingedTooOften()
        }
        // Streams above the last one that the server takes end right after this, as refused.
        if case .ready = state { drain() }
    }

    func connectionClosed(_ connection: HTTP2Connection, _ reason: HTTP2CloseReason) {
        if isPending, case .finished = reason {
            // With TLS 1.3 a server looks at the client's certificate when the client has finished, and some say nothing.
            end("the server closed it before it spoke HTTP/2; it may ask for a client certificate")
        } else {
            end("\(reason)")
        }
    }

    // MARK: Keepalive

    private func keepAlive() {
        keepaliveTimer?.cancel()
        keepaliveTimer = nil
        let connection: HTTP2Connection
        switch state {
        case .ready(let open), .draining(let open): connection = open
        case .connecting, .handshaking, .closed: return
        }
        let asks = streams > 0 || asksWithoutCalls
        var step = keepalive?.look(at: loop.now, lastReceived: connection.lastReceived, asks: asks)
        if step == .ping {
            connection.sendPing()
            step = keepalive?.look(at: loop.now, lastReceived: connection.lastReceived, asks: asks)
        }
        switch step {
        case .wait(let time) where time < .distantFuture:
            keepaliveTimer = loop.schedule(at: time) { self.keepAlive() }
        case .dead:
            isSilent = true
            connection.close(.aborted)
        case .wait, .ping, nil: break
        }
    }
}
