internal import CarillonNet
internal import Domain
internal import Logging
internal import Postgres
internal import Storage

/// Brings tenants to this program's version that `migrate` left behind: those whose locks were not to be had, and those
/// that a program of the version before has made since, while both versions run. Until then what needs the new version is
/// answered UNAVAILABLE.
enum StragglerKeeper {
    /// Between two looks, which are one small query.
    private static let interval: Duration = .seconds(5)
    /// After one that found a tenant which could not be migrated.
    private static let longInterval: Duration = .seconds(60)

    /// Works until the task is cancelled. On the loop of the owner's pool.
    static func run(on loop: EventLoop, owner: PostgresPool, databases: DatabasePools, log: Logger) async {
        let administration = TenantAdministration(pool: owner, databases: databases) {
            pause throws(CancellationError) in
            try await loop.sleep(for: pause)
        }
        var options = Migrator.Options()
        options.parallel = 1
        options.onEvent = { event in
            guard case .failed(let tenant, let error) = event else { return }
            log.error(
                "a tenant is behind and cannot be migrated: run `carillon migrate`",
                metadata: ["tenant": "\(tenant.rawValue)", "error": "\(error)"])
        }
        var pause = interval
        while true {
            do {
                try await loop.sleep(for: pause * Double.random(in: 0.75...1.25))
            } catch {
                return
            }
            // Databases may have been named since the last look.
            let others = await OwnerDatabases(administration, databases)
            let migrator = Migrator(registry: owner, place: { others.pool(of: $0) }, options: options) {
                pause throws(CancellationError) in
                try await loop.sleep(for: pause)
            }
            do throws(StorageError) {
                let report = try await migrator.migrateStragglers()
                pause = report.failed > 0 ? longInterval : interval
                if report.migrated > 0 {
                    log.notice(
                        "tenants that were behind were migrated",
                        metadata: ["tenants": .stringConvertible(report.migrated)])
                }
            } catch {
                // A database that is away is told of elsewhere, and one that a newer program has migrated keeps its own.
                log.debug("tenants that are behind could not be looked for", metadata: ["error": "\(error)"])
            }
        }
    }
}
