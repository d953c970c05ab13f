internal import CarillonNet
internal import Domain
internal import Storage

/// Asks the registry about tenants that their database refuses: they may have been moved. However many calls are refused, it is
/// asked about a tenant by one of them at a time, and a few times a second at most.
///
/// Safe as `@unchecked Sendable` because it is confined to its loop.
final class TenantSearches: @unchecked Sendable {
    private let loop: EventLoop
    private let pause: Duration
    /// When it was heard.
    private var heard: BoundedCache<TenantID, MonotonicTime>
    private let questions = SharedQuestions<TenantID, TenantRecord?>()

    /// - Parameters:
    ///   - limit: of how many tenants it is remembered when they were asked about.
    ///   - pause: how long what was heard of a tenant counts.
    init(loop: EventLoop, limit: Int, pause: Duration = .milliseconds(200)) {
        self.loop = loop
        self.pause = pause
        heard = BoundedCache(limit: limit)
    }

    /// What the registry says of a tenant now; nil if nothing is new since a moment ago, or it cannot be asked.
    func news(
        of tenant: TenantID, _ ask: @escaping @Sendable (TenantID) async throws(StorageError) -> TenantRecord?
    ) async -> TenantRecord? {
        loop.assertOnLoop()
        if let time = heard.find(tenant), loop.now < time.advanced(by: pause) { return nil }
        let found = try? await questions.answer(to: tenant, on: loop, ask)
        // A registry that is away is not asked more often.
        heard.insert(loop.now, for: tenant)
        return found ?? nil
    }
}
