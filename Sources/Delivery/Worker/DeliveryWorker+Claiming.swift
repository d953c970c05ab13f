internal import CarillonNet
internal import Domain
internal import Storage

// Whose queue is looked at when, and what is claimed from it.

extension DeliveryWorker {
    /// Pauses between polls of the hints of other processes, and between passing on our own.
    private static let pollPause = CheckPace.floor
    /// How far a poll looks back behind the one before: clocks of processes differ, and a hint heard twice is harmless.
    private static let pollOverlap: Duration = .milliseconds(500)

    /// Hears the hints of other processes, passes on ours, and comes back.
    func poll() {
        guard phase == .running else { return }
        loop.spawn {
            await self.exchangeHints()
            guard self.phase == .running else { return }
            self.pollTimer = self.loop.schedule(after: Self.pollPause) { [weak self] in self?.poll() }
        }
    }

    private func exchangeHints() async {
        guard let registry = connections?.registry else { return }
        let outgoing = strangers
        strangers = []
        let now = environment.now()
        do throws(StorageError) {
            if !outgoing.isEmpty { try await registry.signal(outgoing, work: true, now: now) }
            guard configuration.takesWork else { return }
            let signals = try await registry.signals(
                since: (lastPoll ?? now).advanced(by: .zero - Self.pollOverlap))
            lastPoll = now
            for tenant in signals.work { heardOfWork(of: tenant, isOurs: false) }
            // What has changed may be whether a tenant is worked, by whom, and where it is.
            knownStrangers.subtract(signals.credentials)
            if !perhapsFree.isEmpty || signals.credentials.contains(where: { tenants[$0] != nil }) { hurryLease() }
        } catch {
            strangers.formUnion(outgoing)
            environment.onEvent(.registryFailed(error))
        }
        arrange()
    }

    /// Begins claims while there are places and tenants with work.
    func arrange() {
        loop.assertOnLoop()
        guard phase == .running, lease?.isHeld(at: loop.now) == true else { return }
        while claimsUnderWay < configuration.claims, placesTaken < configuration.sends,
            companions < configuration.gathering.worker,
            let turn = turns.next(free: configuration.sends - placesTaken)
        {
            guard let work = tenants[turn.member], !work.isSuspect else { continue }
            guard !work.isClaiming else {
                work.hasNews = true
                continue
            }
            if let rest = work.rest, rest.until > loop.now {
                lookLater(at: work, nextDue: nil)
                continue
            }
            let room = configuration.sendsPerTenant - work.places
            guard room > 0, work.companions.count < configuration.gathering.tenant, parting[turn.member] == nil else {
                work.isWaitingForRoom = true
                continue
            }
            let limit = min(turn.allowance, room)
            work.isClaiming = true
            work.hasNews = false
            claimsUnderWay += 1
            placesTaken += limit
            work.look?.cancel()
            loop.spawn { await self.claim(for: work, limit: limit) }
        }
    }

    private func claim(for work: TenantWork, limit: Int) async {
        let answer = await claimed(for: work, limit: limit)
        work.isClaiming = false
        claimsUnderWay -= 1
        let gathered = answer.gathered
        placesTaken -= limit - gathered.places
        switch answer {
        case .refused: letGo(work, cutsOff: true)
        case .failed: lookLater(at: work, nextDue: nil)
        case .brought(let claim, _):
            noteWork(of: work, claim, gathered)
            forgetKeysInTime(of: work)
        }
        if gathered.isEmpty { review(work) }
        // Other tenants' claims need not wait until this one's messages are prepared.
        arrange()
        if !gathered.isEmpty { await send(gathered, of: work) }
        checkDrained()
    }

    private enum ClaimAnswer {
        /// A greater fence works this queue.
        case refused
        case failed
        case brought(Claim, GatheredClaim = GatheredClaim())

        var gathered: GatheredClaim {
            if case .brought(_, let gathered) = self { gathered } else { GatheredClaim() }
        }
    }

