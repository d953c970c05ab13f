internal import Domain
internal import Logging
internal import Postgres
internal import Storage

extension ProgressDisplay {
    /// Takes note of what a migration tells.
    func note(_ event: MigrationEvent) {
        switch event {
        case .progress(let progress): show(progress)
        case .failed(let tenant, let error):
            // With the server's own words: a migration's statements hold no data of tenants.
            let why = error.cause?.debugDescription ?? error.description
            report(
                .error, "\(tenant.rawValue) could not be migrated: \(why)", "a tenant could not be migrated",
                ["tenant": "\(tenant.rawValue)", "error": "\(why)"])
        case .contracting(let servesFrom, let notice):
            let seconds = notice.components.seconds
            report(
                .notice, "programs before schema version \(servesFrom) end now; waiting \(seconds) s",
                "older programs end now",
                ["serves_from": .stringConvertible(servesFrom), "waits_s": .stringConvertible(seconds)])
        }
    }
}
