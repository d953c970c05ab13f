package import Domain
internal import Postgres

/// A tenant that a worker works, and the number that tells this spell of work from all earlier ones.
package struct TenantLease: Sendable, Hashable {
    /// Which tenant.
    package let tenant: TenantID
    /// Greater than every fence that anybody had for this tenant before.
    package let fence: Int64
    /// Where the tenant's queue is.
    package let place: TenantPlace

    /// Describes a lease.
    init(tenant: TenantID, fence: Int64, place: TenantPlace = .main) {
        self.tenant = tenant
        self.fence = fence
        self.place = place
    }
}

/// What a worker learns from the registry each time it renews.
package struct WorkerTick: Sendable {
    /// Whether the worker still counts. If not, it must stop all work at once and join anew under another id: its
    /// tenants may be others' already.
    package let isAlive: Bool
    /// The tenants it works.
    package let leases: [TenantLease]
    /// How many workers there are, this one included.
    package let workers: Int64
    /// How many tenants there are to work.
    package let activeTenants: Int64
}

/// Tenants of which another process said that something is new.
package struct TenantSignals: Sendable, Hashable {
    /// There may be work in their queues.
    package let work: Set<TenantID>
    /// Their line in the registry, their keys or their portal keys have changed.
    package let credentials: Set<TenantID>
}

/// What was said last of a tenant's changed credentials: another word is never equal, whatever the clock of who said it.
package struct CredentialsWord: Sendable, Hashable {
    let at: Instant
    let count: Int64
}

extension RegistryStore {
    /// Announces a worker.
    ///
    /// - Parameters:
    ///   - worker: a fresh id, for this process and this spell.
    ///   - timeToLive: how long the worker counts without a tick, by the database's clock.
    package func joinWorker(_ worker: UUIDv7, timeToLive: Duration) async throws(StorageError) {
        let query = Query(WorkerStatements.join, [.uuid(worker), .int8(timeToLive.microseconds)])
        try await storing { () async throws(PostgresError) in _ = try await run([query]) }
    }

    /// Renews a worker, and with it all of its leases; removes workers that have expired; takes free tenants; tells the
    /// leases. To be called several times within the time to live.
    ///
    /// - Parameters:
    ///   - worker: who.
    ///   - timeToLive: how long the worker counts without another tick, by the database's clock.
    ///   - acquiring: the most free tenants that are taken.
    package func tick(
        worker: UUIDv7, timeToLive: Duration, acquiring: Int
    ) async throws(StorageError) -> WorkerTick {
        let queries = [
            Query(WorkerStatements.renew, [.uuid(worker), .int8(timeToLive.microseconds)]),
            Query(WorkerStatements.removeExpired),
            Query(WorkerStatements.acquire, [.uuid(worker), .int8(Int64(max(0, acquiring)))]),
            Query(WorkerStatements.leases, [.uuid(worker)]),
            Query(WorkerStatements.census),
        ]
        return try await storing { () async throws(PostgresError) in
            let results = try await run(queries)
            let leases = try results[3].read { row throws(PostgresError) in
                TenantLease(
                    tenant: try row.identifier(0), fence: try row.int8(1), place: try TenantPlace(row: row, from: 2))
            }
            guard let census = results[4].first else { throw PostgresError(.decoding, "a count returned no row") }
            return WorkerTick(
                isAlive: results[0].affectedRows == 1, leases: leases, workers: try census.int8(0),
                activeTenants: try census.int8(1))
        }
    }

    /// Gives tenants back, for others to take.
    package func release(_ tenants: [TenantID], worker: UUIDv7) async throws(StorageError) {
        let query = Query(
            WorkerStatements.release, [.uuid(worker), .textArray(tenants.map(\.rawValue).sorted())])
        try await storing { () async throws(PostgresError) in _ = try await run([query]) }
    }

    /// Ends a worker; its tenants are free at once.
    package func leaveWorker(_ worker: UUIDv7) async throws(StorageError) {
        try await storing { () async throws(PostgresError) in
            _ = try await run([Query(WorkerStatements.leave, [.uuid(worker)])])
        }
    }

    /// Tells other processes that something is new with these tenants. To be called after the commit, debounced. A
    /// signal that gets lost costs time only: owners look into their queues now and then all the same.
    package func signal(
        _ tenants: Set<TenantID>, work: Bool = false, credentials: Bool = false, now: Instant
    ) async throws(StorageError) {
        guard !tenants.isEmpty, work || credentials else { return }
        let query = Query(
            RegistryStatements.signal,
            [
                .textArray(tenants.map(\.rawValue).sorted()), work ? .timestamp(now) : .null,
                credentials ? .timestamp(now) : .null,
            ])
        try await storing { () async throws(PostgresError) in _ = try await run([query]) }
    }

    /// Tells the processes with the owner's login that a tenant misses the partitions of a month; they make them at once
    /// (``TenantAdministration/makeWantedMonths(now:waiting:failed:)``).
    package func wantMonths(of tenant: TenantID, now: Instant) async throws(StorageError) {
        let query = Query(RegistryStatements.wantMonths, [.text(tenant), .timestamp(now)])
        try await storing { () async throws(PostgresError) in _ = try await run([query]) }
    }

    /// The tenants of which another process said at or after a time that their credentials have changed, with what tells one
    /// word from the next. Callers ask from a little before their last question, since clocks differ, and know by that what they
    /// have heard before.
    package func changedCredentials(since time: Instant) async throws(StorageError) -> [TenantID: CredentialsWord] {
        try await storing { () async throws(PostgresError) in
            let query = Query(RegistryStatements.changedCredentials, [.timestamp(time)])
            let pairs = try (try await run([query]))[0].read { row throws(PostgresError) in
                (
                    try row.identifier(0, as: TenantID.self),
                    CredentialsWord(at: try row.instant(1), count: try row.int8(2))
                )
            }
            return Dictionary(pairs) { first, _ in first }
        }
    }

    /// The tenants that were signalled at or after a time. Callers ask from a little before their last question, since
    /// clocks differ; hearing a signal twice is harmless.
    package func signals(since time: Instant) async throws(StorageError) -> TenantSignals {
        try await storing { () async throws(PostgresError) in
            let results = try await run([Query(RegistryStatements.signals, [.timestamp(time)])])
            var work: Set<TenantID> = []
            var credentials: Set<TenantID> = []
            for row in results[0] {
                let tenant: TenantID = try row.identifier(0)
                if try row.bool(1) { work.insert(tenant) }
                if try row.bool(2) { credentials.insert(tenant) }
            }
            return TenantSignals(work: work, credentials: credentials)
        }
    }
}

extension Duration {
    /// The whole microseconds of it.
    fileprivate var microseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }
}
