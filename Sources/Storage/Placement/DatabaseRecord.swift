package import Domain
package import Postgres

/// A database that tenants live in, as the registry names it.
package struct DatabaseRecord: Sendable, Hashable {
    /// Its name.
    package let name: DatabaseName
    /// Where it is: what differs from the connection string of the registry's own database.
    package let connection: String
    /// Whether new tenants may be put there.
    package let acceptsTenants: Bool
    /// How many tenants are there.
    package let tenants: Int64

    /// Where its tenants are.
    package var place: TenantPlace { TenantPlace(database: name, connection: connection) }
}

/// What became of naming a database.
package enum DatabaseNaming: Sendable, Hashable {
    case named
    /// It has this name and place already.
    case same
    /// Another database has the name.
    case taken
}

extension TenantAdministration {
    /// All databases in the order of their names.
    package func databases() async throws(StorageError) -> [DatabaseRecord] {
        try await storing { () async throws(PostgresError) in
            try (try await run([Query(PlacementStatements.databases)]))[0].read(DatabaseRecord.init(row:))
        }
    }

    /// Names a database. It is checked by the caller (``RegistryStore/verifyBootstrap()``).
    ///
    /// - Parameters:
    ///   - name: its name.
    ///   - connection: what differs from the registry's own.
    ///   - stamp: who names it.
    ///   - now: the time.
    package func addDatabase(
        _ name: DatabaseName, connection: ConnectionDifferences, stamp: AuditStamp, now: Instant
    ) async throws(StorageError) -> DatabaseNaming {
        let line = RegistryAudit.queries(
            PlacementStatements.auditAddition, [.text(name.rawValue), .text(connection.text)], chain: nil, stamp: stamp)
        let addition = Query(
            PlacementStatements.addDatabase, [.text(name.rawValue), .text(connection.text), .timestamp(now)])
        let reading = Query(PlacementStatements.database, [.text(name.rawValue)])
        return try await storing { () async throws(PostgresError) in
            let results = try await run(line + [addition, reading])
            if results[line.count].affectedRows == 1 { return .named }
            let stored = try results[line.count + 1].readFirst { row throws(PostgresError) in try row.text(1) }
            return stored == connection.text ? .same : .taken
        }
    }

    /// Says whether new tenants may be put into a database. Those that are there stay.
    ///
    /// - Returns: false if there is no such database.
    package func setAccepts(
        _ accepts: Bool, database name: DatabaseName, stamp: AuditStamp
    ) async throws(StorageError) -> Bool {
        let line = RegistryAudit.queries(
            PlacementStatements.auditAcceptance, [.text(name.rawValue), .bool(accepts)], chain: nil, stamp: stamp)
        let change = Query(PlacementStatements.setAcceptance, [.text(name.rawValue), .bool(accepts)])
        return try await storing { () async throws(PostgresError) in
            try await run(line + [change])[line.count].affectedRows == 1
        }
    }
}

extension DatabaseRecord {
    /// Reads ``PlacementStatements/databases``.
    fileprivate init(row: Row) throws(PostgresError) {
        guard let name = DatabaseName(try row.text(0)) else { throw .corrupt(0) }
        self.name = name
        connection = try row.text(1)
        acceptsTenants = try row.bool(2)
        tenants = try row.int8(3)
    }
}
