internal import Domain
internal import Postgres

// What is looked at before a move begins.

extension TenantMove {
    /// Finds the move that the tenant is in, or begins one.
    func open(_ target: DatabaseName, _ desk: MoveDesk) async throws(StorageError) -> TenantMoveRecord {
        guard let tenant = try await desk.record() else { throw .moveRefused("there is no tenant \(self.tenant)") }
        if let move = try await desk.move() {
            guard move.target == target else {
                throw .moveRefused("the tenant is being moved to \(move.target), and not to \(target)")
            }
            return move
        }
        try check(tenant, target)
        guard let place = try await desk.place(of: target) else {
            throw .moveRefused("there is no database \(target)")
        }
        guard try await desk.accepts(target) else {
            throw .moveRefused("\(target) takes no tenants: see `carillon database open`")
        }
        let stamp = options.stamp()
        let move = TenantMoveRecord(
            tenant: self.tenant, id: stamp.id, source: tenant.database, target: place.database, stage: .copying)
        try await withSessions(move, desk) { sessions throws(StorageError) in try await check(sessions, target) }
        try await desk.change(
            [
                Query(
                    MoveStatements.claim,
                    [.text(self.tenant), .text(move.source.rawValue), .int4(TenantSchema.version)]),
                Query(
                    MoveStatements.begin,
                    [
                        .text(self.tenant), .text(move.source.rawValue), .text(move.target.rawValue),
                        .text(move.stage.rawValue), .text(stamp.actor), .timestamp(options.now()), .uuid(move.id),
                    ]),
            ], after: line("tenant.move_begin", move, stamp))
        return move
    }

    private func check(_ tenant: TenantRecord, _ target: DatabaseName) throws(StorageError) {
        guard tenant.state != .deleting else { throw .moveRefused("the tenant is to be erased") }
        guard tenant.database != target else { throw .moveRefused("the tenant lives in \(target) already") }
        guard tenant.schemaVersion == TenantSchema.version else {
            throw .moveRefused(
                "the tenant's schema has version \(tenant.schemaVersion), and this program moves \(TenantSchema.version): "
                    + "run `carillon migrate`")
        }
    }

    /// What has the tenant's name at the target is not ours to remove; least of all when both names mean one database.
    private func check(_ sessions: MoveSessions, _ target: DatabaseName) async throws(StorageError) {
        let (isSame, isTaken) = try await storing { () async throws(PostgresError) in
            let own = try await sessions.source.run(Query(MoveStatements.ownSession)).readFirst {
                row throws(PostgresError) in (try row.int4(0), try row.text(1))
            }
            guard let own else { throw PostgresError(.decoding, "a session does not see itself") }
            let here = try await sessions.target.run(Query(MoveStatements.isHere, [.int4(own.0), .text(own.1)]))
            let schema = try await sessions.target.run(
                Query(ArchiveStatements.schemaExists, [.text(self.schema.text)]))
            return (
                try here.readFirst { row throws(PostgresError) in try row.bool(0) } ?? false,
                try schema.readFirst { row throws(PostgresError) in try row.bool(0) } ?? false
            )
        }
        guard !isSame else { throw .moveRefused("\(target) is another name of the database that the tenant is in") }
        guard !isTaken else {
            throw .moveRefused("\(target) has a schema \(schema) of which the registry knows nothing: remove it first")
        }
    }

    /// The queries of a line in the tenant's audit.
    func line(_ action: String, _ move: TenantMoveRecord, _ stamp: AuditStamp) -> [Query] {
        RegistryAudit.queries(
            chain: tenant, stamp: stamp, action: action, object: "tenant/\(tenant)", before: Self.audited(move.source),
            after: Self.audited(move.target))
    }

    private static func audited(_ database: DatabaseName) -> String {
        var writer = JSONWriter()
        writer.object {
            $0.key("database")
            $0.string(database.rawValue)
        }
        return writer.text
    }
}
