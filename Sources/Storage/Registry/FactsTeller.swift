package import CarillonNet
package import Domain

/// Tells other processes that facts have changed, from one loop, before the change is answered.
///
/// What comes while a transaction is on its way goes together in the next. What could not be told is told again until it
/// is; whoever waits for it does not: the change is committed, and who has not heard of it reads again when facts come of age.
/// It holds no more tenants than have changed something since the registry was there last.
///
/// Confined to its loop; every entry asserts. Safe as `@unchecked Sendable` for that reason.
package final class FactsTeller: @unchecked Sendable {
    /// How long one transaction may take. One that took longer would be seen so late that nobody looks for it any more, so
    /// it is done again.
    package static let patience = Duration.seconds(2)
    private static let pause = Duration.seconds(1)
    /// When a transaction whose outcome is not known has ended, one way or the other: statements have five seconds, and what
    /// nobody waits for is cancelled.
    private static let doubt = Duration.seconds(10)

    private let loop: EventLoop
    private let registry: RegistryStore
    private var tenants: Set<TenantID> = []
    private var waiters: [CheckedContinuation<Void, Never>] = []
    private var isBusy = false
    private var doubtful: [TenantID: MonotonicTime] = [:]

    /// Tells through a store whose pool is on the loop.
    package init(loop: EventLoop, registry: RegistryStore) {
        self.loop = loop
        self.registry = registry
    }

    /// Tells of a change that is committed. Returns when it is told, or could not be told at the first try.
    package func tell(of tenant: TenantID) async {
        loop.assertOnLoop()
        await withCheckedContinuation { waiter in
            waiters.append(waiter)
            add([tenant])
        }
    }

    /// Tells of a change that may be committed by now, or some time later, or never.
    package func tellOfDoubt(about tenant: TenantID) {
        loop.assertOnLoop()
        add([tenant])
        let end = loop.now.advanced(by: Self.doubt)
        if doubtful.updateValue(end, forKey: tenant) == nil { resolve(tenant, at: end) }
    }

    private func resolve(_ tenant: TenantID, at end: MonotonicTime) {
        loop.schedule(at: end) { [weak self] in
            guard let self, let end = doubtful[tenant] else { return }
            if loop.now < end { return resolve(tenant, at: end) }
            doubtful[tenant] = nil
            add([tenant])
        }
    }

    private func add(_ more: Set<TenantID>) {
        tenants.formUnion(more)
        guard !isBusy else { return }
        isBusy = true
        // Not in a caller's own task: the others must not go untold when that caller hangs up.
        loop.spawn { await self.run() }
    }

    private func run() async {
        while !tenants.isEmpty {
            let (batch, waiting) = (tenants, waiters)
            (tenants, waiters) = ([], [])
            let isTold = await tell(of: batch)
            for waiter in waiting { waiter.resume() }
            if !isTold {
                loop.schedule(after: Self.pause) { [weak self] in self?.add(batch) }
            }
        }
        isBusy = false
    }

    private func tell(of batch: Set<TenantID>) async -> Bool {
        do throws(StorageError) {
            let registry = registry
            try await CallDeadline.within(loop.now.advanced(by: Self.patience)) { () async throws(StorageError) in
                try await registry.tellOfFacts(of: batch)
            }
            return true
        } catch {
            return false
        }
    }
}
