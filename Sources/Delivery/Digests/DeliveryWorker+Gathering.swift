internal import CarillonNet
internal import Domain
internal import Storage

// What goes out with what was claimed, and who holds whose place.

extension DeliveryWorker {
    /// Claims what the digests gather whose first deliveries were claimed. Nothing is settled here.
    func gather(_ claim: Claim, for work: TenantWork) async -> GatheredClaim {
        var gathered = GatheredClaim()
        gathered.singles = claim.deliveries.filter { claim.digests[$0] == nil }
        gathered.nextDue = claim.nextDue
        var order = GatheringOrder(claim)
        var more = 0
        var hasFailed = false
        while let (place, channel, members) = order.next() {
            let isFull =
                work.companions.count + more >= configuration.gathering.tenant
                || companions + more >= configuration.gathering.worker
            guard !hasFailed, !isFull else {
                gathered.putBack.append(Gathering(deliveries: members))
                continue
            }
            var found = members
            do throws(StorageError) {
                var isMore = true
                var late = members.filter { claim.digests[$0]?.dueAt != place.dueAt }
                while isMore, found.count < configuration.gathering.message {
                    let limit = min(configuration.gathering.slice, configuration.gathering.message - found.count)
                    let slice = try await work.store.gather(
                        place, on: channel, besides: late, fence: work.fence, now: environment.now(), limit: limit)
                    late = []
                    found += slice.deliveries
                    gathered.nextDue = slice.nextDue
                    isMore = slice.deliveries.count == limit
                }
                found.sort { $0.notification < $1.notification }
                gathered.gatherings.append(Gathering(deliveries: found))
                more += found.count - 1
            } catch {
                hasFailed = true
                // Rows may carry our fence now although we never heard which.
                if error.isCommitUnknown { work.isSuspect = true }
                rest(work, after: error)
                gathered.putBack.append(Gathering(deliveries: found))
            }
        }
        return gathered
    }

    /// Holds what was claimed: each gathering takes one place.
    func hold(_ gathered: GatheredClaim, _ work: TenantWork) {
        work.held.formUnion(gathered.singles)
        for gathering in gathered.gatherings + gathered.putBack {
            work.held.formUnion(gathering.deliveries)
            for id in gathering.deliveries where id != gathering.bearer {
                work.companions.insert(id)
                companions += 1
            }
        }
    }

    /// Lets those in whose names messages go out hold the places: one of them has that of the gathering, others take more.
    func give(places leads: [DeliveryID], of gathering: Gathering, _ work: TenantWork) {
        guard let first = leads.first else { return }
        var takesOver = !leads.contains(gathering.bearer)
        for lead in leads where work.companions.remove(lead) != nil {
            companions -= 1
            if takesOver {
                takesOver = false
                work.companions.insert(gathering.bearer)
                companions += 1
            } else {
                placesTaken += 1
            }
        }
        assert(!work.companions.contains(first), "a message has a place")
    }

    /// Sends what was claimed. Returns when the sends have begun.
    func send(_ gathered: GatheredClaim, of work: TenantWork) async {
        for gathering in gathered.putBack {
            for id in gathering.deliveries.reversed() { settle(id, .released, of: work) }
        }
        if !gathered.singles.isEmpty { await send(gathered.singles, of: work) }
        if !gathered.gatherings.isEmpty { await send(gathered.gatherings, of: work) }
    }
}
