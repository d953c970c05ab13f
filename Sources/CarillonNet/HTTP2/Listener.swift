/// Accepts connections on all addresses of a name and hands their descriptors on. Confined to its loop.
///
/// States: accepting ↔ resting → closed. It rests while its owner is crowded, and when the system has no descriptor left:
/// connections wait in the system's queue then, which costs nothing here.
/// Safe as `@unchecked Sendable` because it is confined to `loop`; every entry asserts.
package final class Listener: @unchecked Sendable {
    private let loop: EventLoop
    private let sockets: ListeningSockets
    private var watches: [DescriptorWatch] = []
    private var rest: LoopTimer?
    private let isCrowded: () -> Bool
    private let onAccept: (CInt) -> Void
    /// The port it listens on: the one that was asked for, or the one that the system chose for port 0.
    package var port: UInt16 { sockets.port }

    /// Connections that are accepted in one tick, so that a flood of them does not hold up those that are open.
    private static let acceptsPerTick = 16
    /// How long it rests while its owner is crowded. Some thirty handshakes are done in that time.
    private static let shortRest: Duration = .milliseconds(10)
    /// How long it rests when the system has no descriptor or memory left: trying again at once would only spin.
    private static let longRest: Duration = .milliseconds(100)

    /// Opens a listening socket for each address of a name on a loop and begins to accept.
    ///
    /// - Parameters:
    ///   - host: a name or address; empty for all addresses of the machine.
    ///   - port: the same for all of them; 0 lets the system choose.
    ///   - isCrowded: asked before each connection is accepted; while it says yes, connections wait in the system's queue.
    ///   - onAccept: takes over each connected, non-blocking descriptor. Both are called on the loop.
    /// - Throws: ``ResolutionError``, or ``SocketError``, which names the address.
    package static func open(
        on loop: EventLoop, host: String, port: UInt16, isCrowded: @escaping @Sendable () -> Bool = { false },
        onAccept: @escaping @Sendable (CInt) -> Void
    ) async throws -> Listener {
        let addresses = try await loop.offload {
            try NetworkAddress.resolve(host: host, port: port, forListening: true)
        }
        let sockets = try ListeningSockets.open(at: addresses, port: port)
        return await loop.run { Listener(loop: loop, sockets: sockets, isCrowded: isCrowded, onAccept: onAccept) }
    }

    private init(
        loop: EventLoop, sockets: ListeningSockets, isCrowded: @escaping () -> Bool, onAccept: @escaping (CInt) -> Void
    ) {
        self.loop = loop
        self.sockets = sockets
        self.isCrowded = isCrowded
        self.onAccept = onAccept
        watches = sockets.descriptors.map { descriptor in
            loop.watch(descriptor: descriptor) { _ in self.accept(from: descriptor) }
        }
        listen()
    }

    private func listen() {
        for watch in watches { watch.interest = [.readable] }
    }

    private func rest(for time: Duration) {
        // Another socket's turn in the same tick may have begun it.
        guard rest == nil else { return }
        for watch in watches { watch.interest = [] }
        rest = loop.schedule(after: time) {
            self.rest = nil
            self.listen()
        }
    }

    private func accept(from descriptor: CInt) {
        loop.assertOnLoop()
        do throws(SocketError) {
            for _ in 0..<Self.acceptsPerTick where rest == nil {
                guard !isCrowded() else { return rest(for: Self.shortRest) }
                guard let accepted = try Socket.accept(from: descriptor) else { return }
                onAccept(accepted)
            }
        } catch {
            rest(for: Self.longRest)
        }
    }

    /// The address, without its port, that an accepted descriptor came from.
    package static func peer(of descriptor: CInt) -> String {
        Socket.peerName(descriptor)
    }

    /// Closes an accepted descriptor that nobody takes.
    package static func discard(_ descriptor: CInt) {
        Socket.close(descriptor)
    }

    /// Stops listening; connections that were accepted stay. Loop's thread only.
    package func close() {
        loop.assertOnLoop()
        guard !watches.isEmpty else { return }
        rest?.cancel()
        for watch in watches { watch.close() }
        watches = []
        for descriptor in sockets.descriptors { Socket.close(descriptor) }
    }
}
