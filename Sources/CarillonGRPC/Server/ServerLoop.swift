internal import CarillonNet
internal import Synchronization

/// The connections of a server that live on one loop. Confined to that loop but for ``load``.
///
/// Safe as `@unchecked Sendable` because everything but the atomic count is touched on the loop only.
final class ServerLoop: HTTP2ConnectionDelegate, @unchecked Sendable {
    let loop: EventLoop
    let core: ServerCore
    private let tls: TLSContext
    private var connections: [ObjectIdentifier: Entry] = [:]
    private struct Entry {
        let connection: HTTP2Connection
        let state: ConnectionState
        /// Whom it comes from.
        let address: PeerAddress
    }
    private var isDraining = false
    private var waiters: [UnsafeContinuation<Void, Never>] = []
    /// What happened here; read by any thread.
    let counters = ServerCounters()
    /// What became of the calls of each method here; read by any thread.
    let methodCounters: MethodCounters
    /// Open connections, read by the loop that hands out new ones.
    let load = Atomic<Int>(0)
    /// Calls and pages that were admitted and are not over, of all connections; see ``Admission``.
    @exclusivity(unchecked) var running = 0
    /// Those of them whose stream is gone while their handler works on.
    @exclusivity(unchecked) var abandoned = 0
    /// Handlers of streams that are over, for new ones.
    @exclusivity(unchecked) private var spare: [ServerStream] = []
    /// How many are kept, of a few hundred octets and up to 1 KiB of buffer each.
    private static let spareLimit = 256
    /// Where the connections have decoded what is too much for the loop.
    let decoder: MessageDecoder
    /// Octets of requests that are held, of all connections.
    @exclusivity(unchecked) var heldInput = 0
    /// Octets of answers that wait for their peers. Connections count what they queue at once, and what was sent at the end
    /// of each flush.
    @exclusivity(unchecked) var queuedOutput = 0
    /// Connections whose writers wait until it is less.
    @exclusivity(unchecked) var waiting = WaitingConnections()
    /// This loop's share of ``ServerLimits/output``.
    let outputLimit: Int
    /// This loop's share of ``ServerLimits/input``.
    let inputLimit: Int
    /// ``ServerLimits/timeout`` in nanoseconds.
    let longestTimeout: Int64
    /// This loop's share of ``ServerLimits/calls``.
    let callLimit: Int
    /// This loop's share of ``ServerLimits/abandonedCalls``.
    let abandonedLimit: Int

    init(loop: EventLoop, core: ServerCore, tls: TLSContext, loops: Int) {
        self.loop = loop
        self.core = core
        self.tls = tls
        methodCounters = MethodCounters(methods: core.methods.methods.count)
        decoder = MessageDecoder(loop: loop, limits: core.limits, loops: loops)
        longestTimeout = core.limits.timeout.wholeNanoseconds
        inputLimit = core.limits.input / loops
        outputLimit = core.limits.output / loops
        callLimit = max(1, core.limits.calls / loops)
        abandonedLimit = max(1, core.limits.abandonedCalls / loops)
    }

    var limits: ServerLimits { core.limits }

    /// Lets a writer go on who waits for room that all share, if there is some; he lets the next.
    func letWriterOn() {
        waiting.next(isRoomForAll: queuedOutput < outputLimit)?.line.first?.wake()
    }

    /// Takes over an accepted descriptor; `load` was raised for it by the caller.
    func adopt(_ descriptor: CInt, _ permit: HandshakePermit) {
        loop.assertOnLoop()
        do throws(TLSError) {
            let connection = try HTTP2Connection(
                loop: loop, descriptor: descriptor, context: tls, limits: core.limits.http2, permit: permit,
                delegate: self)
            let state = ConnectionState(connection, of: self)
            connection.attachment = state
            connections[ObjectIdentifier(connection)] = Entry(
                connection: connection, state: state, address: permit.address)
            counters.connectionOpened()
            if isDraining { connection.beginDrain() }
        } catch {
            Listener.discard(descriptor)
            load.subtract(1, ordering: .relaxed)
            core.report(.connectionFailed(peer: "", .tls(error)))
        }
    }

    func connectionIsReady(_ connection: HTTP2Connection) {}

    func connection(_ connection: HTTP2Connection, opened stream: HTTP2Stream) -> (any HTTP2StreamHandler)? {
        guard let attachment = connection.attachment else { return nil }
        // Safe because `adopt` attaches nothing else; a checked cast would be paid by each stream.
        return unsafeDowncast(attachment, to: ConnectionState.self).makeStream()
    }

    func connectionIsDraining(_ connection: HTTP2Connection) {}

    func connectionOutputMoved(_ connection: HTTP2Connection) {
        connections[ObjectIdentifier(connection)]?.state.outputMoved()
    }

    func connectionIsCutOff(_ connection: HTTP2Connection, _ reason: HTTP2CloseReason) {
        // Now, and not when the last words are read: he may have connected anew by then.
        guard case .abuse = reason, let entry = connections[ObjectIdentifier(connection)] else { return }
        core.gate.slow(entry.address, at: loop.now)
    }

    func connectionClosed(_ connection: HTTP2Connection, _ reason: HTTP2CloseReason) {
        guard let entry = connections.removeValue(forKey: ObjectIdentifier(connection)) else { return }
        connection.attachment = nil
        entry.state.close()
        load.subtract(1, ordering: .relaxed)
        counters.connectionClosed(reason)
        switch reason {
        case .finished, .aborted, .aged: break
        default: core.report(.connectionFailed(peer: connection.peer, reason))
        }
        guard connections.isEmpty else { return }
        // They know their connection, which knows this loop.
        spare = []
        resumeWaiters()
    }

    /// Asks every connection to finish, and returns when all have. After the grace period what still runs is answered with
    /// UNAVAILABLE, and a connection has ``HTTP2Limits/lingerTime`` to take that.
    func drain(grace: Duration) async {
        loop.assertOnLoop()
        isDraining = true
        for entry in connections.values { entry.connection.beginDrain() }
        guard !connections.isEmpty else { return }
        let timer = loop.schedule(after: grace) {
            for entry in Array(self.connections.values) { entry.connection.cutOff(.aborted) }
        }
        await withUnsafeContinuation { continuation in
            if connections.isEmpty { continuation.resume() } else { waiters.append(continuation) }
        }
        timer.cancel()
    }

    // MARK: Handlers of streams

    func makeStream(for connection: ConnectionState) -> ServerStream {
        guard let stream = spare.popLast() else { return ServerStream(server: core, connection: connection) }
        stream.reopen(for: connection)
        return stream
    }

    /// Keeps the handler of a stream that is over for a new one.
    func recycle(_ stream: ServerStream) {
        if spare.count < Self.spareLimit { spare.append(stream) }
    }

    private func resumeWaiters() {
        for waiter in waiters { waiter.resume() }
        waiters = []
    }
}
