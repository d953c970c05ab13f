internal import Delivery
internal import Domain
internal import Services
internal import Storage
internal import Synchronization

/// Carries what the worker does to the services, which tell people of it. The worker is made before the services, and knows none. Any
/// thread.
final class WorkerNews: Sendable {
    private let services = Mutex<Services?>(nil)

    /// From now on these services are told.
    func connect(_ services: Services) {
        self.services.withLock { $0 = services }
    }

    /// Hears what the worker does: streams show what it put into inboxes, and of what it could send to nobody some are told.
    func hear(_ event: DeliveryEvent) {
        guard case .recorded(let tenant, let result) = event else { return }
        if let arrival = result.arrival { services.withLock(\.self)?.inboxesChanged([arrival.user], of: tenant) }
        if case .suppressed(let reason) = result.resolution, reason.saysUnreachable {
            services.withLock(\.self)?.tell(ofUnreached: result.id, of: tenant)
        }
    }

    /// Hears of addresses that were refused for good.
    func hear(of refused: [ConcernedAccount], of tenant: TenantID) {
        services.withLock(\.self)?.tell(of: refused, of: tenant)
    }
}
