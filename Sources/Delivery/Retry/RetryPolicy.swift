package import Domain

/// When a delivery is tried again after a temporary failure, by channel.
///
/// The pause before attempt n + 1 is drawn evenly from [step, 2 × step): never sooner than the table says, and spread as
/// wide as the step itself, so that messages that failed together do not come back together.
package struct RetryPolicy: Sendable, Hashable {
    /// The shortest pause after the first, second, … attempt; the last one holds for all that follow.
    package let steps: [Duration]
    /// After so many attempts with an outcome the delivery fails.
    package let attempts: Int

    /// Makes a policy of at least one step and one attempt.
    package init(steps: [Duration], attempts: Int) {
        precondition(!steps.isEmpty && attempts > 0, "a retry policy needs a step and an attempt")
        self.steps = steps
        self.attempts = attempts
    }

    /// The policy of a channel.
    ///
    /// Mail relays come back within minutes or hours, so e-mail waits up to six hours a time and gives up after about
    /// three days. A text message or a push is about now: few attempts, soon. Webhooks give their owner a day to mend
    /// an endpoint. The inbox is filled by Publish itself and is never tried again.
    package static func standard(for channel: Channel) -> RetryPolicy {
        switch channel {
        case .email: email
        case .push: push
        case .sms: sms
        case .webhook: webhook
        case .inApp: inApp
        }
    }

    private static let email = RetryPolicy(
        steps: [.minutes(1), .minutes(5), .minutes(15), .hours(1), .hours(3), .hours(6)], attempts: 16)
    private static let push = RetryPolicy(
        steps: [.seconds(10), .minutes(1), .minutes(5), .minutes(30), .hours(1)], attempts: 8)
    private static let sms = RetryPolicy(steps: [.seconds(15), .minutes(1), .minutes(3)], attempts: 5)
    private static let webhook = RetryPolicy(
        steps: [.seconds(5), .minutes(5), .minutes(30), .hours(2), .hours(5)], attempts: 10)
    private static let inApp = RetryPolicy(steps: [.seconds(1)], attempts: 1)

    /// How long to wait before the next attempt.
    ///
    /// - Parameters:
    ///   - made: attempts so far, the one that has just failed included: 1 or more.
    ///   - asked: what the provider asked for, as by Retry-After. It counts within [step, 2 × step): an absurd one can
    ///     neither hammer the provider nor park the message.
    ///   - randomness: 0..<1.
    /// - Returns: nil when no attempt is left.
    package func pause(after made: Int, asked: Duration? = nil, randomness: Double) -> Duration? {
        guard made < attempts else { return nil }
        let step = steps[min(max(made, 1), steps.count) - 1]
        let least = min(max(asked ?? step, step), step * 2)
        return least + (step * 2 - least) * min(max(randomness, 0), 1)
    }
}

extension Duration {
    static func minutes(_ count: Int) -> Duration { .seconds(count * 60) }
    static func hours(_ count: Int) -> Duration { .seconds(count * 3_600) }
}
