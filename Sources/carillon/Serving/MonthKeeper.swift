internal import CarillonNet
internal import Domain
internal import Logging
internal import Storage

/// Makes the months that processes without the owner's login miss: a tenant that was quiet for long publishes there, is refused
/// with UNAVAILABLE, and served when it comes again.
enum MonthKeeper {
    private static let keeper = Keeper(
        subject: "missing months", interval: .seconds(2), longInterval: .seconds(30))

    /// Works until the task is cancelled. On the loop of the administration.
    static func run(on loop: EventLoop, _ administration: TenantAdministration, log: Logger) async {
        var waiting: Set<TenantID> = []
        await keeper.run(on: loop, log: log) { () async throws(StorageError) in
            let outcome = try await administration.makeWantedMonths(now: Clock.now, waiting: waiting) { tenant, error in
                log.error(
                    "the months of a tenant that misses them could not be made",
                    metadata: ["tenant": "\(tenant)", "error": "\(error)"])
            }
            waiting = outcome.waiting
            for tenant in outcome.made {
                log.notice("a tenant that missed its months has them", metadata: ["tenant": "\(tenant)"])
            }
            // As long as some can be helped, who comes new is helped soon.
            return waiting.isEmpty || !outcome.made.isEmpty
        }
    }
}
