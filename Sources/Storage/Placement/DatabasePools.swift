package import CarillonNet
package import Postgres

/// The pools of one loop and one login, for the databases that tenants are in. The registry's is handed in; further ones are
/// made when the first tenant of theirs comes, and stay; their connections are closed while nobody needs them.
///
/// Each database has its own connections and its own queue, so one that is away makes nobody wait but its own tenants.
///
/// Confined to its loop, and safe as `@unchecked Sendable` for that reason.
package final class DatabasePools: @unchecked Sendable {
    /// How many databases there may be beside the registry's. Tenants of further ones are answered as if theirs were away.
    package static let limit = 32

    /// After how long without work the connections with a further database are closed.
    private static let idleLimit = Duration.seconds(600)

    private let loop: EventLoop
    private let main: PostgresPool
    private let configuration: PostgresConfiguration?
    private var pools: [String: PostgresPool] = [:]
    private lazy var refusing = PostgresPool(refusingOn: loop)
    private var isClosed = false

    /// Pools of which only the registry's is there.
    ///
    /// - Parameters:
    ///   - main: with the registry's database; closed by whoever made it.
    ///   - configuration: how it was made: further ones differ by what their place says. Nil where there are none.
    package init(loop: EventLoop, main: PostgresPool, configuration: PostgresConfiguration?) {
        self.loop = loop
        self.main = main
        self.configuration = configuration
    }

    /// The pool of a place. One that cannot be had refuses everything with `unavailable`. On the loop.
    package func pool(of place: TenantPlace) -> PostgresPool {
        loop.assertOnLoop()
        if place.connection.isEmpty { return main }
        if let pool = pools[place.connection] { return pool }
        guard !isClosed, pools.count < Self.limit, var configuration,
            let differences = try? ConnectionDifferences(place.connection),
            let info = try? differences.applied(to: configuration.connectionInfo)
        else { return refusing }
        configuration.connectionInfo = info
        configuration.idleLimit = configuration.idleLimit ?? Self.idleLimit
        let pool = PostgresPool(loop: loop, configuration: configuration)
        pools[place.connection] = pool
        return pool
    }

    /// Closes the further pools, and makes no more. On the loop.
    package func close() async {
        loop.assertOnLoop()
        isClosed = true
        let all = Array(pools.values)
        for pool in all { await pool.close() }
    }
}
