internal import Delivery
internal import Domain
internal import Services
internal import Storage
internal import Synchronization

/// Carries the word of what the worker put into inboxes to the services, whose streams show it. The worker is made before the
/// services, and knows none. Any thread.
final class InboxBell: Sendable {
    private let services = Mutex<Services?>(nil)

    /// From now on these services are told.
    func connect(_ services: Services) {
        self.services.withLock { $0 = services }
    }

    /// Hears what the worker does.
    func hear(_ event: DeliveryEvent) {
        guard case .recorded(let tenant, let result) = event, let arrival = result.arrival else { return }
        services.withLock(\.self)?.inboxesChanged([arrival.user], of: tenant)
    }
}
