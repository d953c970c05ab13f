package import Postgres

/// What is done to schemas and roles, as `carillon_owner`: making tenants and months, migrating.
///
/// Confined to the pool's loop, on which every method must be called.
package final class TenantAdministration: @unchecked Sendable {
    /// How the caller waits between tries, by its own clock.
    package typealias Pause = @Sendable (Duration) async throws(CancellationError) -> Void

    let pool: PostgresPool
    /// The ways to databases other than the registry's; nil where there are none.
    let databases: DatabasePools?
    let pause: Pause

    /// Administration over a pool that logs in as `carillon_owner`.
    ///
    /// - Parameters:
    ///   - pool: with the registry's database.
    ///   - databases: the ways to the others in which tenants are, over the same login; nil where there are none.
    ///   - pause: waits between tries.
    package init(pool: PostgresPool, databases: DatabasePools? = nil, pause: @escaping Pause) {
        self.pool = pool
        self.databases = databases
        self.pause = pause
    }

    /// Runs queries as one transaction of the owner, for as long as the caller waits (``CallDeadline``).
    func run(_ queries: [Query], affinity: Int = 0) async throws(PostgresError) -> [ResultSet] {
        try await pool.run(Unit(queries), affinity: affinity, deadline: CallDeadline.current)
    }

    /// Runs queries as one transaction of the owner in the database that a tenant is in.
    func run(_ queries: [Query], at place: TenantPlace) async throws(PostgresError) -> [ResultSet] {
        guard let pool = place == .main ? pool : databases?.pool(of: place) else {
            throw PostgresError(.unavailable, "this program was given no way to the tenant's database")
        }
        return try await pool.run(Unit(queries), deadline: CallDeadline.current)
    }

    /// Tries again while others hold locks, until ``Patience`` ends.
    func persistently<Value>(
        _ body: () async throws(PostgresError) -> Value
    ) async throws(PostgresError) -> Value {
        do throws(RetryFailure) {
            return try await Retry(obstacles: [.lock], pause: pause).run(body)
        } catch {
            switch error {
            case .stopped: throw PostgresError(.cancelled, "cancelled while waiting for a lock")
            case .away(let error), .refused(let error): throw error
            }
        }
    }
}
