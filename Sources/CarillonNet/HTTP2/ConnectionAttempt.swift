/// One attempt to connect a socket to one address (a client's side of `Listener`). Confined to its loop.
///
/// States: under way → over (by success, failure, the time limit or ``cancel()``). The completion is called at most once,
/// on the loop, never from within ``begin(_:timeout:on:completion:)``, and not at all after ``cancel()``.
package final class ConnectionAttempt {
    private let loop: EventLoop
    private let completion: (Result<CInt, SocketError>) -> Void
    private var descriptor: CInt?
    private var watch: DescriptorWatch?
    private var timer: LoopTimer?

    /// Begins to connect. Loop's thread only.
    ///
    /// - Parameters:
    ///   - address: where to.
    ///   - timeout: how long the peer may take to answer.
    ///   - loop: the loop that the attempt runs on.
    ///   - completion: gets a connected, non-blocking descriptor, which is then the owner's, or the error.
    /// - Returns: the attempt; the owner keeps it until the completion or cancels it.
    package static func begin(
        _ address: NetworkAddress, timeout: Duration, on loop: EventLoop,
        completion: @escaping (Result<CInt, SocketError>) -> Void
    ) -> ConnectionAttempt {
        let attempt = ConnectionAttempt(loop: loop, completion: completion)
        attempt.start(address, timeout)
        return attempt
    }

    private init(loop: EventLoop, completion: @escaping (Result<CInt, SocketError>) -> Void) {
        self.loop = loop
        self.completion = completion
    }

    private func start(_ address: NetworkAddress, _ timeout: Duration) {
        loop.assertOnLoop()
        do throws(SocketError) {
            let descriptor = try Socket.connect(to: address.socketAddress)
            self.descriptor = descriptor
            timer = loop.schedule(after: timeout) { self.finish(.timedOut) }
            watch = loop.watch(descriptor: descriptor) { _ in self.finish(Socket.pendingError(descriptor)) }
            watch?.interest = [.writable]
        } catch {
            // Told by a timer that is due at once, so that the owner has this object before it is called.
            timer = loop.schedule(after: .zero) { self.finish(error) }
        }
    }

    private func finish(_ error: SocketError?) {
        let descriptor = stop()
        if let error {
            if let descriptor { Socket.close(descriptor) }
            completion(.failure(error))
        } else if let descriptor {
            completion(.success(descriptor))
        }
    }

    private func stop() -> CInt? {
        timer?.cancel()
        timer = nil
        watch?.close()
        watch = nil
        defer { descriptor = nil }
        return descriptor
    }

    /// Gives the attempt up; its completion is not called. Harmless when it is over. Loop's thread only.
    package func cancel() {
        loop.assertOnLoop()
        if let descriptor = stop() { Socket.close(descriptor) }
    }
}
