/// What one HTTP/2 connection may ask of us. Every number is a promise that nothing grows without bound.
package struct HTTP2Limits: Sendable {
    /// Streams that a peer may have open at once (SETTINGS_MAX_CONCURRENT_STREAMS).
    package var concurrentStreams: UInt32 = 1000
    /// Octets of DATA that a peer may send on one stream before we took them (SETTINGS_INITIAL_WINDOW_SIZE).
    package var streamWindow: Int32 = 256 * 1024
    /// The same over all streams of the connection.
    package var connectionWindow: Int32 = 4 * 1024 * 1024
    /// Size of a request's header list, counted as RFC 9113 §6.5.2 does; what is beyond is not stored.
    package var headerListSize: Int = 16 * 1024
    /// Resets by the peer: how many at once, and how many a second after that. libnghttp2's own default of 1000 and 33
    /// would end the connection of a gRPC client that cancels a lot.
    package var resetBurst: UInt64 = 10_000
    /// See ``resetBurst``.
    package var resetsPerSecond: UInt64 = 1000
    /// CONTINUATION frames after one HEADERS frame (CVE-2024-28182).
    package var continuations: Int = 4
    /// Acknowledgements that wait to be sent (PING and SETTINGS floods, CVE-2019-9512, CVE-2019-9515).
    package var outboundAcknowledgements: Int = 100
    /// Time for the TLS handshake and the HTTP/2 preface together.
    package var handshakeTime: Duration = .seconds(10)
    /// Octets taken from one connection before the others have their turn.
    package var readBudget: Int = 256 * 1024
    /// Octets of answers that wait on one stream before its writer has to wait.
    package var streamOutput: Int = 64 * 1024

    /// Makes the default limits.
    package init() {}
}
