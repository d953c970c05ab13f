internal import CarillonNet
internal import Domain
internal import Postgres

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

    /// The move that the tenant is in, whoever is at it.
    func registered() async throws(StorageError) -> TenantMoveRecord? {
        let session = try await session(at: .main)
        defer { session.close() }
        return try await MoveDesk(tenant: tenant, session: session, holder: session).move()
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

    /// Lets the tenant's role into its schema, or shuts it out, if the move is as expected and this run has it.
    ///
    /// That is asked behind the statements. From then on their transaction has the schema's row, which every run that takes the
    /// move over changes as well, before it goes by it: so it waits for this one's end, and no word of an overtaken run can come
    /// true behind its own.
    func change(
        _ statements: [Statement], on session: PostgresSession, if expected: TenantMoveRecord, in home: DatabaseName,
        _ desk: MoveDesk
    ) async throws(StorageError) {
        try await storing { () async throws(PostgresError) in
            try await session.begin()
            for statement in statements { try await session.run(Query(statement)) }
        }
        try await desk.confirm(expected, in: home)
        try await storing { () async throws(PostgresError) in try await session.commit() }
    }

    func pause(_ duration: Duration) async throws(StorageError) {
        do {
            try await loop.sleep(for: duration)
        } catch {
            throw StorageError(.deadlineExceeded, "the move was cancelled")
        }
    }
}
