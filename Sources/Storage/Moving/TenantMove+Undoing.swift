internal import Domain
internal import Postgres

// The way back.

extension TenantMove {
    /// Tries to drop a schema, a fifth of a second each, with pauses that grow to a second: half a minute in all.
    private static let dropTries = 30

    /// Gives the tenant its service back where it was. What was copied stays.
    func restore(_ record: TenantMoveRecord, _ desk: MoveDesk) async throws(StorageError) -> TenantMoveRecord {
        let source = try await session(record.source, desk)
        defer { source.close() }
        try await run(CopyStatements.open(schema), on: source)
        let isHeld = try await desk.record()?.movingTo != nil
        try await desk.change(
            [desk.advance(from: record.stage, to: .copying)]
                + (isHeld ? [Query(MoveStatements.letGo, [.text(tenant)])] : []),
            then: [desk.hint(now: options.now())])
        return TenantMoveRecord(tenant: record.tenant, source: record.source, target: record.target, stage: .copying)
    }

    /// Takes everything back.
    func undo(_ record: TenantMoveRecord, _ desk: MoveDesk) async throws(StorageError) {
        _ = try await restore(record, desk)
        do throws(StorageError) {
            try await removeSchema(from: record.target, desk)
        } catch {
            throw .moveRefused(
                "the tenant is served where it was, but its copy in \(record.target) could not be removed: run `carillon "
                    + "tenant move \(tenant) --abort` later (\(error))")
        }
        try await desk.change(
            [Query(MoveStatements.end, [.text(tenant)])], after: line("tenant.move_abort", record, options.stamp()))
    }

    /// Drops the tenant's schema in a database, and its role there unless another database of the same cluster needs it.
    func removeSchema(from database: DatabaseName, _ desk: MoveDesk) async throws(StorageError) {
        let session = try await session(database, desk)
        defer { session.close() }
        var length = Duration.milliseconds(50)
        for attempt in 1...Self.dropTries {
            do throws(PostgresError) {
                try await session.begin()
                try await session.run(Query(AdministrationStatements.shortLockTimeout))
                try await session.makeRoom(for: schema)
                try await session.commit()
                break
            } catch {
                guard error.code == .lockTimeout || error.code == .serialization, attempt < Self.dropTries else {
                    throw StorageError(error)
                }
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
