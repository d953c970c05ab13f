internal import CarillonNet
internal import Domain
internal import Storage

// Joining, renewing, and the tenants that come and go with it.

extension DeliveryWorker {
    /// Lets the lease see the time and does what it says.
    func lookAtLease() {
        loop.assertOnLoop()
        guard phase == .running || phase == .draining, var lease else { return }
        leaseTimer?.cancel()
        var action = lease.look(at: loop.now)
        self.lease = lease
        if action == .fence {
            fence()
            action = lease.look(at: loop.now)
            self.lease = lease
        }
        switch action {
        // Who drains does not begin anew.
        case .join where phase == .draining: self.lease?.leave()
        case .join: loop.spawn { await self.join() }
        case .renew: loop.spawn { await self.renew() }
        case .nothing, .fence: break
        }
        guard let next = self.lease?.nextLook else { return }
        leaseTimer = loop.schedule(at: next) { [weak self] in self?.lookAtLease() }
    }

    /// Renews at once instead of in its time.
    func hurryLease() {
        lease?.hurry(at: loop.now)
        lookAtLease()
    }

    private func join() async {
        guard let registry = connections?.registry else { return }
        let worker = environment.makeID()
        do throws(StorageError) {
            // What this process held before has stopped; others need not wait until it expires.
            if let former = identity { try await registry.leaveWorker(former) }
            identity = nil
            try await registry.joinWorker(worker, timeToLive: configuration.lease.timeToLive)
        } catch {
            _ = lease?.failed(at: loop.now)
            environment.onEvent(.registryFailed(error))
            return lookAtLease()
        }
        identity = worker
        givenBack = GivenBackLeases()
        _ = lease?.answered(isAlive: true, at: loop.now)
        if lease?.isHeld(at: loop.now) == true { environment.onEvent(.joined(worker)) }
        // The first renewal counts workers and tenants, the second one takes the share.
        wanted = 0
        hurryLease()
    }

    private func renew() async {
        guard let registry = connections?.registry, let worker = identity else { return }
        let asked = phase == .running ? max(wanted, perhapsFree.count) : 0
        let tick: WorkerTick
        givenBack.asking()
        do throws(StorageError) {
            let life = configuration.lease.timeToLive
            tick = try await registry.tick(worker: worker, timeToLive: life, acquiring: asked)
        } catch {
            environment.onEvent(.registryFailed(error))
            if lease?.failed(at: loop.now) == .fence { fence() }
            return lookAtLease()
        }
        if lease?.answered(isAlive: tick.isAlive, at: loop.now) == .fence { fence() }
        if lease?.isHeld(at: loop.now) == true, phase == .running { adopt(tick, asked: asked) }
        lookAtLease()
        arrange()
    }

    // MARK: Tenants

    /// Does what an answer of the registry says. It may be older than what has been given back meanwhile.
    func adopt(_ tick: WorkerTick, asked: Int) {
        census = (tick.workers, tick.activeTenants)
        let overdue = givenBack.answered(tick.leases + tick.unserved)
        let served = tick.leases.filter { !givenBack.contains($0) }
        let leases = Dictionary(uniqueKeysWithValues: served.map { ($0.tenant, $0) })
        for (tenant, work) in tenants where leases[tenant] != work.lease {
            // Suspended, held for a move, erased, or lost and won again: what is under way may end, its word counts if the row
            // is ours.
            letGo(work, cutsOff: false)
        }
        var gained = 0
        for lease in served where tenants[lease.tenant] == nil {
            take(lease)
            gained += 1
        }
        if asked == 0 { knownStrangers = [] } else { knownStrangers.formUnion(strangers.union(rumours)) }
        rumours = []
        balance(tick, asked: asked, gained: gained)
        release(overdue)
        owed = Dictionary(uniqueKeysWithValues: tick.unserved.map { ($0.tenant, $0) })
        handBack()
    }

    /// Gives back the leases of tenants that are not to be worked, also those that were never taken up, once the last word on
    /// them is written: whoever waits for that, such as a move, then knows it.
    func handBack() {
        let leases = owed.values.filter { parting[$0.tenant] == nil }
        for lease in leases { owed[lease.tenant] = nil }
        release(leases.filter { !givenBack.contains($0) })
    }

    /// - Parameter isUrgent: whether free tenants are taken at once and not at the next renewal.
    private func release(_ leases: [TenantLease], isUrgent: Bool = false) {
        guard !leases.isEmpty, let registry = connections?.registry, let worker = identity else { return }
        givenBack.begin(leases)
        loop.spawn {
            do throws(StorageError) {
                try await registry.release(leases, worker: worker)
                self.givenBack.end(leases)
                if isUrgent { self.hurryLease() }
            } catch {
                // It may have been done all the same. The next renewal tells, and then it is tried again.
                self.givenBack.end(leases)
                self.environment.onEvent(.registryFailed(error))
            }
        }
    }

    private func balance(_ tick: WorkerTick, asked: Int, gained: Int) {
        switch FairShare.move(
            held: tenants.count, tenants: Int(tick.activeTenants), workers: Int(tick.workers))
        {
        case .stay:
            wanted = 0
        case .take(let count):
            let isFruitful = asked == 0 || gained >= asked
            wanted = count
            if isFruitful { lease?.hurry(at: loop.now) }
        case .give(let count):
            wanted = 0
            let surplus = tenants.values.filter(\.isIdle).prefix(count).map(\.self)
            giveBack(surplus)
        }
    }

    private func take(_ lease: TenantLease) {
        guard let connections else { return }
        let pool = connections.databases.pool(of: lease.place)
        let work = TenantWork(
            lease, store: TenantStore(tenant: lease.tenant, pool: pool), loop: loop, environment: environment,
            teller: connections.teller)
        work.recorder.onSettled = { [weak self, weak work] id in
            guard let self, let work else { return }
            settled(id, of: work)
        }
        work.recorder.onGivenUp = { [weak work] in work?.isSuspect = true }
        tenants[lease.tenant] = work
        strangers.remove(lease.tenant)
        rumours.remove(lease.tenant)
        environment.onEvent(.tookOver(lease.tenant, fence: lease.fence))
        turns.enter(lease.tenant)
    }

    /// Works a tenant no more.
    func letGo(_ work: TenantWork, cutsOff: Bool) {
        guard work.isCurrent else { return }
        work.letGo(cutsOff: cutsOff)
        if tenants[work.tenant] === work { tenants[work.tenant] = nil }
        turns.leave(work.tenant)
        if !work.isIdle { parting[work.tenant, default: []].append(work) }
        environment.onEvent(.letGo(work.tenant, fence: work.fence))
    }

    /// Gives tenants back of which nothing is under way.
    ///
    /// - Parameter isUrgent: whether free tenants are taken at once and not at the next renewal.
    func giveBack(_ surplus: [TenantWork], isUrgent: Bool = false) {
        for work in surplus { letGo(work, cutsOff: false) }
        release(surplus.map(\.lease), isUrgent: isUrgent)
    }

    /// The lease is, or may be, somebody else's: everything stops.
    private func fence() {
        if let identity { environment.onEvent(.fenced(identity, tenants: tenants.count)) }
        owed = [:]
        for work in Array(tenants.values) { letGo(work, cutsOff: true) }
        wanted = 0
        checkDrained()
    }
}
