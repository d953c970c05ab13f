internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage

/// Takes what workers were refused, and tells of it, one tenant after the other, on one loop.
///
/// Safe as `@unchecked Sendable` because it is confined to its loop.
final class BounceDesk: @unchecked Sendable {
    /// The most accounts that may wait; of what comes beyond nobody is told but by the list of suppressions.
    private static let limit = 1_000

    private let core: ServiceCore
    private let loop: EventLoop
    private let state: LoopState
    private var waiting: [(tenant: TenantID, concerned: [ConcernedAccount])] = []
    private var count = 0
    private var isBusy = false

    init(core: ServiceCore, on loop: EventLoop) {
        (self.core, self.loop) = (core, loop)
        state = core.state(on: loop)
    }

    /// Takes accounts of a tenant with their addresses. Any thread.
    func take(_ concerned: [ConcernedAccount], of tenant: TenantID) {
        loop.execute { self.add(concerned, of: tenant) }
    }

    private func add(_ concerned: [ConcernedAccount], of tenant: TenantID) {
        guard count + concerned.count <= Self.limit else { return }
        waiting.append((tenant, concerned))
        count += concerned.count
        guard !isBusy else { return }
        isBusy = true
        loop.spawn { await self.run() }
    }

    private func run() async {
        while !waiting.isEmpty {
            let (tenant, concerned) = waiting.removeFirst()
            count -= concerned.count
            guard let scope = try? await state.scope(named: tenant) else { continue }
            await BounceNotices(core: core).raise(about: concerned, in: scope, by: "worker")
        }
        isBusy = false
    }
}
