internal import CarillonNet
internal import Domain
internal import Logging
internal import Storage

/// Makes the months that processes without the owner's login miss: a tenant that was quiet for long publishes there, is refused
/// with UNAVAILABLE, and served when it comes again.
enum MonthKeeper {
    /// Between two looks, which are one small query.
    private static let interval: Duration = .seconds(2)
    /// After one that found a tenant whose months could not be made.
    private static let longInterval: Duration = .seconds(30)

    /// Works until the task is cancelled. On the loop of the administration.
    static func run(on loop: EventLoop, _ administration: TenantAdministration, log: Logger) async {
        var pause = interval
        while true {
            do {
                try await loop.sleep(for: pause * Double.random(in: 0.75...1.25))
            } catch {
                return
            }
            pause = interval
            do throws(StorageError) {
                let made = try await administration.makeWantedMonths(now: Clock.now) { tenant, error in
                    pause = longInterval
                    log.error(
                        "the months of a tenant that misses them could not be made",
                        metadata: ["tenant": "\(tenant)", "error": "\(error)"])
                }
                for tenant in made {
                    log.notice("a tenant that missed its months has them", metadata: ["tenant": "\(tenant)"])
                }
            } catch {
                // A database that is away is told of elsewhere, and one of before there were such wishes has none.
                log.debug("missing months could not be looked for", metadata: ["error": "\(error)"])
            }
        }
    }
}
