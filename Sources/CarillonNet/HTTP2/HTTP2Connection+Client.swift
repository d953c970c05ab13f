// What clients ask of a connection beside what it does by itself.
extension HTTP2Connection {
    /// How many streams the peer takes at once (SETTINGS_MAX_CONCURRENT_STREAMS); `Int32.max` if it sets no limit.
    package var peerConcurrentStreams: Int { session.peerConcurrentStreams }

    /// Sends a PING (RFC 9113 §6.7); the answer comes as ``HTTP2ConnectionDelegate/connectionReceivedPingAnswer(_:)``.
    package func sendPing() {
        loop.assertOnLoop()
        guard state == .open, closing == nil else { return }
        session.submitPing()
    }

    /// Opens a stream; its body is ended here or by ``HTTP2Stream/end(trailers:)``.
    ///
    /// - Returns: The stream, or `nil` when the connection takes no more.
    package func open(
        _ headers: HeaderBlock, body: [UInt8], endsBody: Bool, handler: any HTTP2StreamHandler
    ) -> HTTP2Stream? {
        loop.assertOnLoop()
        guard !isDraining, closing == nil else { return nil }
        if !isPacing { paceStreams() }
        return session.open(headers, body: body, endsBody: endsBody, handler: handler)
    }
}
