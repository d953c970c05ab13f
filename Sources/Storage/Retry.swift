internal import Postgres

/// Work that is tried again while others are in the way of it, with pauses and an end (``Patience``). Its transactions may be
/// repeated.
struct Retry: Sendable {
    /// What it is tried again behind; everything else is its failure.
    let obstacles: Set<Patience.Obstacle>
    /// Asked before each try.
    var stop = StopRequest()
    /// A source of numbers in 0..<1, for the pauses.
    var randomness: @Sendable () -> Double = { Double.random(in: 0..<1) }
    /// Waits between tries.
    let pause: TenantAdministration.Pause

    /// Runs work until it succeeds, fails for another reason, or patience ends.
    func run<Value>(
        _ body: () async throws(PostgresError) -> Value
    ) async throws(RetryFailure) -> Value {
        var patience = Patience()
        while true {
            guard !stop.isRequested else { throw .stopped }
            do throws(PostgresError) {
                return try await body()
            } catch {
                guard let obstacle = Patience.obstacle(error), obstacles.contains(obstacle) else {
                    throw .refused(error)
                }
                guard let length = patience.pause(after: obstacle, randomness()) else {
                    throw obstacle == .outage ? .away(error) : .refused(error)
                }
                do { try await pause(length) } catch { throw .stopped }
            }
        }
    }
}

/// Why work was not done.
enum RetryFailure: Error {
    /// It is to end, or its caller was cancelled.
    case stopped
    /// The database is away and stays away.
    case away(PostgresError)
    /// The database refused it, or others held a lock for too long.
    case refused(PostgresError)
}
