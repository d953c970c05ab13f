/// Which failures of a method are worth another attempt, and after what time (gRFC A6, `retryPolicy`).
///
/// Only for methods that may run twice. Hedging, the other policy of A6, is left out on purpose: every method here that may
/// be repeated is cheap to repeat, and hedging multiplies the load of a server just when it is slow.
package struct RetryPolicy: Sendable, Hashable {
    /// The greatest number of attempts, the first one included: from 2 to 5.
    package let maxAttempts: Int
    /// The wait before the first retry.
    package let initialBackoff: Duration
    /// What the wait grows to.
    package let maxBackoff: Duration
    /// By how much the wait grows with each retry.
    package let multiplier: Double
    /// The codes that are tried again.
    package let retryableCodes: Set<StatusCode>
    /// The codes that are tried again only when the server says after what time (`grpc-retry-pushback-ms`). It says so where a
    /// repeat may go well: RESOURCE_EXHAUSTED is told to a message that is too large as well as to one call too many. A6
    /// knows no such codes: there a pushback counts for ``retryableCodes`` alone.
    package let invitedCodes: Set<StatusCode>

    /// Makes a policy. Values outside their range are moved to its ends, as A6 asks for `maxAttempts`.
    ///
    /// - Parameters:
    ///   - maxAttempts: from 2 to 5.
    ///   - initialBackoff: more than zero.
    ///   - maxBackoff: at least the initial one.
    ///   - multiplier: more than zero.
    ///   - retryableCodes: never OK.
    ///   - invitedCodes: never OK.
    package init(
        maxAttempts: Int = 4, initialBackoff: Duration = .milliseconds(100), maxBackoff: Duration = .seconds(2),
        multiplier: Double = 2, retryableCodes: Set<StatusCode> = [.unavailable], invitedCodes: Set<StatusCode> = []
    ) {
        self.maxAttempts = min(5, max(2, maxAttempts))
        self.initialBackoff = max(.nanoseconds(1), initialBackoff)
        self.maxBackoff = max(self.initialBackoff, maxBackoff)
        self.multiplier = multiplier.isFinite && multiplier > 0 ? multiplier : 1
        self.retryableCodes = retryableCodes.subtracting([.ok])
        self.invitedCodes = invitedCodes.subtracting([.ok])
    }

    /// Whether a failure is worth another attempt.
    ///
    /// - Parameter isInvited: whether the server said after what time.
    func retries(_ code: StatusCode, isInvited: Bool) -> Bool {
        retryableCodes.contains(code) || isInvited && invitedCodes.contains(code)
    }

    /// The wait before a retry: `min(initialBackoff × multiplier^(n-1), maxBackoff)`, give or take a fifth.
    ///
    /// - Parameters:
    ///   - retry: 1 for the first one.
    ///   - random: evenly spread from 0 to 1.
    func backoff(retry: Int, random: Double) -> Duration {
        var wait = initialBackoff
        for _ in 1..<max(1, retry) where wait < maxBackoff { wait = wait * multiplier }
        return min(wait, maxBackoff) * (0.8 + 0.4 * random)
    }
}
