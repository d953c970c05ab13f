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
    /// Tries to lock the tables, two seconds each: vacuum makes way after one. A transaction of the service may last for 30 s
    /// (``PostgresConfiguration/unitLimit``), so whoever is inside after 40 s is somebody else; mostly the limit on the hold is
    /// shorter.
    private static let lockTries = 20

    func carryOver(_ record: TenantMoveRecord, _ desk: MoveDesk) async throws(StorageError) -> MoveReport {
        try await withSessions(record, desk) { sessions throws(StorageError) in
            let copy = try await self.copy(record, sessions)
            let limit = HoldLimit(length: self.options.holdLimit)
            let forecast = try await self.copyWhileServed(copy, record, sessions, desk)
            if let refusal = limit.refusal(forecast: forecast) {
                self.keepsCopy = true
                throw refusal
            }
            try await self.drain(record, desk)
            let began = self.loop.now
            try await self.within(limit, sessions, desk) { end async throws(StorageError) in
                try await self.hold(record, sessions, desk, until: end)
                try await self.copyWhileHeld(copy, sessions, until: end)
                try await self.switchOver(record, desk, until: end)
            }
            try await self.openTarget(record, sessions.target, desk)
            let held = began.duration(to: self.loop.now)
            // Nobody can get in any more; what is locked is about to be dropped.
            try await storing { () async throws(PostgresError) in try await sessions.source.rollback() }
            try await self.clear(record, desk)
            return MoveReport(source: record.source, target: record.target, rows: self.rows, held: held)
        }
    }

    /// Does what must be over in time. Whatever a session is at when the time is over is cancelled, so its tenant can be given
    /// its service back.
    private func within(
        _ limit: HoldLimit, _ sessions: MoveSessions, _ desk: MoveDesk,
        _ body: (MonotonicTime) async throws(StorageError) -> Void
    ) async throws(StorageError) {
        let end = loop.now.advanced(by: limit.length)
        let bound = [sessions.source, sessions.target, desk.session]
        for session in bound { session.deadline = end }
        defer { for session in bound { session.deadline = nil } }
        do throws(StorageError) {
            try await body(end)
        } catch {
            guard loop.now >= end || error.code == .deadlineExceeded, !options.stop.isRequested else { throw error }
            keepsCopy = true
            throw limit.passed(error)
        }
    }

    /// - Returns: how long the tenant will be held, going by the last pass and by a rehearsal of the foreign keys.
    private func copyWhileServed(
        _ copy: TenantCopy, _ record: TenantMoveRecord, _ sessions: MoveSessions, _ desk: MoveDesk
    ) async throws(StorageError) -> Duration {
        try await storing { () async throws(PostgresError) in try await copy.prepare(now: options.now()) }
        // Or a move that was taken back would leave a schema of which nobody knows.
        try await desk.confirm(record, in: record.source)
        try await storing { () async throws(PostgresError) in try await sessions.target.commit() }
        for pass in 1...Self.passes.upperBound {
            try checkStop()
            let made = try await storing { () async throws(PostgresError) in try await copy.level() }
            let isLast = made.rows <= Self.fewRows || pass == Self.passes.upperBound
            guard pass >= Self.passes.lowerBound, made.isSettled, isLast else { continue }
            try await storing { () async throws(PostgresError) in try await copy.analyze() }
            let finish = try await storing { () async throws(PostgresError) in try await copy.rehearseFinish() }
            return made.repeated + finish
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
    private func hold(
        _ record: TenantMoveRecord, _ sessions: MoveSessions, _ desk: MoveDesk, until end: MonotonicTime
    ) async throws(StorageError) {
        try checkStop()
        try await desk.change([desk.advance(from: .draining, to: .held)])
        tell(.held)
        var held = record
        held.stage = .held
        try await change([CopyStatements.shut(schema)], on: sessions.source, if: held, in: record.source, desk)
        for attempt in 1...Self.lockTries {
            try checkStop()
            do throws(PostgresError) {
                try await sessions.source.begin()
                try await sessions.source.run(HoldLimit.bound(loop.now.duration(to: end)))
                try await sessions.source.run(Query(CopyStatements.lockTimeout))
                try await sessions.source.run(Query(CopyStatements.lock(ArchivedTable.tenant, of: schema)))
                return
            } catch {
                guard error.mayPass, attempt < Self.lockTries else { throw StorageError(error) }
            }
            try await storing { () async throws(PostgresError) in try await sessions.source.rollback() }
        }
    }

    private func copyWhileHeld(
        _ copy: TenantCopy, _ sessions: MoveSessions, until end: MonotonicTime
    ) async throws(StorageError) {
        try await storing { () async throws(PostgresError) in
            try await copy.begin()
            try await sessions.target.run(HoldLimit.bound(loop.now.duration(to: end)))
            _ = try await copy.levelForGood()
            try await copy.finish()
            try await sessions.target.commit()
        }
    }

    private func switchOver(
        _ record: TenantMoveRecord, _ desk: MoveDesk, until end: MonotonicTime
    ) async throws(StorageError) {
        try await desk.change(
            [
                desk.advance(from: .held, to: .switched),
                Query(
                    MoveStatements.switchOver,
                    [
                        .text(tenant), .text(record.source.rawValue), .text(record.target.rawValue),
                        .int4(TenantSchema.version),
                    ]),
            ],
            after: [HoldLimit.bound(loop.now.duration(to: end))] + line("tenant.move", record, options.stamp()))
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
        try await change(
            [CopyStatements.guardCopy(schema), CopyStatements.unmark(schema), CopyStatements.open(schema)], on: target,
            if: switched, in: record.target, desk)
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
