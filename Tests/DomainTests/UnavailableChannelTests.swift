import Testing

@testable import Domain

/// A channel that no provider carries reaches nobody, whoever wants it.
@Suite struct UnavailableChannelTests {
    private let noMail = TenantSettings(unavailableChannels: ChannelSet(.email))

    @Test func otherChannelsGoOn() throws {
        let decision = Sample.decide(Sample.user("u"), try Sample.type(), settings: noMail)
        #expect(decision.verdict(on: .email) == .suppress(.channelUnavailable))
        #expect(decision.verdict(on: .inApp) == .deliver)
        #expect(decision.reason == .subscribedByDefault)
    }

    @Test func addressesAndChoicesSayMore() throws {
        let type = try Sample.type()
        let bounced = Sample.decide(Sample.user("u", addresses: [.email: .hardBounced]), type, settings: noMail)
        #expect(bounced.verdict(on: .email) == .suppress(.hardBounce))
        let off = Sample.user("u", choice: Choice(channelsOff: ChannelSet(.email)))
        #expect(Sample.decide(off, type, settings: noMail).verdict(on: .email) == .suppress(.channelOptedOut))
    }

    /// The one channel that a mandatory type keeps is one that can be delivered.
    @Test func mandatoryKeepsAnother() throws {
        let type = try Sample.type(setting: Setting(.mandatoryAll))
        let user = Sample.user("u", choice: Choice(channelsOff: ChannelSet(.inApp)))
        #expect(Sample.decide(user, type).verdict(on: .inApp) == .suppress(.channelOptedOut))
        #expect(Sample.decide(user, type, settings: noMail).verdict(on: .inApp) == .deliver)
    }

    /// Who can be reached by mail only cannot be reached: another stands in, and the mailbox is no way out.
    @Test func standIns() throws {
        let type = try Sample.type(setting: Setting(.mandatoryAtLeastOne))
        let onlyMail = Sample.user("dora", addresses: [.inApp: .missing])
        func outcome(_ users: [UserFacts]) -> [RecipientDecision] {
            resolve(
                event: EventFacts(type: type), account: Sample.account(users, defaultUser: "dora", mailbox: .usable),
                settings: noMail, now: Sample.now)
        }
        #expect(told(outcome([onlyMail, Sample.user("other")])) == ["other"])
        #expect(outcome([onlyMail]).last?.recipient == .nobody(Sample.accountID))
        let mailbox = decideMailbox(
            as: .customer, event: EventFacts(type: type), account: Sample.account([], mailbox: .usable),
            settings: noMail, now: Sample.now)
        #expect(mailbox.verdict(on: .email) == .suppress(.channelUnavailable))
    }
}
