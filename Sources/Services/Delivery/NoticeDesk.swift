internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage

/// Takes what workers met, and tells the supplier's people of it, one thing after the other, on one loop.
///
/// Safe as `@unchecked Sendable` because it is confined to its loop.
final class NoticeDesk: @unchecked Sendable {
    /// What a worker met.
    enum Notice: Sendable {
        /// Addresses were refused for good, which people of these accounts had.
        case refused([ConcernedAccount])
        /// A delivery was not to be sent, because its recipient cannot be told any more.
        case unreached(DeliveryID)

        /// How much of the desk's room it takes.
        fileprivate var size: Int {
            switch self {
            case .refused(let concerned): concerned.count
            case .unreached: 1
            }
        }
    }

    /// The most accounts and deliveries that may wait; of what comes beyond nobody is told but by the list of suppressions and the
    /// states of deliveries.
    private static let limit = 1_000

    private let core: ServiceCore
    private let loop: EventLoop
    private let state: LoopState
    private var waiting: [(tenant: TenantID, notice: Notice)] = []
    private var size = 0
    private var isBusy = false

    init(core: ServiceCore, on loop: EventLoop) {
        (self.core, self.loop) = (core, loop)
        state = core.state(on: loop)
    }

    /// Takes what a worker met in a tenant. Any thread.
    func take(_ notice: Notice, of tenant: TenantID) {
        loop.execute { self.add(notice, of: tenant) }
    }

    private func add(_ notice: Notice, of tenant: TenantID) {
        guard size + notice.size <= Self.limit else { return }
        waiting.append((tenant, notice))
        size += notice.size
        guard !isBusy else { return }
        isBusy = true
        loop.spawn { await self.run() }
    }

    private func run() async {
        while !waiting.isEmpty {
            let (tenant, notice) = waiting.removeFirst()
            size -= notice.size
            guard let scope = try? await state.scope(named: tenant) else { continue }
            let publisher = NoticePublisher(core: core, scope: scope, actor: "worker")
            switch notice {
            case .refused(let concerned): await BounceNotices(publisher).raise(about: concerned)
            case .unreached(let delivery): await UnreachedNotice(publisher).raise(about: delivery)
            }
        }
        isBusy = false
    }
}
