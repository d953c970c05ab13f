package import CarillonNet
package import Postgres

/// The sessions of `carillon_owner` that work on one tenant: with the registry, and with the database that the tenant is in,
/// which may be the same.
package struct OwnerSessions: Sendable {
    /// With the registry's database.
    let registry: PostgresSession
    /// With the tenant's.
    let tenant: PostgresSession

    /// Sessions that stand.
    ///
    /// - Parameter tenant: nil when the tenant is in the registry's own database.
    package init(registry: PostgresSession, tenant: PostgresSession? = nil) {
        self.registry = registry
        self.tenant = tenant ?? registry
    }

    /// Opens sessions for a tenant. On the loop.
    ///
    /// - Parameters:
    ///   - configuration: how to log in to the registry's database.
    ///   - place: where the tenant is.
    ///   - deadline: until when everything must be done.
    package static func open(
        on loop: EventLoop, _ configuration: PostgresConfiguration, at place: TenantPlace, until deadline: MonotonicTime
    ) async throws(StorageError) -> OwnerSessions {
        try await storing { () async throws(PostgresError) in
            let registry = try await PostgresSession.open(on: loop, configuration: configuration, deadline: deadline)
            return try await OwnerSessions.add(place, to: registry, configuration)
        }
    }

    /// Opens sessions for a tenant that is to be put into a database. On the loop.
    ///
    /// - Returns: nil when there is no such database, or it takes no tenants.
    package static func open(
        on loop: EventLoop, _ configuration: PostgresConfiguration, into database: DatabaseName,
        until deadline: MonotonicTime
    ) async throws(StorageError) -> OwnerSessions? {
        try await storing { () async throws(PostgresError) in
            let registry = try await PostgresSession.open(on: loop, configuration: configuration, deadline: deadline)
            do throws(PostgresError) {
                let found = try await registry.run(Query(PlacementStatements.accepting, [.text(database.rawValue)]))
                let place = try found.readFirst { row throws(PostgresError) in try TenantPlace(row: row, from: 0) }
                if let place { return try await OwnerSessions.add(place, to: registry, configuration) }
            } catch {
                registry.close()
                throw error
            }
            registry.close()
            return nil
        }
    }

    private static func add(
        _ place: TenantPlace, to registry: PostgresSession, _ configuration: PostgresConfiguration
    ) async throws(PostgresError) -> OwnerSessions {
        guard !place.connection.isEmpty else { return OwnerSessions(registry: registry) }
        do throws(PostgresError) {
            var elsewhere = configuration
            elsewhere.connectionInfo = try ConnectionDifferences(place.connection)
                .applied(to: configuration.connectionInfo)
            let tenant = try await PostgresSession.open(
                on: registry.loop, configuration: elsewhere, deadline: registry.deadline)
            return OwnerSessions(registry: registry, tenant: tenant)
        } catch {
            registry.close()
            throw error
        }
    }

    /// The different ones of the two, the registry's first.
    var all: [PostgresSession] { tenant === registry ? [registry] : [registry, tenant] }

    /// The one that a table is reached by.
    func session(for table: ArchivedTable) -> PostgresSession { table.isOfRegistry ? registry : tenant }

    /// Ends them; what is open is undone.
    package func close() {
        for session in all { session.close() }
    }
}
