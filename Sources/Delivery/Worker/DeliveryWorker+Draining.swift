internal import CarillonNet
internal import Domain
internal import Postgres
internal import Storage
internal import Transfer

// The end.

extension DeliveryWorker {
    /// How long words may take to get to disk after the grace is over.
    private static let lastWords: Duration = .seconds(2)

    /// Claims nothing more, lets sends that are under way end, gives all tenants back, closes the connections. Any thread;
    /// returns when all is done. What is cut off at the end of the grace is sent again by whoever takes the tenants next.
    ///
    /// - Parameter grace: how long sends may take to end.
    package func drain(grace: Duration) async {
        await loop.run { await self.end(grace: grace) }
    }

    private func end(grace: Duration) async {
        loop.assertOnLoop()
        guard phase == .running else { return }
        phase = .draining
        pollTimer?.cancel()
        for work in tenants.values { work.look?.cancel() }
        await waitUntilDrained(for: grace)
        for work in tenants.values { for send in work.sends.values { send.cancel() } }
        await waitUntilDrained(for: Self.lastWords)
        leaseTimer?.cancel()
        lease?.leave()
        let hints = strangers.union(tenants.keys)
        for work in Array(tenants.values) { letGo(work, cutsOff: true) }
        forgetAll()
        phase = .closed
        guard let connections else { return }
        do throws(StorageError) {
            if let identity { try await connections.registry.leaveWorker(identity) }
            // So that others take the tenants now, and not at their next renewal.
            try await connections.registry.signal(hints, work: true, now: environment.now())
        } catch {
            // Then the registry frees the tenants when the row expires.
            environment.onEvent(.registryFailed(error))
        }
        connections.transfer.close()
        await connections.databases.close()
        await connections.pool.close()
    }

    private var isDrained: Bool {
        claimsUnderWay == 0 && !isForgettingKeys && parting.isEmpty && tenants.values.allSatisfy(\.isIdle)
    }

    /// Ends the wait of ``drain(grace:)`` when nothing is under way any more.
    func checkDrained() {
        guard phase == .draining, isDrained else { return }
        drainWaiter?.resume()
        drainWaiter = nil
    }

    private func waitUntilDrained(for limit: Duration) async {
        guard !isDrained else { return }
        let timer = loop.schedule(after: limit) {
            self.drainWaiter?.resume()
            self.drainWaiter = nil
        }
        await withCheckedContinuation { drainWaiter = $0 }
        timer.cancel()
    }
}
