internal import CarillonNet
internal import Domain
internal import Logging
internal import Storage

/// Brings tenants to this program's version that `migrate` left behind: those whose locks were not to be had, and those
/// that a program of the version before has made since, while both versions run. Until then what needs the new version is
/// answered UNAVAILABLE.
enum StragglerKeeper {
    private static let keeper = Keeper(
        subject: "tenants that are behind", interval: .seconds(5), longInterval: .seconds(60))

    /// Works until the task is cancelled. On the loop of the owner's pools.
    static func run(on loop: EventLoop, _ owner: OwnerPools.Ways, log: Logger) async {
        var options = Migrator.Options()
        options.parallel = 1
        options.onEvent = { event in
            guard case .failed(let tenant, let error) = event else { return }
            log.error(
                "a tenant is behind and cannot be migrated: run `carillon migrate`",
                metadata: ["tenant": "\(tenant.rawValue)", "error": "\(error)"])
        }
        await keeper.run(on: loop, log: log) { () async throws(StorageError) in
            // Databases may have been named since the last look.
            let others = await OwnerDatabases(owner.administration, owner.databases)
            let migrator = Migrator(registry: owner.main, place: { others.pool(of: $0) }, options: options) {
                pause throws(CancellationError) in
                try await loop.sleep(for: pause)
            }
            let report = try await migrator.migrateStragglers()
            if report.migrated > 0 {
                log.notice(
                    "tenants that were behind were migrated",
                    metadata: ["tenants": .stringConvertible(report.migrated)])
            }
            return report.failed == 0
        }
    }
}
