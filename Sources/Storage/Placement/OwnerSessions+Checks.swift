package import CarillonNet
package import Postgres

extension OwnerSessions {
    /// Runs the superuser's bootstrap in a database. On the loop.
    ///
    /// - Parameter superuser: a connection string of a superuser.
    package static func bootstrap(_ superuser: String, on loop: EventLoop) async throws(StorageError) {
        try await within(PostgresConfiguration(connectionInfo: superuser), on: loop) {
            session throws(PostgresError) in
            try await session.begin()
            for statement in Bootstrap.statements { try await session.run(Query(statement)) }
            try await session.commit()
        }
    }

    /// Looks whether the owner can make schemas in a database. On the loop.
    ///
    /// - Parameters:
    ///   - differences: where it is.
    ///   - owner: the owner's connection string for the registry.
    /// - Throws: ``StorageError/Code/notReady`` if it may not.
    package static func checkOwner(
        _ differences: ConnectionDifferences, of owner: String, on loop: EventLoop
    ) async throws(StorageError) {
        let info = try await storing { () async throws(PostgresError) in try differences.applied(to: owner) }
        let mayMake = try await within(PostgresConfiguration(connectionInfo: info), on: loop) {
            session throws(PostgresError) in
            try await session.run(Query(PlacementStatements.ownerMayMake)).readFirst { row throws(PostgresError) in
                try row.bool(0)
            }
        }
        guard mayMake == true else {
            throw StorageError(
                .notReady, "the owner may not make schemas and roles there: let a superuser run the bootstrap script")
        }
    }

    private static func within<Value>(
        _ configuration: PostgresConfiguration, on loop: EventLoop,
        _ body: (PostgresSession) async throws(PostgresError) -> Value
    ) async throws(StorageError) -> Value {
        try await storing { () async throws(PostgresError) in
            let session = try await PostgresSession.open(on: loop, configuration: configuration)
            defer { session.close() }
            return try await body(session)
        }
    }
}
