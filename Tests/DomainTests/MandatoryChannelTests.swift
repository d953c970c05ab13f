import Testing

@testable import Domain

/// Which channels who must be told cannot drop.
@Suite struct MandatoryChannelTests {
    private func decide(
        _ mandatory: ChannelSet, off: ChannelSet, addresses: [Channel: AddressState] = [:]
    ) throws -> Decision {
        let setting = Setting(enabled: true, defaultSubscribed: true, mandatory: .all, mandatoryChannels: mandatory)
        let type = try Sample.type(setting: setting, channels: [.email, .inApp, .sms])
        return Sample.decide(Sample.user("u", addresses: addresses, choice: Choice(channelsOff: off)), type)
    }

    @Test func withoutAnyTheFirstThatCanBeDelivered() throws {
        #expect(try decide([], off: .all).positiveChannels == ChannelSet(.email))
        #expect(try decide([], off: .all, addresses: [.email: .hardBounced]).positiveChannels == ChannelSet(.inApp))
    }

    @Test func thoseThatTheSettingNames() throws {
        let named = ChannelSet([.inApp, .sms])
        #expect(try decide(named, off: .all).positiveChannels == named)
        #expect(try decide(named, off: .all, addresses: [.sms: .stopped]).positiveChannels == ChannelSet(.inApp))
    }

    /// A user who must be told is not lost with the address of the only channel that was named.
    @Test func whereNoneOfThemCanBeDeliveredAnotherStandsIn() throws {
        let decision = try decide(ChannelSet(.sms), off: .all, addresses: [.sms: .stopped])
        #expect(decision.positiveChannels == ChannelSet(.email))
        #expect(decision.verdict(on: .sms) == .suppress(.smsStopped))
    }

    @Test func otherChannelsMayBeDroppedAndKept() throws {
        #expect(try decide(ChannelSet(.sms), off: ChannelSet(.email)).positiveChannels == ChannelSet([.inApp, .sms]))
    }

    @Test func aSettingThatIsNotMandatoryHasNone() {
        let setting = Setting(enabled: true, defaultSubscribed: true, mandatory: .none, mandatoryChannels: .all)
        #expect(setting == Setting(.subscribed))
    }
}
