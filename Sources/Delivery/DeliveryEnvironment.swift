package import CoreMetrics
package import Domain
package import Storage

/// What the workers take from outside: the time, chance, fresh ids, and somebody who listens.
///
/// Nothing in this module reads a clock or draws a number by another way, so that a test decides both. Leases do not
/// use ``now``: they go by the loop's monotonic clock and the database's own.
package struct DeliveryEnvironment: Sendable {
    /// The wall clock. Called on the worker's loop.
    package var now: @Sendable () -> Instant
    /// Numbers in 0..<1. Called on the worker's loop.
    package var randomness: @Sendable () -> Double
    /// Fresh ids, for workers and the lines that they leave in an audit. Called on the worker's loop.
    package var makeID: @Sendable () -> UUIDv7
    /// Hears what happens, for logs and metrics. Called on the worker's loop; must not block.
    package var onEvent: @Sendable (DeliveryEvent) -> Void
    /// Where decisions are counted.
    package var metrics: any MetricsFactory = NOOPMetricsHandler.instance

    /// Hears of addresses that were refused for good, once they are suppressed, and of the accounts whose people had them, so that
    /// somebody tells the supplier's people. Called on the worker's loop; must not block.
    package var onRefusedAddresses: @Sendable (TenantID, [ConcernedAccount]) -> Void = { _, _ in }

    /// Makes an environment.
    package init(
        now: @escaping @Sendable () -> Instant, randomness: @escaping @Sendable () -> Double,
        makeID: @escaping @Sendable () -> UUIDv7, onEvent: @escaping @Sendable (DeliveryEvent) -> Void = { _ in }
    ) {
        self.now = now
        self.randomness = randomness
        self.makeID = makeID
        self.onEvent = onEvent
    }
}
