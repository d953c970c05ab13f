package import Postgres

/// Brings a database to the version of this program: the registry, then every tenant.
///
/// Each step is a transaction that may be repeated, and the last one of a version records it, so that a run may be broken
/// off at any moment, by whatever means, and begun again. Several may run at once: they wait for each other at each tenant,
/// and whoever comes second finds it done.
///
/// Confined to the loop of its pools, on which every method must be called.
package final class Migrator: @unchecked Sendable {
    /// What a migration is told.
    package struct Options: Sendable {
        /// How many tenants are migrated at once: 1 to 16. The pools should have a connection more, and one unit at a time
        /// on each.
        package var parallel = 4
        /// How long programs that the schema serves no more have to notice, before it is contracted.
        package var notice: Duration = .seconds(10)
        /// A source of numbers in 0..<1, for the pauses.
        package var randomness: @Sendable () -> Double = { Double.random(in: 0..<1) }
        /// Hears how far it is. Called on the loop.
        package var onEvent: @Sendable (MigrationEvent) -> Void = { _ in }

        /// The usual options.
        package init() {}
    }

    let registry: PostgresPool
    let place: @Sendable (DatabaseName) -> PostgresPool?
    let pause: TenantAdministration.Pause
    let options: Options
    let stop: StopRequest
    let registryHistory: SchemaHistory
    let tenantHistory: SchemaHistory

    /// A migrator over pools that log in as `carillon_owner`.
    ///
    /// - Parameters:
    ///   - registry: the pool of the registry's own database.
    ///   - place: the pool of any other database that tenants live in; nil for one that is not known.
    ///   - options: how it goes about it.
    ///   - stop: asked between transactions.
    ///   - pause: waits between tries.
    package convenience init(
        registry: PostgresPool, place: @escaping @Sendable (DatabaseName) -> PostgresPool? = { _ in nil },
        options: Options = Options(), stop: StopRequest = StopRequest(),
        pause: @escaping TenantAdministration.Pause
    ) {
        self.init(
            registry: registry, place: place, options: options, stop: stop, pause: pause,
            histories: (.registry, .tenant))
    }

    init(
        registry: PostgresPool, place: @escaping @Sendable (DatabaseName) -> PostgresPool? = { _ in nil },
        options: Options = Options(), stop: StopRequest = StopRequest(),
        pause: @escaping TenantAdministration.Pause, histories: (registry: SchemaHistory, tenant: SchemaHistory)
    ) {
        precondition((1...16).contains(options.parallel), "a migration runs 1 to 16 tenants at once")
        self.registry = registry
        self.place = place
        self.options = options
        self.stop = stop
        self.pause = pause
        (registryHistory, tenantHistory) = histories
    }

    /// The pool of a database.
    func pool(of database: DatabaseName) -> PostgresPool? {
        database == .main ? registry : place(database)
    }

    /// Runs queries on the registry as one transaction.
    func run(_ queries: [Query]) async throws(PostgresError) -> [ResultSet] {
        try await registry.run(Unit(queries))
    }

    /// Tries again what others were in the way of, until ``Patience`` ends or the migration is to stop. Each step may be repeated,
    /// so that nothing need be found out when its answer got lost.
    func patiently<Value>(
        _ body: () async throws(PostgresError) -> Value
    ) async throws(RetryFailure) -> Value {
        let retry = Retry(obstacles: [.lock, .outage], stop: stop, randomness: options.randomness, pause: pause)
        return try await retry.run(body)
    }
}

extension RetryFailure {
    /// As callers of this module see what ended a migration.
    var storageError: StorageError {
        switch self {
        case .stopped: StorageError(.deadlineExceeded, "the migration was stopped")
        case .away(let error), .refused(let error): StorageError(error)
        }
    }
}
