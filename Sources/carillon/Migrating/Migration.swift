internal import CarillonNet
internal import Domain
internal import Logging
internal import Postgres
internal import Storage

/// The work of `migrate`, which `dev` does too.
enum Migration {
    /// What was done.
    struct Outcome: Sendable {
        /// The registry's version before; 0 for none.
        let registryBefore: Int32
        /// What became of the tenants.
        let tenants: MigrationReport

        /// One line for the user.
        var summary: String {
            let registry = registryBefore == 0 ? "made the registry" : "the registry is current"
            let counts = "\(registry); \(tenants.migrated) tenants migrated, \(tenants.failed) failed"
            let rest = tenants.total - tenants.done
            return tenants.isStopped || tenants.brokenOff != nil ? "\(counts), \(max(0, rest)) left" : counts
        }
    }

    /// Migrates the registry and all tenants as the owner.
    ///
    /// - Parameters:
    ///   - parallel: how many tenants at once.
    ///   - stop: asked between transactions.
    static func run(
        database: String, parallel: Int = 4, on loop: EventLoop, display: ProgressDisplay,
        stop: StopRequest = StopRequest()
    ) async -> Result<Outcome, StorageError> {
        await with(database, parallel, on: loop, display, stop) { migrator async throws(StorageError) in
            let before = try await migrator.migrateRegistry(now: Clock.now)
            let ticking = loop.spawn {
                while (try? await loop.sleep(for: .seconds(1))) != nil { display.tick() }
            }
            let report: Result<MigrationReport, StorageError>
            do throws(StorageError) {
                report = .success(try await migrator.migrateTenants(now: Clock.now))
            } catch {
                report = .failure(error)
            }
            ticking.cancel()
            await ticking.value
            display.end()
            return Outcome(registryBefore: before, tenants: try report.get())
        }
    }

    /// What ``run(database:parallel:on:display:stop:)`` would do.
    static func plan(
        database: String, on loop: EventLoop, display: ProgressDisplay
    ) async -> Result<MigrationPlan, StorageError> {
        await with(database, 1, on: loop, display, StopRequest()) { migrator async throws(StorageError) in
            try await migrator.plan()
        }
    }

    private static func with<Value: Sendable>(
        _ database: String, _ parallel: Int, on loop: EventLoop, _ display: ProgressDisplay, _ stop: StopRequest,
        _ body: @escaping @Sendable (Migrator) async throws(StorageError) -> Value
    ) async -> Result<Value, StorageError> {
        await OwnerWork.run(
            as: database, "carillon migrate", on: loop, log: display.log,
            adapt: { configuration in
                // Each tenant has a connection to itself, and so has the list of them.
                configuration.connections = parallel + 1
                configuration.unitsPerConnection = 1
                // A statement of a migration may take as long as it takes; it is its lock that must not be waited for.
                configuration.statementTimeout = .zero
                configuration.unitLimit = .seconds(3600)
            },
            { work throws(StorageError) in
                var options = Migrator.Options()
                options.parallel = parallel
                options.onEvent = { display.note($0) }
                let others = await OwnerDatabases(work.administration, work.databases)
                let migrator = Migrator(
                    registry: work.registry, place: { others.pool(of: $0) }, options: options, stop: stop
                ) { length throws(CancellationError) in
                    try await loop.sleep(for: length)
                }
                return try await body(migrator)
            })
    }
}
