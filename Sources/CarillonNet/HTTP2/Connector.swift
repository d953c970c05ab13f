/// Connects sockets to a host, one address after the other (a client's side of `Listener`).
package enum Connector {
    /// Connects to the first address of a host that answers. Called from a task on the loop.
    ///
    /// - Parameter timeout: for each address.
    /// - Returns: A connected, non-blocking descriptor, which is the caller's.
    /// - Throws: ``ResolutionError``, ``SocketError`` of the last address, or `CancellationError`.
    package static func connect(host: String, port: UInt16, timeout: Duration, on loop: EventLoop) async throws -> CInt
    {
        let addresses = try await loop.offload { try Socket.resolve(host: host, port: port, passive: false) }
        var failure: any Error = ResolutionError(description: "\(host): no address")
        for address in addresses {
            do {
                let descriptor = try Socket.connect(to: address)
                if let error = await outcome(of: descriptor, timeout: timeout, on: loop) {
                    Socket.close(descriptor)
                    throw error
                }
                return descriptor
            } catch {
                failure = error
            }
        }
        throw failure
    }

    private static func outcome(of descriptor: CInt, timeout: Duration, on loop: EventLoop) async -> SocketError? {
        loop.assertOnLoop()
        return await withUnsafeContinuation { continuation in
            var watch: DescriptorWatch?
            var timer: LoopTimer?
            let finish = { (error: SocketError?) in
                timer?.cancel()
                watch?.close()
                watch = nil
                timer = nil
                continuation.resume(returning: error)
            }
            timer = loop.schedule(after: timeout) { finish(.timedOut) }
            watch = loop.watch(descriptor: descriptor) { _ in finish(Socket.pendingError(descriptor)) }
            watch?.interest = [.writable]
        }
    }
}
