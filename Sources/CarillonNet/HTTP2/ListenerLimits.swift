/// What a listener lets begin. Every number is a promise that nothing grows without bound.
package struct ListenerLimits: Sendable {
    /// Handshakes that may be under way at once for one address (IPv4), or one network of 64 bits (IPv6). Behind a load
    /// balancer that hides its clients' addresses they all count as one.
    package var handshakesPerAddress = 512
    /// Handshakes that may be under way at once over all; then accepting pauses, and connections wait in the backlog.
    package var handshakes = 2048
    /// Connections that were accepted and wait for a place of their own address; more are closed.
    package var waiting = 1024
    /// How long one may wait.
    package var waitingTime: Duration = .seconds(5)

    /// Makes the default limits.
    package init() {}
}
