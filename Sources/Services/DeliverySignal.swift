package import Domain

/// How services tell the workers of this process that a tenant has work. Losing a signal costs time only: workers look
/// into their queues by themselves.
package protocol DeliverySignal: Sendable {
    /// There is work for this tenant. Any thread; returns at once.
    func wake(_ tenant: TenantID)
}

/// Tells nobody: for processes without workers.
package struct NoDeliverySignal: DeliverySignal {
    /// Makes a signal that nobody hears.
    package init() {}

    /// Does nothing.
    package func wake(_ tenant: TenantID) {}
}
