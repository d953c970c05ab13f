/// Bounds of a ``TransferClient``.
package struct TransferLimits: Sendable, Hashable {
    /// Transfers under way at once, hence connections in use.
    package var transfers: Int
    /// Transfers under way at once to one destination, so that a slow one cannot take all.
    package var transfersPerDestination: Int
    /// Transfers that wait for their turn; more are refused with ``TransferError/Code/queueFull``.
    package var queued: Int
    /// Connections kept open for reuse.
    package var idleConnections: Int
    /// How long a connection waits for reuse.
    package var idleTimeout: Duration

    /// Makes bounds; all numbers are at least 1.
    package init(
        transfers: Int = 64, transfersPerDestination: Int = 16, queued: Int = 1024, idleConnections: Int = 64,
        idleTimeout: Duration = .seconds(30)
    ) {
        self.transfers = max(1, transfers)
        self.transfersPerDestination = max(1, transfersPerDestination)
        self.queued = max(1, queued)
        self.idleConnections = max(1, idleConnections)
        self.idleTimeout = idleTimeout
    }
}
