internal import Domain
internal import Postgres

// The way back.

extension TenantMove {
    /// Tries to drop a schema, a fifth of a second each, with pauses that grow to a second: half a minute in all.
    private static let dropTries = 30

    /// Gives the tenant its service back where it was. What was copied stays.
    ///
    /// The registry is changed first: that waits for a change of an earlier run that hangs, and lets none come later. Only then
    /// is it known that the tenant lives at the source, which is opened before its calls are let in.
    func restore(_ record: TenantMoveRecord, _ desk: MoveDesk) async throws(StorageError) -> TenantMoveRecord {
        var record = record
        try await desk.change([desk.advance(from: record.stage, to: .restoring)])
        record.stage = .restoring
        tell(.restoring)
        let source = try await session(record.source, desk)
        defer { source.close() }
        let isHeld = try await desk.record()?.movingTo != nil
        try await change([CopyStatements.open(schema)], on: source, if: record, in: record.source, desk)
        try await desk.change(
            [desk.advance(from: .restoring, to: .copying)]
                + (isHeld ? [Query(MoveStatements.letGo, [.text(tenant)])] : []),
            then: [desk.hint(now: options.now())])
        record.stage = .copying
        return record
    }

    /// Ends a move of a tenant that is served where it was.
    func discard(_ record: TenantMoveRecord, _ desk: MoveDesk) async throws(StorageError) {
        do throws(StorageError) {
            try await removeCopy(record, desk)
        } catch {
            throw .moveRefused(
                "the tenant is served where it was, but its copy in \(record.target) could not be removed: run `carillon "
                    + "tenant move \(tenant) --abort` later (\(error))")
        }
        try await desk.change(
            [Query(MoveStatements.end, [.text(tenant)])], after: line("tenant.move_abort", record, options.stamp()))
    }

    /// Drops the copy at the target, if it is this move's.
    private func removeCopy(_ record: TenantMoveRecord, _ desk: MoveDesk) async throws(StorageError) {
        try await removeSchema(from: record.target, desk) { session async throws(StorageError) in
            try await desk.confirm(record, in: record.source)
            let mark = try await storing { () async throws(PostgresError) in try await session.mark(of: self.schema) }
            guard mark == nil || mark == record.mark else {
                throw .moveRefused("the schema \(self.schema) in \(record.target) is not the copy of this move")
            }
        }
    }

    /// Drops what is left at the source.
    func removeSource(_ record: TenantMoveRecord, _ desk: MoveDesk) async throws(StorageError) {
        try await removeSchema(from: record.source, desk) { _ async throws(StorageError) in
            try await desk.confirm(record, in: record.target)
        }
    }

    /// Drops the tenant's schema in a database, and its role there unless another database of the same cluster needs it.
    ///
    /// - Parameter check: asked before each try, and once more before what was dropped is gone: another run may have come
    ///   further meanwhile.
    private func removeSchema(
        from database: DatabaseName, _ desk: MoveDesk,
        _ check: (PostgresSession) async throws(StorageError) -> Void
    ) async throws(StorageError) {
        let session = try await session(database, desk)
        defer { session.close() }
        var length = Duration.milliseconds(50)
        for attempt in 1...Self.dropTries {
            do throws(StorageError) {
                try await storing { () async throws(PostgresError) in
                    try await session.begin()
                    try await session.run(Query(AdministrationStatements.shortLockTimeout))
                }
                try await check(session)
                try await storing { () async throws(PostgresError) in try await session.makeRoom(for: schema) }
                try await check(session)
                try await storing { () async throws(PostgresError) in try await session.commit() }
                break
            } catch {
                guard error.cause?.mayPass == true, attempt < Self.dropTries else { throw error }
            }
            try await storing { () async throws(PostgresError) in try await session.rollback() }
            try await pause(length)
            length = min(length * 2, .seconds(1))
        }
        do throws(PostgresError) {
            try await session.run(Query(PlacementStatements.dropRole(schema)))
        } catch {
            // 2BP01, dependent_objects_still_exist: databases of one cluster share their roles.
            guard error.sqlState == "2BP01" else { throw StorageError(error) }
        }
    }
}

extension PostgresError {
    /// Whether the same may work in a moment, on the same session: somebody is in the way, or the server is short of something.
    var mayPass: Bool {
        switch code {
        case .lockTimeout, .serialization, .resourcesExhausted, .diskFull: true
        default: false
        }
    }
}
