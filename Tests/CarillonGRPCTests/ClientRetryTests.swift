import Testing

@testable import CarillonGRPC

@Suite struct RetryStateTests {
    private static let policy = RetryPolicy(
        maxAttempts: 4, initialBackoff: .milliseconds(100), maxBackoff: .milliseconds(300), multiplier: 2,
        retryableCodes: [.unavailable, .aborted])

    @Test func valuesOutsideTheirRangeAreMovedToItsEnds() {
        let policy = RetryPolicy(
            maxAttempts: 9, initialBackoff: .seconds(5), maxBackoff: .seconds(1), multiplier: -1,
            retryableCodes: [.ok, .unavailable])
        #expect(policy.maxAttempts == 5)
        #expect(policy.maxBackoff == .seconds(5))
        #expect(policy.retryableCodes == [.unavailable])
        #expect(RetryPolicy(maxAttempts: 0).maxAttempts == 2)
    }

    /// min(initial × multiplier^(n-1), max), give or take a fifth.
    @Test func waitsGrowToTheirGreatest() {
        let waits = (1...4).map { Self.policy.backoff(retry: $0, random: 0.5) / .milliseconds(1) }
        for (wait, expected) in zip(waits, [100.0, 200, 300, 300]) { #expect(abs(wait - expected) < 0.001) }
        #expect(abs(Self.policy.backoff(retry: 1, random: 0) / .milliseconds(1) - 80) < 0.001)
        #expect(abs(Self.policy.backoff(retry: 4, random: 1) / .milliseconds(1) - 360) < 0.001)
    }

    @Test func attemptsEndWithTheirGreatestNumber() {
        var state = RetryState(policy: Self.policy)
        var throttle = RetryThrottle(nil)
        for retry in 1...3 {
            let decision = state.decide(
                .unavailable, .processed(.none), isCommitted: false, throttle: &throttle, random: 0.5)
            #expect(decision == .retry(after: Self.policy.backoff(retry: retry, random: 0.5)))
            #expect(state.previousAttempts == retry)
        }
        let last = state.decide(.unavailable, .processed(.none), isCommitted: false, throttle: &throttle, random: 0.5)
        #expect(last == .giveUp)
    }

    @Test(arguments: [
        (StatusCode.unavailable, false, true), (.aborted, false, true), (.internalError, false, false),
        (.unavailable, true, false),
    ])
    func onlyNamedCodesBeforeTheAnswerBeganAreTriedAgain(code: StatusCode, isCommitted: Bool, retries: Bool) {
        var state = RetryState(policy: Self.policy)
        var throttle = RetryThrottle(.init())
        let decision = state.decide(
            code, .processed(.none), isCommitted: isCommitted, throttle: &throttle, random: 0.5)
        #expect((decision != .giveUp) == retries)
    }

    @Test func whatWasNotProcessedIsTriedAgainOnceWithoutAPolicy() {
        var state = RetryState(policy: nil)
        var throttle = RetryThrottle(.init())
        let first = state.decide(.unavailable, .unprocessed, isCommitted: false, throttle: &throttle, random: 0.5)
        #expect(first == .retry(after: .zero))
        #expect(state.previousAttempts == 0)
        let second = state.decide(.unavailable, .unprocessed, isCommitted: false, throttle: &throttle, random: 0.5)
        #expect(second == .giveUp)
        #expect(throttle.tokens == 10)
    }

    /// A6, "Transparent Retries": what never left the client is no attempt, however often that happens.
    @Test func whatNeverWentOutIsSentWithoutCounting() {
        var state = RetryState(policy: nil)
        var throttle = RetryThrottle(.init())
        for _ in 1...20 {
            let decision = state.decide(.unavailable, .unsent, isCommitted: false, throttle: &throttle, random: 0.5)
            #expect(decision == .retry(after: .zero))
        }
        #expect(state.previousAttempts == 0)
        #expect(throttle.tokens == 10)
        let refused = state.decide(.unavailable, .unprocessed, isCommitted: false, throttle: &throttle, random: 0.5)
        #expect(refused == .retry(after: .zero))
        let committed = state.decide(.unavailable, .unsent, isCommitted: true, throttle: &throttle, random: 0.5)
        #expect(committed == .giveUp)
    }

    @Test(
        arguments: [
            (nil, RetryState.Pushback.none), ("0", .after(.zero)), ("250", .after(.milliseconds(250))), ("-1", .never),
            ("", .never), ("soon", .never), ("99999999999", .never), ("1.5", .never),
        ] as [(String?, RetryState.Pushback)])
    func pushbackIsRead(value: String?, expected: RetryState.Pushback) {
        #expect(RetryState.Pushback(value) == expected)
    }

    /// A server that names a time says by it that a repeat may go well; without, it may mean a message that is too large.
    @Test(
        arguments: [
            (.resourceExhausted, .after(.seconds(1)), .retry(after: .seconds(1)), 9),
            (.resourceExhausted, .none, .giveUp, 10), (.resourceExhausted, .never, .giveUp, 9),
            (.internalError, .after(.seconds(1)), .giveUp, 10),
            (.unavailable, .none, .retry(after: .milliseconds(100)), 9),
        ] as [(StatusCode, RetryState.Pushback, RetryState.Decision, Double)])
    func someCodesAreTriedAgainByInvitationOnly(
        code: StatusCode, pushback: RetryState.Pushback, expected: RetryState.Decision, tokens: Double
    ) {
        let policy = RetryPolicy(
            initialBackoff: .milliseconds(100), retryableCodes: [.unavailable], invitedCodes: [.resourceExhausted, .ok])
        #expect(policy.invitedCodes == [.resourceExhausted])
        var state = RetryState(policy: policy)
        var throttle = RetryThrottle(.init())
        let decision = state.decide(
            code, .processed(pushback), isCommitted: false, throttle: &throttle, random: 0.5)
        #expect(decision == expected)
        #expect(throttle.tokens == tokens)
    }

    @Test func invitationsEndWithTheGreatestNumberOfAttempts() {
        var state = RetryState(policy: RetryPolicy(maxAttempts: 3, invitedCodes: [.resourceExhausted]))
        var throttle = RetryThrottle(.init())
        let decisions = (1...3).map { _ in
            state.decide(
                .resourceExhausted, .processed(.after(.zero)), isCommitted: false, throttle: &throttle, random: 0.5)
        }
        #expect(decisions == [.retry(after: .zero), .retry(after: .zero), .giveUp])
    }

    @Test func pushbackIsObeyed() {
        var state = RetryState(policy: Self.policy)
        var throttle = RetryThrottle(.init())
        _ = state.decide(.unavailable, .processed(.none), isCommitted: false, throttle: &throttle, random: 0.5)
        let told = state.decide(
            .unavailable, .processed(.after(.seconds(3))), isCommitted: false, throttle: &throttle, random: 0.5)
        #expect(told == .retry(after: .seconds(3)))
        // The backoff begins anew behind a pushback.
        let next = state.decide(.unavailable, .processed(.none), isCommitted: false, throttle: &throttle, random: 0.5)
        #expect(next == .retry(after: .milliseconds(100)))
    }

    @Test func aServerThatAsksForNoRetryIsHeardAndCounted() {
        var state = RetryState(policy: Self.policy)
        var throttle = RetryThrottle(.init())
        // Counted whatever the code is (A6, "Throttling").
        for code in [StatusCode.unavailable, .internalError] {
            let decision = state.decide(
                code, .processed(.never), isCommitted: false, throttle: &throttle, random: 0.5)
            #expect(decision == .giveUp)
        }
        #expect(throttle.tokens == 8)
    }

    @Test func theThrottleStopsRetriesUntilSuccessesFillIt() {
        var throttle = RetryThrottle(.init(maxTokens: 10, tokenRatio: 0.1))
        for _ in 0..<4 { throttle.recordFailure() }
        #expect(throttle.allowsRetries)
        throttle.recordFailure()
        #expect(!throttle.allowsRetries)
        throttle.recordSuccess()
        #expect(throttle.allowsRetries)
        for _ in 0..<1000 { throttle.recordSuccess() }
        #expect(throttle.tokens == 10)
        for _ in 0..<1000 { throttle.recordFailure() }
        #expect(throttle.tokens == 0)
    }
}

@Suite struct ServiceConfigTests {
    private static func rules(_ name: String, _ seconds: Int) -> MethodConfig {
        MethodConfig(names: [name], timeout: .seconds(seconds))
    }

    @Test(arguments: [
        ("/a.B/C", 1), ("/a.B/D", 2), ("/a.Bx/C", 3), ("/x/y", 3),
    ])
    func theMostSpecificNameCounts(path: String, seconds: Int) {
        let config = ServiceConfig(methods: [Self.rules("", 3), Self.rules("/a.B/", 2), Self.rules("/a.B/C", 1)])
        #expect(config.method(path)?.timeout == .seconds(seconds))
    }
}
