internal import CarillonNet
package import Postgres

/// A snapshot of a worker, for metrics.
package struct DeliveryWorkerStatus: Sendable {
    /// How many tenants it works.
    package let tenants: Int
    /// How many deliveries it has claimed whose word is not on disk yet, each of a digest too.
    package let deliveriesHeld: Int
    /// How its connections with the main database stand; nil before it began and after it ended.
    package let pool: PostgresPoolStatus?
}

extension DeliveryWorker {
    /// How the worker stands. Any thread.
    package func status() async -> DeliveryWorkerStatus {
        await loop.run {
            DeliveryWorkerStatus(
                tenants: self.tenants.count, deliveriesHeld: self.tenants.values.reduce(0) { $0 + $1.held.count },
                pool: self.phase == .closed ? nil : self.connections?.pool.status)
        }
    }
}
