import Testing

@testable import Domain

/// How many messages a user gets at most.
@Suite struct FrequencyCapTests {
    private static let mine = TypeKey(unchecked: "test.happened")
    private static let other = TypeKey(unchecked: "test.other")

    private func email(
        _ cap: FrequencyCap?, _ sends: [RecentSend], setting: Setting = Setting(.subscribed)
    ) throws
        -> Verdict?
    {
        let settings = TenantSettings(caps: [try #require(cap)])
        let user = Sample.user("u", recentSends: sends)
        return Sample.decide(user, try Sample.type(setting: setting), settings: settings).verdict(on: .email)
    }

    /// Half-open and rolling: what was sent exactly a span ago counts no more.
    @Test(arguments: [(3_599, true), (3_600, false), (0, true)])
    func theSpanRolls(secondsAgo: Int64, isHeldBack: Bool) throws {
        let verdict = try email(FrequencyCap(1, within: 3_600), Sample.sends([secondsAgo]))
        #expect(verdict == (isHeldBack ? .suppress(.throttled) : .deliver))
    }

    @Test func theLimitIsTheLastThatPasses() throws {
        #expect(try email(FrequencyCap(2, within: 60), Sample.sends([1])) == .deliver)
        #expect(try email(FrequencyCap(2, within: 60), Sample.sends([1, 2])) == .suppress(.throttled))
    }

    /// A cap on a type or a category neither counts nor holds back others.
    @Test func eachScopeCountsItsOwn() throws {
        let here = try #require(CategoryName("Tests"))
        let there = try #require(CategoryName("Elsewhere"))
        func sent(_ type: TypeKey, _ category: CategoryName, _ channel: Channel = .email) -> [RecentSend] {
            [RecentSend(at: Sample.now, type: type, category: category, channel: channel)]
        }
        let caps: [(FrequencyCap.Scope, [RecentSend], Bool)] = [
            (.type(Self.mine), sent(Self.mine, here), true), (.type(Self.mine), sent(Self.other, here), false),
            (.type(Self.other), sent(Self.other, here), false), (.category(here), sent(Self.other, here), true),
            (.category(here), sent(Self.other, there), false), (.category(there), sent(Self.other, there), false),
            (.all, sent(Self.other, there), true), (.all, sent(Self.other, there, .sms), true),
            // The inbox has no caps, and what is put there counts for none.
            (.all, sent(Self.mine, here, .inApp), false),
        ]
        for (scope, sends, isHeldBack) in caps {
            let verdict = try email(FrequencyCap(1, within: 60, of: scope), sends)
            #expect(verdict == (isHeldBack ? .suppress(.throttled) : .deliver), "\(scope) \(sends)")
        }
    }

    @Test func aChannelsCapIsItsOwn() throws {
        #expect(try email(FrequencyCap(1, within: 60, on: .email), Sample.sends([1], .sms)) == .deliver)
        #expect(try email(FrequencyCap(1, within: 60, on: .sms), Sample.sends([1], .sms)) == .deliver)
        #expect(try email(FrequencyCap(1, within: 60, on: .email), Sample.sends([1])) == .suppress(.throttled))
    }

    /// Mandatory types pass every cap, and what of them was sent counts for the others.
    @Test func mandatoryTypesPassAndCount() throws {
        let sends = Sample.sends([1])
        #expect(try email(FrequencyCap(1, within: 60), sends, setting: Setting(.mandatoryAll)) == .deliver)
        #expect(try email(FrequencyCap(1, within: 60), sends) == .suppress(.throttled))
    }

    @Test func theInboxIsNotCapped() throws {
        let settings = TenantSettings(caps: [try #require(FrequencyCap(1, within: 60))])
        let decision = Sample.decide(
            Sample.user("u", recentSends: Sample.sends([1, 2, 3])), try Sample.type(), settings: settings)
        #expect(decision.verdict(on: .inApp) == .deliver)
    }

    @Test func whatIsNoCapIsRefused() {
        #expect(FrequencyCap(0, within: 60) == nil)
        #expect(FrequencyCap(1_001, within: 60) == nil)
        #expect(FrequencyCap(1, within: 59) == nil)
        #expect(FrequencyCap(1, within: FrequencyCap.longestSpan + 1) == nil)
        #expect(FrequencyCap(1, within: 60, on: .inApp) == nil)
    }
}
