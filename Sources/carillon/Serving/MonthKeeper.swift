internal import CarillonNet
internal import Logging
internal import Postgres
internal import Storage

/// Makes the next month's partitions ahead of time, for tenants that publish. A tenant that is passed over gets its own
/// when it publishes, only slower; so a failure costs time, and the next round comes.
enum MonthKeeper {
    private static let interval: Duration = .seconds(6 * 60 * 60)
    /// Not at once: a process that starts has better things to do, and many may start together.
    private static let firstPause = 60...600

    /// Works until the task is cancelled. On the loop of the owner's pool.
    static func run(on loop: EventLoop, owner: PostgresPool, databases: DatabasePools?, log: Logger) async {
        let administration = TenantAdministration(pool: owner, databases: databases) {
            pause throws(CancellationError) in
            try await loop.sleep(for: pause)
        }
        var pause: Duration = .seconds(Int.random(in: firstPause))
        while true {
            do {
                try await loop.sleep(for: pause)
            } catch {
                return
            }
            pause = interval
            do throws(StorageError) {
                let made = try await administration.makeMonthsAhead(now: Clock.now)
                log.info("months were made ahead", metadata: ["tenants": .stringConvertible(made.count)])
            } catch {
                log.warning("months could not be made ahead", metadata: ["error": "\(error)"])
            }
        }
    }
}
