internal import CarillonGRPC

/// How calls that may safely run twice are repeated when the server is not available, or refuses them and says when to
/// come again, as Carillon does when too many calls of one tenant run at once or come in a second. A repeat never goes
/// beyond the time that the call has, waits longer each time unless the server says how long, and stays away while most
/// calls fail.
public struct RetryRules: Sendable, Hashable {
    /// The greatest number of attempts, from 1 (no repeat) to 5.
    public var attempts: Int
    /// The wait before the first repeat, where the server names none; each further one is twice as long, give or take a fifth.
    public var firstWait: Duration
    /// What the wait grows to.
    public var longestWait: Duration

    /// Makes rules.
    public init(attempts: Int = 4, firstWait: Duration = .milliseconds(100), longestWait: Duration = .seconds(2)) {
        self.attempts = attempts
        self.firstWait = firstWait
        self.longestWait = longestWait
    }

    /// Every failure is the caller's at once.
    public static let never = RetryRules(attempts: 1)

    /// The same rules for the transport; `nil` for no repeats.
    var policy: RetryPolicy? {
        guard attempts > 1 else { return nil }
        return RetryPolicy(
            maxAttempts: attempts, initialBackoff: firstWait, maxBackoff: longestWait, multiplier: 2,
            retryableCodes: [.unavailable], invitedCodes: [.resourceExhausted])
    }
}
