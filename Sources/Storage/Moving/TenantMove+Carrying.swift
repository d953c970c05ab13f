internal import CarillonNet
internal import Domain
internal import Postgres

// The way from one place to the other.

extension TenantMove {
    /// Passes over all rows while the tenant is served, at least and at most; what is left by the last one is copied while it is
    /// held.
    private static let passes = 2...8
    /// So few rows are copied in no time.
    private static let fewRows: Int64 = 20_000
    /// Tries to lock the tables, two seconds each: vacuum makes way after one, and no transaction of the service lasts longer.
    private static let lockTries = 6

    func carryOver(_ record: TenantMoveRecord, _ desk: MoveDesk) async throws(StorageError) -> MoveReport {
        try await withSessions(record, desk) { sessions throws(StorageError) in
            let copy = try await self.copy(record, sessions)
            try await self.copyWhileServed(copy)
            try await self.drain(record, desk)
            let began = self.loop.now
            try await self.hold(sessions, desk)
            try await self.copyWhileHeld(copy, sessions)
            try await self.switchOver(record, desk)
            try await self.openTarget(record, sessions.target, desk)
            let held = began.duration(to: self.loop.now)
            // Nobody can get in any more; what is locked is about to be dropped.
            try await storing { () async throws(PostgresError) in try await sessions.source.rollback() }
            try await self.clear(record, desk)
            return MoveReport(source: record.source, target: record.target, rows: self.rows, held: held)
        }
    }

    private func copyWhileServed(_ copy: TenantCopy) async throws(StorageError) {
        try await storing { () async throws(PostgresError) in try await copy.prepare(now: options.now()) }
        for pass in 1...Self.passes.upperBound {
            try checkStop()
            let (rows, isSettled) = try await storing { () async throws(PostgresError) in try await copy.level() }
            if pass >= Self.passes.lowerBound, isSettled, rows <= Self.fewRows || pass == Self.passes.upperBound {
                return try await storing { () async throws(PostgresError) in try await copy.analyze() }
            }
        }
        throw .moveRefused("the tenant's history changes faster than it can be copied")
    }

    /// Lets the workers finish what they hold.
    private func drain(_ record: TenantMoveRecord, _ desk: MoveDesk) async throws(StorageError) {
        try await desk.change(
            [
                desk.advance(from: .copying, to: .draining),
                Query(MoveStatements.hold, [.text(tenant), .text(record.target.rawValue)]),
            ], then: [RegistryStore.credentialsChanged(tenant, now: options.now())])
        tell(.draining)
        let end = loop.now.advanced(by: options.drainTime)
        while try await desk.isWorked() {
            try checkStop()
            guard loop.now < end else {
                throw .moveRefused(
                    "a worker has not given the tenant back within \(options.drainTime.components.seconds) s: try again"
                )
            }
            try await pause(.milliseconds(50))
        }
    }

    /// Shuts everybody out of the original, and waits for those that are inside.
    private func hold(_ sessions: MoveSessions, _ desk: MoveDesk) async throws(StorageError) {
        try checkStop()
        try await desk.change([desk.advance(from: .draining, to: .held)])
        tell(.held)
        try await run(CopyStatements.shut(schema), on: sessions.source)
        for attempt in 1...Self.lockTries {
            try checkStop()
            do throws(PostgresError) {
                try await sessions.source.begin()
                try await sessions.source.run(Query(CopyStatements.lockTimeout))
                try await sessions.source.run(Query(CopyStatements.lock(ArchivedTable.tenant, of: schema)))
                return
            } catch {
                guard error.code == .lockTimeout || error.code == .serialization, attempt < Self.lockTries else {
                    throw StorageError(error)
                }
            }
            try await storing { () async throws(PostgresError) in try await sessions.source.rollback() }
        }
    }

    private func copyWhileHeld(_ copy: TenantCopy, _ sessions: MoveSessions) async throws(StorageError) {
        try await storing { () async throws(PostgresError) in
            try await sessions.target.begin()
            _ = try await copy.levelForGood()
            try await copy.finish()
            try await sessions.target.commit()
        }
    }

    private func switchOver(_ record: TenantMoveRecord, _ desk: MoveDesk) async throws(StorageError) {
        try await desk.change(
            [
                desk.advance(from: .held, to: .switched),
                Query(
                    MoveStatements.switchOver,
                    [
                        .text(tenant), .text(record.source.rawValue), .text(record.target.rawValue),
                        .int4(TenantSchema.version),
                    ]),
            ], after: line("tenant.move", record, options.stamp()))
        tell(.switched)
    }

    /// Lets the tenant in at its new place.
    func openTarget(_ record: TenantMoveRecord, _ desk: MoveDesk) async throws(StorageError) {
        let target = try await session(record.target, desk)
        defer { target.close() }
        try await openTarget(record, target, desk)
    }

    private func openTarget(
        _ record: TenantMoveRecord, _ target: PostgresSession, _ desk: MoveDesk
    ) async throws(StorageError) {
        var switched = record
        switched.stage = .switched
        try await desk.confirm(switched, in: record.target)
        try await storing { () async throws(PostgresError) in
            try await target.begin()
            try await target.run(Query(CopyStatements.unmark(schema)))
            try await target.run(Query(CopyStatements.open(schema)))
            try await target.commit()
        }
        try await desk.change(
            [desk.advance(from: .switched, to: .opened), Query(MoveStatements.letGo, [.text(tenant)])],
            then: [desk.hint(now: options.now())])
        tell(.opened)
    }

    /// Removes what is left at the source, and ends the move.
    func clear(_ record: TenantMoveRecord, _ desk: MoveDesk) async throws(StorageError) {
        var opened = record
        opened.stage = .opened
        do throws(StorageError) {
            try await removeSource(opened, desk)
        } catch {
            throw .moveRefused(
                "the tenant is served from \(record.target), but what it left in \(record.source) could not be removed: run "
                    + "the same command again (\(error))")
        }
        try await desk.change([Query(MoveStatements.end, [.text(tenant)])])
    }
}
