internal import Domain
internal import Postgres

/// The registry, as a move reads and writes it.
///
/// Confined to its session's loop, and safe as `@unchecked Sendable` for that reason.
final class MoveDesk: @unchecked Sendable {
    let tenant: TenantID
    let session: PostgresSession
    /// The session that holds the table of moves for this run (``MoveStatements/guardMoves``).
    private let holder: PostgresSession

    init(tenant: TenantID, session: PostgresSession, holder: PostgresSession) {
        self.tenant = tenant
        self.session = session
        self.holder = holder
    }

    /// The tenant's record; nil if there is no such tenant.
    func record() async throws(StorageError) -> TenantRecord? {
        try await storing { () async throws(PostgresError) in
            try await session.run(Query(RegistryStatements.tenant, [.text(tenant)])).readFirst(TenantRecord.init(row:))
        }
    }

    /// The move that the tenant is in.
    func move() async throws(StorageError) -> TenantMoveRecord? {
        try await storing { () async throws(PostgresError) in
            try await session.run(Query(MoveStatements.move, [.text(tenant)])).readFirst(TenantMoveRecord.init(row:))
        }
    }

    /// Where a database is; nil if the registry does not name it.
    func place(of database: DatabaseName) async throws(StorageError) -> TenantPlace? {
        try await storing { () async throws(PostgresError) in
            try await session.run(Query(PlacementStatements.database, [.text(database.rawValue)])).readFirst {
                row throws(PostgresError) in try TenantPlace(row: row, from: 0)
            }
        }
    }

    /// Whether a database takes tenants.
    func accepts(_ database: DatabaseName) async throws(StorageError) -> Bool {
        try await storing { () async throws(PostgresError) in
            try await session.run(Query(PlacementStatements.accepting, [.text(database.rawValue)])).first != nil
        }
    }

    /// Whether a worker works the tenant.
    func isWorked() async throws(StorageError) -> Bool {
        try await storing { () async throws(PostgresError) in
            try await session.run(Query(WorkerStatements.isWorked, [.text(tenant)])).readFirst {
                row throws(PostgresError) in try row.bool(0)
            } ?? false
        }
    }

    /// Makes sure of what is being done outside of the registry: this run has the move, which is as it was read, and the tenant
    /// lives where it is thought to live. Asked before a commit, behind a change that the next run has to wait for.
    ///
    /// - Throws: ``StorageError/Code/moveRefused`` when that is not so.
    func confirm(_ expected: TenantMoveRecord, in home: DatabaseName) async throws(StorageError) {
        guard try await move() == expected, try await record()?.database == home else { throw Self.changed }
        try await storing { () async throws(PostgresError) in try await checkHolder() }
    }

    private static let changed = StorageError.moveRefused("the tenant or its move has changed meanwhile: try again")

    /// Whoever takes the move over does so behind this.
    private func checkHolder() async throws(PostgresError) {
        try await holder.run(Query(MoveStatements.stillThere))
    }

    /// Changes the registry in one transaction, as long as no other run has taken the move over: that is asked behind the
    /// changes, whose rows another run has to wait for from then on.
    ///
    /// - Parameters:
    ///   - changes: each must concern one row, or nothing is changed.
    ///   - further: what is run before them, such as a line of the audit.
    ///   - hints: what is run behind them.
    /// - Throws: ``StorageError/Code/moveRefused`` when the tenant or its move is not as it was thought to be.
    func change(
        _ changes: [Query], after further: [Query] = [], then hints: [Query] = []
    ) async throws(StorageError) {
        let isAsExpected = try await storing { () async throws(PostgresError) in
            try await session.begin()
            for query in further { try await session.run(query) }
            for query in changes where try await session.run(query).affectedRows != 1 {
                try await session.rollback()
                return false
            }
            for query in hints { try await session.run(query) }
            try await checkHolder()
            try await session.commit()
            return true
        }
        guard isAsExpected else { throw Self.changed }
    }

    /// The query that takes the move from one stage to another.
    func advance(from stage: MoveStage, to next: MoveStage) -> Query {
        Query(MoveStatements.advance, [.text(tenant), .text(stage.rawValue), .text(next.rawValue)])
    }

    /// The query that lets all processes hear that the tenant is served again, and may be worked.
    func hint(now: Instant) -> Query {
        Query(RegistryStatements.signal, [.textArray([tenant.rawValue]), .timestamp(now), .timestamp(now)])
    }
}
