/// Keeps retries from adding to the load of servers that fail (gRFC A6, `retryThrottling`): every failure takes a token, every
/// success gives a part of one back, and there are no retries while half of the tokens or more are gone.
package struct RetryThrottle: Sendable {
    /// The numbers of a throttle.
    package struct Policy: Sendable, Hashable {
        /// What the bucket holds.
        package var maxTokens: Double
        /// What a success gives back.
        package var tokenRatio: Double

        /// Makes the policy of the examples in A6.
        package init(maxTokens: Double = 10, tokenRatio: Double = 0.1) {
            self.maxTokens = max(1, maxTokens)
            self.tokenRatio = max(0.001, tokenRatio)
        }
    }

    private let policy: Policy?
    /// What is left, from 0 to `maxTokens`.
    package private(set) var tokens: Double

    /// Makes a full bucket; without a policy it never runs dry.
    package init(_ policy: Policy?) {
        self.policy = policy
        tokens = policy?.maxTokens ?? 0
    }

    /// Whether a call may be tried again now.
    package var allowsRetries: Bool {
        guard let policy else { return true }
        return tokens > policy.maxTokens / 2
    }

    /// A call went well.
    package mutating func recordSuccess() {
        guard let policy else { return }
        tokens = min(policy.maxTokens, tokens + policy.tokenRatio)
    }

    /// A call failed with a code that its policy names, or the server asked for no retry.
    package mutating func recordFailure() {
        tokens = max(0, tokens - 1)
    }
}
