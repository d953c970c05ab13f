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

    /// Opens a session with the registry's database. On the loop.
    ///
    /// - Parameter deadline: until when everything must be done.
    package static func open(
        on loop: EventLoop, _ configuration: PostgresConfiguration, until deadline: MonotonicTime
    ) async throws(StorageError) -> OwnerSessions {
        try await storing { () async throws(PostgresError) in
            OwnerSessions(
                registry: try await PostgresSession.open(on: loop, configuration: configuration, deadline: deadline))
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
