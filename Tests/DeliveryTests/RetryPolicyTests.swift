import Domain
import Testing

@testable import Delivery

@Suite struct RetryPolicyTests {
    @Test func mailWaitsAsTheTableSays() {
        let policy = RetryPolicy.standard(for: .email)
        let least = (1..<policy.attempts).map { policy.pause(after: $0, randomness: 0) }
        let minutes = [1, 5, 15, 60, 180] + [Int](repeating: 360, count: policy.attempts - 6)
        #expect(least == minutes.map { .seconds($0 * 60) })
        #expect(policy.pause(after: policy.attempts, randomness: 0) == nil)
        // Relays try for about three days among themselves; so do we.
        let total = minutes.reduce(0, +)
        #expect((2 * 24 * 60...4 * 24 * 60).contains(total))
    }

    @Test(arguments: Channel.allCases)
    func jitterStaysBetweenTheStepAndTwice(channel: Channel) {
        let policy = RetryPolicy.standard(for: channel)
        for made in 1..<max(policy.attempts, 2) {
            guard let least = policy.pause(after: made, randomness: 0),
                let most = policy.pause(after: made, randomness: 0.999_999),
                let middle = policy.pause(after: made, randomness: 0.5)
            else {
                #expect(channel == .inApp)
                continue
            }
            let step = policy.steps[min(made, policy.steps.count) - 1]
            #expect(least == step)
            #expect(most < step * 2 && most > step * 1.9)
            #expect(middle == step + step * 0.5)
        }
    }

    @Test(
        "Retry-After counts within the window of the step",
        arguments: [
            (Duration.seconds(0), 60.0, 90.0), (.seconds(-5), 60, 90), (.seconds(90), 90, 105),
            (.seconds(1_000_000_000), 120, 120),
        ])
    func asked(asked: Duration, least: Double, middle: Double) {
        let policy = RetryPolicy.standard(for: .email)
        #expect(policy.pause(after: 1, asked: asked, randomness: 0) == .seconds(least))
        #expect(policy.pause(after: 1, asked: asked, randomness: 0.5) == .seconds(middle))
    }

    @Test func randomnessOutOfRangeDoesNoHarm() {
        let policy = RetryPolicy(steps: [.seconds(10)], attempts: 3)
        #expect(policy.pause(after: 1, randomness: -3) == .seconds(10))
        #expect(policy.pause(after: 1, randomness: 7) == .seconds(20))
        #expect(policy.pause(after: 0, randomness: 0) == .seconds(10))
    }

    @Test func timeToLiveFollowsWhatTheMessageIsFor() throws {
        func life(_ key: String, _ channel: Channel = .email) throws -> Duration {
            let type = try #require(Catalog.builtIn[TypeKey(unchecked: key)])
            return TimeToLive.standard(of: type, on: channel)
        }
        #expect(try life("security.one_time_code") == .seconds(15 * 60))
        #expect(try life("security.one_time_code", .sms) == .seconds(15 * 60))
        #expect(try life("security.email_verification") == .seconds(24 * 3_600), "as long as its link works")
        #expect(try life("user.invited_by_supplier") == .seconds(72 * 3_600))
        #expect(try life("invoice.created") == .seconds(72 * 3_600))
        #expect(try life("invoice.created", .push) == .seconds(24 * 3_600))
        let due = Instant(seconds: 1_000)
        let type = try #require(Catalog.builtIn[TypeKey(unchecked: "invoice.created")])
        #expect(TimeToLive.expiry(of: type, on: .email, due: due) == Instant(seconds: 1_000 + 72 * 3_600))
        for type in Catalog.builtIn.types where type.kind == .reminder || type.kind == .digest {
            #expect(TimeToLive.standard(of: type, on: .email) <= .seconds(24 * 3_600))
        }
    }
}
