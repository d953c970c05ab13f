/// What a client keeps at most. Every number is a promise that nothing grows without bound.
package struct ClientLimits: Sendable {
    /// Addresses that are connected to at once; further ones of the names are not used.
    package var addresses = 16
    /// Connections to one address; further ones are opened when the server takes no more streams on those that are there.
    package var connectionsPerAddress = 4
    /// Calls that wait for a connection or for room on one; the next one fails with RESOURCE_EXHAUSTED.
    package var waitingCalls = 10_000
    /// Octets of one request that are kept for another attempt; a longer one is not tried again.
    package var retryBuffer = 256 * 1024
    /// The same over all calls of the client.
    package var retryBuffers = 16 * 1024 * 1024
    /// Octets of a request that may wait before its writer has to.
    package var requestOutput = 64 * 1024
    /// The greatest length of one response message in octets.
    package var messageSize = 4 * 1024 * 1024

    /// Makes the default limits.
    package init() {}
}