    private func claimed(for work: TenantWork, limit: Int) async -> ClaimAnswer {
        do throws(StorageError) {
            if !work.isTakenOver { work.isTakenOver = try await work.store.takeOverQueue(fence: work.fence) }
            guard work.isTakenOver else { return .refused }
            if !work.expectsWork {
                let seen = try await work.store.look(fence: work.fence)
                work.readFailures = 0
                guard seen.isOwner else { return .refused }
                guard let due = seen.nextDue, due <= environment.now() else { return .brought(seen) }
            }
            let claim = try await work.store.claim(fence: work.fence, now: environment.now(), limit: limit)
            work.readFailures = 0
            guard claim.isOwner else { return .refused }
            // As part of the claim: the next one must not take what this one's digests gather.
            return .brought(claim, await gather(claim, for: work))
        } catch {
            // Rows may carry our fence now although we never heard which.
            if error.isCommitUnknown { work.isSuspect = true }
            // The tenant is tried again later, less and less often.
            work.readFailures += 1
            if work.readFailures == 1, error.code == .permissionDenied || error.code == .notReady {
                // It may have been moved away a moment ago: the registry says whether it is ours. Only if it goes on to say so
                // is there something wrong.
                hurryLease()
            } else {
                environment.onEvent(.readFailed(work.tenant, error))
            }
            return .failed
        }
    }

    /// Notes what was claimed, and when the queue is looked at next.
    private func noteWork(of work: TenantWork, _ claim: Claim, _ gathered: GatheredClaim) {
        let nextDue = gathered.isEmpty ? claim.nextDue : gathered.nextDue
        if claim.deliveries.isEmpty {
            work.pace.foundNothing(tenants: tenants.count)
        } else {
            work.pace.foundWork()
            hold(gathered, work)
            environment.onEvent(.claimed(work.tenant, count: gathered.count))
        }
        guard work.isCurrent, phase == .running else { return }
        let isMore = nextDue.map { $0 <= environment.now() } ?? false
        work.expectsWork = isMore || work.hasNews
        if isMore, !claim.deliveries.isEmpty {
            turns.spent(claim.deliveries.count, by: work.tenant)
        } else if work.hasNews {
            turns.enter(work.tenant)
        } else if !turns.contains(work.tenant) {
            turns.leave(work.tenant)
            lookLater(at: work, nextDue: nextDue)
        }
    }

    /// Looks at a tenant's queue again in its time.
    func lookLater(at work: TenantWork, nextDue: Instant?) {
        guard work.isCurrent else { return }
        work.look?.cancel()
        let due = nextDue.map { environment.now().duration(to: $0) }
        var pause = work.pace.nextLook(
            due: due, tenants: tenants.count, randomness: environment.randomness())
        if work.readFailures > 0 { pause = max(pause, Self.pause(afterFailures: work.readFailures)) }
        if let rest = work.rest { pause = max(pause, loop.now.duration(to: rest.until)) }
        work.expectsWork = due.map { $0 <= pause } ?? false
        work.look = loop.schedule(after: pause) { [weak self, weak work] in
            guard let self, let work, work.isCurrent else { return }
            turns.enter(work.tenant)
            arrange()
        }
    }

    /// How long something that could not be read is left alone.
    static func pause(afterFailures count: Int) -> Duration {
        min(.milliseconds(250) * (1 << min(count, 7)), .seconds(15))
    }

    // MARK: What was held

    /// A delivery is not held any more.
    func settled(_ id: DeliveryID, of work: TenantWork) {
        work.held.remove(id)
        if work.companions.remove(id) != nil { companions -= 1 }
        work.underWay.recorded(id, at: loop.now)
        if work.isCurrent { enterWhenWaiting(work) }
        review(work)
        arrange()
        checkDrained()
    }

    /// Looks whether a tenant that was waiting for its last words may go on its way.
    func review(_ work: TenantWork) {
        if work.isCurrent {
            guard work.isSuspect, work.held.isEmpty, !work.isClaiming else { return }
            // Whoever takes it next, we or another, gets a greater fence. Its work is due already.
            wanted = max(wanted, 1)
            giveBack([work], isUrgent: true)
        } else if work.isIdle, let others = parting[work.tenant]?.filter({ $0 !== work }) {
            parting[work.tenant] = others.isEmpty ? nil : others
            guard others.isEmpty else { return }
            if let successor = tenants[work.tenant] { enterWhenWaiting(successor) }
            handBack()
        }
    }

    private func enterWhenWaiting(_ work: TenantWork) {
        guard work.isWaitingForRoom else { return }
        work.isWaitingForRoom = false
        turns.enter(work.tenant)
    }
}
