package import CarillonNet

/// What callers may ask of a server. Every number is a promise that nothing grows without bound.
package struct ServerLimits: Sendable {
    /// The greatest length of one request message in octets; 4 MiB as in other gRPC servers.
    package var messageSize = 4 * 1024 * 1024
    /// Limits of each connection.
    package var http2 = HTTP2Limits()
    /// Connections that may be open at once, over all loops; more are closed at once.
    package var connections = 50_000

    /// Makes the default limits.
    package init() {}
}
