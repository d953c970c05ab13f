internal import CarillonNet
internal import Synchronization

/// The connections of a server that live on one loop. Confined to that loop but for ``load``.
///
/// Safe as `@unchecked Sendable` because everything but the atomic count is touched on the loop only.
final class ServerLoop: HTTP2ConnectionDelegate, @unchecked Sendable {
    let loop: EventLoop
    private let core: ServerCore
    private let tls: TLSContext
    private var connections: [ObjectIdentifier: (connection: HTTP2Connection, state: ConnectionState)] = [:]
    private var isDraining = false
    private var waiters: [UnsafeContinuation<Void, Never>] = []
    /// What happened here; read by any thread.
    let counters = ServerCounters()
    /// Open connections, read by the loop that hands out new ones.
    let load = Atomic<Int>(0)
    /// Calls that were admitted and are not over, of all connections; see ``CallContext``.
    var running = 0
    /// Those of them whose stream is gone while their handler works on.
    var abandoned = 0
    /// Octets of requests that are held, of all connections.
    var heldInput = 0
    /// This loop's share of ``ServerLimits/input``.
    let inputLimit: Int
    /// This loop's share of ``ServerLimits/calls``.
    let callLimit: Int
    /// This loop's share of ``ServerLimits/abandonedCalls``.
    let abandonedLimit: Int

    init(loop: EventLoop, core: ServerCore, tls: TLSContext, loops: Int) {
        self.loop = loop
        self.core = core
        self.tls = tls
        inputLimit = core.limits.input / loops
        callLimit = max(1, core.limits.calls / loops)
        abandonedLimit = max(1, core.limits.abandonedCalls / loops)
    }

    var limits: ServerLimits { core.limits }

    /// Takes over an accepted descriptor; `load` was raised for it by the caller.
    func adopt(_ descriptor: CInt) {
        loop.assertOnLoop()
        do throws(TLSError) {
            let connection = try HTTP2Connection(
                loop: loop, descriptor: descriptor, context: tls, limits: core.limits.http2, delegate: self)
            connections[ObjectIdentifier(connection)] = (
                connection, ConnectionState(connection, of: self)
            )
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
        guard let state = connections[ObjectIdentifier(connection)]?.state else { return nil }
        return ServerStream(server: core, connection: state)
    }

    func connectionIsDraining(_ connection: HTTP2Connection) {}

    func connectionClosed(_ connection: HTTP2Connection, _ reason: HTTP2CloseReason) {
        guard connections.removeValue(forKey: ObjectIdentifier(connection)) != nil else { return }
        load.subtract(1, ordering: .relaxed)
        counters.connectionClosed(reason)
        switch reason {
        case .finished, .aborted: break
        default: core.report(.connectionFailed(peer: connection.peer, reason))
        }
        if connections.isEmpty { resumeWaiters() }
    }

    /// Asks every connection to finish, and returns when all have, or cuts off the rest after the grace period.
    func drain(grace: Duration) async {
        loop.assertOnLoop()
        isDraining = true
        for entry in connections.values { entry.connection.beginDrain() }
        guard !connections.isEmpty else { return }
        let timer = loop.schedule(after: grace) {
            for entry in Array(self.connections.values) { entry.connection.close(.aborted) }
        }
        await withUnsafeContinuation { continuation in
            if connections.isEmpty { continuation.resume() } else { waiters.append(continuation) }
        }
        timer.cancel()
    }

    private func resumeWaiters() {
        for waiter in waiters { waiter.resume() }
        waiters = []
    }
}
