import Testing

@testable import Domain

@Suite struct ChannelChoiceTests {
    private let type: NotificationType
    private let email = ChannelSet(.email)
    private let inApp = ChannelSet(.inApp)
    private let both = ChannelSet([Channel.email, .inApp])

    init() throws { type = try Sample.type(setting: Setting(.subscribed)) }

    private func channels(
        _ own: Choice = Choice(), category: Choice = Choice(), all: Choice = Choice(), setting: Setting? = nil
    ) -> ChannelSet {
        let choices = Choices(types: [type.key: own], categories: [type.category: category], all: all)
        var settings = TenantSettings()
        settings.overrides[type.key, .customer] = setting
        return Sample.decide(Sample.user("u", choices: choices), type, settings: settings).positiveChannels
    }

    @Test func theSpecificWordWins() {
        let (on, off) = (Choice(whole: true), Choice(whole: false))
        #expect(channels(on, category: off, all: off) == both)
        #expect(channels(off, category: on, all: on) == [])
        #expect(channels(category: on, all: off) == both)
        #expect(channels(category: off, all: on) == [])
        #expect(channels(all: off) == [])
        #expect(channels(all: on, setting: Setting(.enabled)) == both)
    }

    @Test func channelsAreChosenOneByOne() {
        #expect(channels(Choice(channelsOff: email)) == inApp)
        #expect(channels(all: Choice(channelsOff: email)) == inApp)
        #expect(channels(Choice(channelsOn: email), all: Choice(channelsOff: both)) == email)
        #expect(channels(Choice(channelsOff: both)) == [])
        // One channel turned on is a subscription to that channel alone.
        #expect(channels(Choice(channelsOn: email), setting: Setting(.enabled)) == email)
        // Never by mail, whatever else is subscribed to.
        #expect(channels(Choice(whole: true), all: Choice(channelsOff: email)) == inApp)
    }

    @Test func aChannelDoesNotOutliveANoAtItsOwnLevel() {
        #expect(channels(Choice(whole: false, channelsOn: email)) == [])
        #expect(channels(Choice(whole: false), all: Choice(channelsOn: email)) == [])
        #expect(channels(Choice(channelsOn: email), category: Choice(whole: false)) == email)
        #expect(channels(category: Choice(channelsOn: email), all: Choice(whole: false)) == email)
        #expect(channels(category: Choice(whole: false, channelsOn: email)) == [])
    }

    @Test func aChannelBothOnAndOffIsOff() {
        #expect(channels(Choice(channelsOn: both, channelsOff: email)) == inApp)
    }

    @Test func mandatoryKeepsTheFirstDeliverableChannel() {
        let all = Setting(.mandatoryAll)
        #expect(channels(Choice(whole: false), setting: all) == both)
        #expect(channels(Choice(channelsOff: inApp), setting: all) == email)
        #expect(channels(Choice(channelsOff: email), setting: all) == both)
        #expect(channels(Choice(channelsOff: both), setting: all) == email)
        let bounced = Sample.user(
            "u", addresses: [.email: .hardBounced], choice: Choice(channelsOff: ChannelSet.all))
        var settings = TenantSettings()
        settings.overrides[type.key, .customer] = all
        #expect(Sample.decide(bounced, type, settings: settings).positiveChannels == inApp)
    }

    @Test func reasonsOfTheWhole() {
        func reason(_ choice: Choice) -> Reason { Sample.decide(Sample.user("u", choice: choice), type).reason }
        #expect(reason(Choice()) == .subscribedByDefault)
        #expect(reason(Choice(whole: true)) == .optedIn)
        #expect(reason(Choice(channelsOff: both)) == .optedOut)
        #expect(reason(Choice(whole: false, channelsOff: email)) == .optedOut)
    }

    @Test func digestOnRequest() throws {
        let user = Sample.user("u", choice: Choice(cadence: .daily))
        let decision = Sample.decide(user, type)
        #expect(decision.verdict(on: .inApp) == .deliver)
        guard case .digest(let window) = decision.verdict(on: .email) else {
            Issue.record("not a digest: \(decision)")
            return
        }
        #expect(window.opens <= Sample.now && Sample.now < window.closes)
        for plain in [try Sample.type(isDigestible: false), try Sample.type(priority: .critical)] {
            #expect(Sample.decide(user, plain).verdict(on: .email) == .deliver)
        }
        // The specific word wins here too.
        let mixed = Choices(types: [type.key: Choice(cadence: .immediately)], all: Choice(cadence: .weekly))
        #expect(Sample.decide(Sample.user("u", choices: mixed), type).verdict(on: .email) == .deliver)
    }

    @Test func quietHoursHoldBackMailOnly() throws {
        let local = ZoneRules(name: "Test/East", firstOffset: 3_600)
        let start = Instant(seconds: 20 * 86_400 + 22 * 3_600)
        let quiet = try #require(QuietHours.daily(from: 22 * 60, to: 7 * 60))
        let user = Sample.user("u", schedule: Schedule(zone: local, quietHours: quiet))
        let decision = Sample.decide(user, type, at: start)
        #expect(decision.verdict(on: .inApp) == .deliver)
        // 23:00 by the user's clock; seven in the morning there is six in UTC.
        #expect(decision.verdict(on: .email) == .defer(until: Instant(seconds: 21 * 86_400 + 6 * 3_600)))
        #expect(decision.channels[.email]?.reason == .quietHours)
        for loud in [try Sample.type(priority: .critical), try Sample.type(respectsQuietHours: false)] {
            #expect(Sample.decide(user, loud, at: start).verdict(on: .email) == .deliver)
        }
    }

    @Test func capsSpareMandatoryTypes() throws {
        let settings = TenantSettings(caps: [try #require(FrequencyCap(3, within: 3_600, on: .email))])
        func email(_ count: Int64, _ setting: Setting) throws -> Verdict? {
            let user = Sample.user("u", recentSends: Sample.sends(Array(0..<count)))
            return Sample.decide(user, try Sample.type(setting: setting), settings: settings).verdict(on: .email)
        }
        #expect(try email(2, Setting(.subscribed)) == .deliver)
        #expect(try email(3, Setting(.subscribed)) == .suppress(.throttled))
        #expect(try email(3, Setting(.mandatoryAll)) == .deliver)
    }
}
