internal import CarillonGRPC
internal import CarillonNet
internal import Domain
internal import Storage

/// The owner's administration, reached from any loop: it lives on one of its own.
final class OwnerAccess: Sendable {
    private let loop: EventLoop
    private let administration: TenantAdministration
    private let months = SharedQuestions<WantedMonth, Void>()

    /// What is made once for all who miss it. Whoever comes when another month has begun does not take the last one's for its own.
    private struct WantedMonth: Hashable {
        let tenant: TenantID
        let month: Month

        init(_ tenant: TenantID, at now: Instant) {
            self.tenant = tenant
            month = Month(containing: now)
        }
    }

    init(_ owner: ServiceDependencies.Owner) {
        loop = owner.loop
        administration = owner.administration
    }

    /// Makes a tenant, or finds the one that the same request made.
    func createTenant(
        _ creation: TenantCreation, stamp: AuditStamp, now: Instant, until deadline: MonotonicTime
    ) async throws(Status) -> TenantCreationOutcome {
        let administration = administration
        return try await run(until: deadline) { () async throws(StorageError) in
            try await administration.createTenant(creation, stamp: stamp, now: now)
        }
    }

    /// Changes what an operator may change of a tenant that was just read.
    func updateTenant(
        _ record: TenantRecord, _ write: TenantWrite, stamp: AuditStamp, now: Instant, until deadline: MonotonicTime
    ) async throws(Status) -> TenantRecord {
        let administration = administration
        return try await run(until: deadline) { () async throws(StorageError) in
            try await administration.updateTenant(record, write, stamp: stamp, now: now)
        }
    }

    /// Changes whether a tenant that was just read is served.
    func turn(
        _ record: TenantRecord, to turn: TenantTurn, stamp: AuditStamp, now: Instant, until deadline: MonotonicTime
    ) async throws(Status) -> TenantRecord {
        let administration = administration
        return try await run(until: deadline) { () async throws(StorageError) in
            try await administration.turn(record, to: turn, stamp: stamp, now: now)
        }
    }

    /// Whether a tenant is being moved to another database.
    func isMoving(_ tenant: TenantID, until deadline: MonotonicTime) async throws(Status) -> Bool {
        let administration = administration
        return try await run(until: deadline) { () async throws(StorageError) in
            try await administration.move(of: tenant) != nil
        }
    }

    /// Begins to make the partitions of a tenant that was just made, and comes back at once. Whoever misses them meanwhile waits for
    /// the same work; should it fail, whoever misses them next begins it again.
    func beginFirstMonths(of tenant: TenantID, now: Instant) {
        let (loop, administration, months) = (loop, administration, months)
        loop.execute {
            loop.spawn {
                let wanted = WantedMonth(tenant, at: now)
                _ = try? await months.answer(to: wanted, on: loop) { _ async throws(StorageError) in
                    try await administration.makeFirstMonths(tenant: tenant, now: now)
                }
            }
        }
    }

    /// Makes the partitions that a tenant needs now. It is done once for all of the tenant's callers that miss them at the same
    /// time, on whatever loops, and goes on when they have gone.
    ///
    /// - Throws: DEADLINE_EXCEEDED when they were not made in time.
    func ensureMonths(of tenant: TenantID, now: Instant, until deadline: MonotonicTime) async throws(Status) {
        let (loop, administration, months) = (loop, administration, months)
        let result = await loop.run { () async -> Result<Void, Status> in
            do throws(Status) {
                return .success(
                    try await months.answer(to: WantedMonth(tenant, at: now), on: loop, until: deadline) {
                        _ async throws(StorageError) in
                        try await administration.ensureMonths(tenant: tenant, now: now)
                    })
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    private func run<Value: Sendable>(
        until deadline: MonotonicTime, _ body: @escaping @Sendable () async throws(StorageError) -> Value
    ) async throws(Status) -> Value {
        // `EventLoop.run` does not carry typed errors through.
        let result = await loop.run { () async -> Result<Value, StorageError> in
            do throws(StorageError) {
                return .success(try await CallDeadline.within(deadline, body))
            } catch {
                return .failure(error)
            }
        }
        return try await stored(until: nil) { () async throws(StorageError) in try result.get() }
    }
}
