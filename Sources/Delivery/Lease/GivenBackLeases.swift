internal import Domain
internal import Storage

/// The leases that a worker gives back, until the registry is known to list them no more.
///
/// An answer of the registry may be older than a lease's release and come after it, and a release whose own answer is lost may
/// have been done. So a lease that was given back is never taken up again, whatever is listed: others may work its tenant. When
/// it is listed by an answer that was asked for later, it is given back once more. The tenant itself may come again, with a
/// greater fence.
///
/// It holds no more leases than the worker had. A value without I/O; one question is on its way at a time.
struct GivenBackLeases {
    private struct Entry {
        let fence: Int64
        /// How many questions had been asked when its release was answered; nil while that is on its way.
        var endedAt: Int?
    }

    private var entries: [TenantID: Entry] = [:]
    private var questions = 0

    /// Whether the lease, or a later one of its tenant, was given back.
    func contains(_ lease: TenantLease) -> Bool {
        entries[lease.tenant].map { lease.fence <= $0.fence } ?? false
    }

    /// The release of these is on its way.
    mutating func begin(_ leases: [TenantLease]) {
        for lease in leases { entries[lease.tenant] = Entry(fence: lease.fence) }
    }

    /// The release of these is over, however it went.
    mutating func end(_ leases: [TenantLease]) {
        for lease in leases where entries[lease.tenant]?.fence == lease.fence {
            entries[lease.tenant]?.endedAt = questions
        }
    }

    /// The registry is asked for the worker's leases.
    mutating func asking() { questions += 1 }

    /// The registry has answered the last question.
    ///
    /// - Parameter listed: the leases that it says the worker has.
    /// - Returns: those that it has still although their release was over before: to be given back again.
    mutating func answered(_ listed: [TenantLease]) -> [TenantLease] {
        let overdue = listed.filter { lease in
            guard let entry = entries[lease.tenant], let ended = entry.endedAt else { return false }
            return lease.fence <= entry.fence && ended < questions
        }
        let kept = Set(overdue.map(\.tenant))
        entries = entries.filter { tenant, entry in
            guard let ended = entry.endedAt, ended < questions else { return true }
            return kept.contains(tenant)
        }
        return overdue
    }
}
