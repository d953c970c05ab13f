internal import CarillonNet
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

    /// Changes the registry in one transaction, as long as no other run has taken the move over.
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
            try await holder.run(Query(MoveStatements.stillThere))
            try await session.begin()
            for query in further { try await session.run(query) }
            for query in changes where try await session.run(query).affectedRows != 1 {
                try await session.rollback()
                return false
            }
            for query in hints { try await session.run(query) }
            try await session.commit()
            return true
        }
        guard isAsExpected else { throw .moveRefused("the tenant or its move has changed meanwhile: try again") }
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

/// The sessions with both places of a move.
struct MoveSessions: Sendable {
    let source: PostgresSession
    let target: PostgresSession

    func close() {
        source.close()
        target.close()
    }
}

extension TenantMove {
    /// How often the table of moves is tried for: vacuum may be at it for a moment.
    private static let guardTries = 10

    /// Runs work as the only move of the installation.
    func guarded<Value>(
        _ body: (MoveDesk) async throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        let holder = try await session(at: .main)
        defer { holder.close() }
        try await takeGuard(holder)
        self.holder = holder
        defer { self.holder = nil }
        return try await withDesk(body)
    }

    private func takeGuard(_ holder: PostgresSession) async throws(StorageError) {
        for attempt in 1...Self.guardTries {
            do throws(PostgresError) {
                try await holder.begin()
                try await holder.run(Query(MoveStatements.guardMoves))
                return
            } catch {
                guard error.code == .lockTimeout else { throw StorageError(error) }
                guard attempt < Self.guardTries else {
                    throw .moveRefused("a tenant is being moved by another program; one is moved at a time")
                }
            }
            try await storing { () async throws(PostgresError) in try await holder.rollback() }
            try await pause(.milliseconds(100))
        }
    }

    /// Runs work with a fresh session with the registry.
    func withDesk<Value>(
        _ body: (MoveDesk) async throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        guard let holder else { preconditionFailure("a move works under its guard") }
        let session = try await session(at: .main)
        defer { session.close() }
        return try await body(MoveDesk(tenant: tenant, session: session, holder: holder))
    }

    /// Runs work with sessions with both places.
    func withSessions<Value>(
        _ record: TenantMoveRecord, _ desk: MoveDesk, _ body: (MoveSessions) async throws(StorageError) -> Value
    ) async throws(StorageError) -> Value {
        let source = try await session(record.source, desk)
        defer { source.close() }
        let target = try await session(record.target, desk)
        defer { target.close() }
        return try await body(MoveSessions(source: source, target: target))
    }

    /// Opens a session with a database that the registry names; closed by the caller.
    func session(_ database: DatabaseName, _ desk: MoveDesk) async throws(StorageError) -> PostgresSession {
        guard let place = try await desk.place(of: database) else {
            throw .moveRefused("there is no database \(database)")
        }
        return try await session(at: place)
    }

    private func session(at place: TenantPlace) async throws(StorageError) -> PostgresSession {
        try await storing { () async throws(PostgresError) in
            var configuration = configuration
            configuration.connectionInfo = try ConnectionDifferences(place.connection)
                .applied(to: configuration.connectionInfo)
            return try await PostgresSession.open(on: loop, configuration: configuration)
        }
    }

    /// Runs a statement that returns nothing.
    func run(_ statement: Statement, on session: PostgresSession) async throws(StorageError) {
        _ = try await storing { () async throws(PostgresError) in try await session.run(Query(statement)) }
    }

    func pause(_ duration: Duration) async throws(StorageError) {
        do {
            try await loop.sleep(for: duration)
        } catch {
            throw StorageError(.deadlineExceeded, "the move was cancelled")
        }
    }
}
