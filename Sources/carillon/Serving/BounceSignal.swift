internal import Domain
internal import Services
internal import Storage
internal import Synchronization

/// Carries the word of refused addresses from the worker, which is made first, to the services, which tell the supplier's people.
final class BounceSignal: Sendable {
    private let services = Mutex<Services?>(nil)

    /// Names who tells of them from now on.
    func connect(_ services: Services) { self.services.withLock { $0 = services } }

    /// Takes the word. Any thread.
    func tell(_ tenant: TenantID, _ concerned: [ConcernedAccount]) {
        services.withLock { $0 }?.tell(of: concerned, of: tenant)
    }
}
