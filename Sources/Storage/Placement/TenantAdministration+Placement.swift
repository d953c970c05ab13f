package import Domain
internal import Postgres

extension TenantAdministration {
    /// Makes a tenant in another database than the registry's.
    ///
    /// The registry's line is written first and committed last, as in an import (``TenantImport``): nobody else can make a
    /// tenant of the id meanwhile, and what a failed commit leaves is a schema that no line names.
    ///
    /// - Parameters:
    ///   - creation: what shall be.
    ///   - stamp: who makes it.
    ///   - now: the time of making.
    ///   - sessions: with the registry and the tenant's database; closed by the caller.
    /// - Throws: ``StorageError/Code/idReserved`` if a tenant of that id was just erased.
    package static func createTenant(
        _ creation: TenantCreation, stamp: AuditStamp, now: Instant, sessions: OwnerSessions
    ) async throws(StorageError) -> TenantRecord {
        do throws(PostgresError) {
            for session in sessions.all { try await session.begin() }
            let (line, schema) = Self.queries(creation, stamp: stamp, now: now)
            let inserted = try await sessions.registry.run(line[0])
            for query in line.dropFirst() { try await sessions.registry.run(query) }
            try await sessions.tenant.makeRoom(for: SchemaName(creation.id))
            for query in schema { try await sessions.tenant.run(query) }
            guard let record = try inserted.readFirst(TenantRecord.init(row:)) else {
                throw PostgresError(.decoding, "an insert returned no row")
            }
            for session in sessions.all.reversed() { try await session.commit() }
            return record
        } catch {
            throw StorageError(making: error)
        }
    }

    /// Where a tenant is; the registry's own database if there is no such tenant.
    func place(of tenant: TenantID) async throws(PostgresError) -> TenantPlace {
        let results = try await run([Query(PlacementStatements.place, [.text(tenant)])])
        return try results[0].readFirst { row throws(PostgresError) in try TenantPlace(row: row, from: 0) } ?? .main
    }
}

extension PostgresSession {
    /// Removes a schema that was left behind when a commit of the registry failed. The caller holds the registry's line of the
    /// tenant, so none names it.
    func makeRoom(for schema: SchemaName) async throws(PostgresError) {
        let found = try await run(Query(ArchiveStatements.schemaExists, [.text(schema.text)]))
        guard try found.readFirst({ row throws(PostgresError) in try row.bool(0) }) == true else { return }
        try await run(Query(PlacementStatements.dropSchema(schema)))
    }
}

extension TenantPlace {
    /// Reads two columns: the database's name and its connection.
    init(row: Row, from column: Int) throws(PostgresError) {
        guard let database = DatabaseName(try row.text(column)) else { throw .corrupt(column) }
        self.init(database: database, connection: try row.text(column + 1))
    }
}
