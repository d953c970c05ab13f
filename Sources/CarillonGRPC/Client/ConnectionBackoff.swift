package import CarillonNet

/// When an address may be tried again, after the algorithm of gRPC's "Connection Backoff Protocol"
/// (https://github.com/grpc/grpc/blob/master/doc/connection-backoff.md). A value: time and randomness come from outside.
package struct ConnectionBackoff: Sendable {
    /// The numbers of the algorithm.
    package struct Policy: Sendable {
        /// From the beginning of the first attempt to that of the second.
        package var initial: Duration = .seconds(1)
        /// By how much the time grows with each further attempt.
        package var multiplier = 1.6
        /// The part of the time that is random, both ways.
        package var jitter = 0.2
        /// What the time grows to, before the jitter.
        package var maximum: Duration = .seconds(120)
        /// The least time that one attempt gets, TLS and SETTINGS included.
        package var connectTime: Duration = .seconds(20)

        /// Makes the numbers of the specification.
        package init() {}
    }

    private let policy: Policy
    private var current: Duration?

    /// Makes a backoff before its first attempt.
    package init(_ policy: Policy) {
        self.policy = policy
    }

    /// Begins an attempt.
    ///
    /// - Parameter random: evenly spread from 0 to 1.
    /// - Returns: when the attempt has failed at the latest, and when the next one may begin.
    package mutating func begin(
        now: MonotonicTime, random: Double
    ) -> (connectBy: MonotonicTime, nextAttempt: MonotonicTime) {
        let wait: Duration
        if let current {
            let grown = min(current * policy.multiplier, policy.maximum)
            self.current = grown
            wait = grown * (1 + policy.jitter * (2 * random - 1))
        } else {
            // The first time carries no jitter in the specification's algorithm.
            current = policy.initial
            wait = policy.initial
        }
        let nextAttempt = now.advanced(by: wait)
        return (max(nextAttempt, now.advanced(by: policy.connectTime)), nextAttempt)
    }

    /// The attempt went well: the next one counts as the first.
    package mutating func reset() {
        current = nil
    }
}
