/// A snapshot of a pool, for health checks and metrics.
package struct PostgresPoolStatus: Sendable {
    /// How many connections take units.
    package let connections: Int
    /// How many connections share the units now.
    package let sharing: Int
    /// How many units wait for a connection.
    package let unitsQueued: Int
    /// How many units are on their way.
    package let unitsInFlight: Int
    /// Why units are refused now; `nil` if they are not.
    package let outage: PostgresError?
}
