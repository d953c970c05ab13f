/// Accepts connections on an address and hands their descriptors on. Confined to its loop.
///
/// Safe as `@unchecked Sendable` because it is confined to `loop`; every entry asserts.
package final class Listener: @unchecked Sendable {
    private let loop: EventLoop
    private let descriptor: CInt
    private var watch: DescriptorWatch?
    private var pause: LoopTimer?
    private let onAccept: (CInt) -> Void
    /// The port it listens on: the one that was asked for, or the one the system chose for port 0.
    package let port: UInt16

    /// Opens a listening socket on a loop and begins to accept.
    ///
    /// - Parameter onAccept: takes over each connected, non-blocking descriptor; called on the loop.
    package static func open(
        on loop: EventLoop, host: String, port: UInt16, onAccept: @escaping @Sendable (CInt) -> Void
    ) async throws -> Listener {
        let addresses = try await loop.offload { try Socket.resolve(host: host, port: port, passive: true) }
        let descriptor = try Socket.listen(at: addresses[0])
        return await loop.run { Listener(loop: loop, descriptor: descriptor, onAccept: onAccept) }
    }

    private init(loop: EventLoop, descriptor: CInt, onAccept: @escaping (CInt) -> Void) {
        self.loop = loop
        self.descriptor = descriptor
        self.onAccept = onAccept
        port = Socket.localPort(descriptor)
        watch = loop.watch(descriptor: descriptor) { _ in self.accept() }
        watch?.interest = [.readable]
    }

    private func accept() {
        loop.assertOnLoop()
        do throws(SocketError) {
            // Bounded, so that a flood of connections does not starve those that are open.
            for _ in 0..<64 {
                guard let accepted = try Socket.accept(from: descriptor) else { return }
                onAccept(accepted)
            }
        } catch {
            // Out of descriptors or memory: the connection waits in the backlog. Trying again at once would only spin.
            watch?.interest = []
            pause = loop.schedule(after: .milliseconds(100)) { self.watch?.interest = [.readable] }
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
        guard watch != nil else { return }
        pause?.cancel()
        watch?.close()
        watch = nil
        Socket.close(descriptor)
    }
}
