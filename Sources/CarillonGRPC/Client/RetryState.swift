/// What happens after an attempt of a call has failed. A value: randomness and the throttle come from outside.
struct RetryState: Sendable {
    /// How an attempt failed.
    enum Failure: Sendable {
        /// The connection was lost before the stream's header block went out: no server knows of it.
        case unsent
        /// The server says that it did not process it: REFUSED_STREAM, or a GOAWAY below its stream (RFC 9113 §8.7).
        case unprocessed
        /// Any other way, with what the server says about retries.
        case processed(Pushback)
    }

    /// The field `grpc-retry-pushback-ms` of the trailers.
    enum Pushback: Hashable, Sendable {
        /// It is not there.
        case none
        /// A retry is welcome after so long.
        case after(Duration)
        /// No retry, please: the value is negative or no 32-bit number.
        case never

        /// Reads the value of the field.
        init(_ value: String?) {
            guard let value else {
                self = .none
                return
            }
            guard let milliseconds = Int32(value), milliseconds >= 0 else {
                self = .never
                return
            }
            self = .after(.milliseconds(milliseconds))
        }
    }

    /// What to do next.
    enum Decision: Hashable, Sendable {
        /// The failure is the caller's.
        case giveUp
        /// The call begins anew after a time, which is zero where the server did not process it.
        case retry(after: Duration)
    }

    private let policy: RetryPolicy?
    private var retriesSinceBackoffBegan = 0
    private var wasUnprocessed = false
    /// Attempts before the one that is under way, as `grpc-previous-rpc-attempts` counts them: without transparent ones.
    private(set) var previousAttempts = 0

    /// Begins with the first attempt.
    init(policy: RetryPolicy?) {
        self.policy = policy
    }

    /// Decides after a failure.
    ///
    /// - Parameters:
    ///   - code: what the attempt ended with.
    ///   - failure: how it failed.
    ///   - isCommitted: whether an answer has begun, or the request is not kept any more.
    ///   - throttle: the client's.
    ///   - random: evenly spread from 0 to 1.
    mutating func decide(
        _ code: StatusCode, _ failure: Failure, isCommitted: Bool, throttle: inout RetryThrottle, random: Double
    ) -> Decision {
        guard !isCommitted else { return .giveUp }
        var pushback = Pushback.none
        switch failure {
        // Without a limit of its own (A6, "Transparent Retries"): each takes a connection, and those have their backoff.
        case .unsent: return .retry(after: .zero)
        case .unprocessed:
            // Once only (A6, "Transparent Retries"): a server that refuses again is overloaded, and the policy decides.
            guard wasUnprocessed else {
                wasUnprocessed = true
                return .retry(after: .zero)
            }
        case .processed(let said): pushback = said
        }
        guard let policy else { return .giveUp }
        let delay: Duration? = if case .after(let delay) = pushback { delay } else { nil }
        let isRetryable = policy.retries(code, isInvited: delay != nil)
        guard isRetryable || pushback == .never else { return .giveUp }
        throttle.recordFailure()
        guard isRetryable, pushback != .never, throttle.allowsRetries,
            previousAttempts + 1 < policy.maxAttempts
        else { return .giveUp }
        previousAttempts += 1
        if let delay {
            retriesSinceBackoffBegan = 0
            return .retry(after: delay)
        }
        retriesSinceBackoffBegan += 1
        return .retry(after: policy.backoff(retry: retriesSinceBackoffBegan, random: random))
    }
}
