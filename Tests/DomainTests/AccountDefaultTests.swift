import Testing

@testable import Domain

/// What an account's administrators choose for those who choose nothing.
@Suite struct AccountDefaultTests {
    private static let on = Choice(whole: true)
    private static let off = Choice(whole: false)

    private func decide(
        _ choice: Choice?, defaults: Choices, setting: Setting = Setting(.subscribed), audience: Audience = .customer
    ) throws -> Decision {
        let type = try Sample.type(setting: setting, audience: audience)
        let user = Sample.user("u", choice: choice, audience: audience)
        return Domain.decide(
            user: "u", as: audience, event: EventFacts(type: type), account: Sample.account([user], defaults: defaults),
            supplier: Sample.supplier([user]), settings: TenantSettings(), now: Sample.now)
    }

    /// The user before the account, the account before the supplier.
    @Test(
        arguments: [
            (true, false, Reason.optedIn), (false, true, .optedOut), (nil, true, .subscribedByAccount),
            (nil, false, .unsubscribedByAccount), (nil, nil, .subscribedByDefault),
        ] as [(Bool?, Bool?, Reason)])
    func theNearerOneWins(choice: Bool?, standard: Bool?, reason: Reason) throws {
        let defaults = Choices(all: Choice(whole: standard))
        #expect(try decide(choice.map { Choice(whole: $0) }, defaults: defaults).reason == reason)
    }

    @Test func aDefaultOpensWhatTheSupplierOnlyOffers() throws {
        let decision = try decide(nil, defaults: Choices(all: Self.on), setting: Setting(.enabled))
        #expect(decision.reason == .subscribedByAccount)
        #expect(decision.isPositive)
        #expect(try !decide(nil, defaults: .none, setting: Setting(.enabled)).isPositive)
    }

    /// A word on everything of one's own comes before the account's word on this type.
    @Test func anyWordOfOnesOwnComesFirst() throws {
        let type = try Sample.type()
        var user = Sample.user("u", choices: Choices(all: Self.on))
        let account = Sample.account([user], defaults: Choices(types: [type.key: Self.off]))
        func reason() -> Reason {
            Domain.decide(
                user: "u", as: .customer, event: EventFacts(type: type),
                account: Sample.account([user], defaults: account.side.defaults),
                settings: TenantSettings(), now: Sample.now
            ).reason
        }
        #expect(reason() == .optedIn)
        user.choices.customer = .none
        #expect(reason() == .unsubscribedByAccount)
    }

    @Test func channelsHaveDefaultsToo() throws {
        let defaults = Choices(all: Choice(channelsOff: ChannelSet(.email)))
        let decision = try decide(nil, defaults: defaults)
        #expect(decision.verdict(on: .email) == .suppress(.unsubscribedByAccount))
        #expect(decision.verdict(on: .inApp) == .deliver)
        #expect(decision.reason == .subscribedByDefault)
        // Who turned the channel on gets it.
        #expect(try decide(Choice(channelsOn: ChannelSet(.email)), defaults: defaults).verdict(on: .email) == .deliver)
        // Where it is mandatory a channel may be dropped, and the last one may not.
        let mandatory = try decide(
            nil, defaults: Choices(all: Choice(channelsOff: .all)), setting: Setting(.mandatoryAll))
        #expect(mandatory.verdict(on: .email) == .deliver)
        #expect(mandatory.verdict(on: .inApp) == .suppress(.unsubscribedByAccount))
    }

    @Test func theSuppliersPeopleHaveNone() throws {
        let decision = try decide(nil, defaults: Choices(all: Self.off), audience: .internalIndividual)
        #expect(decision.reason == .subscribedByDefault)
    }

    @Test func theTraceSaysWhoChose() throws {
        let kept = try decide(nil, defaults: Choices(all: Self.off)).trace
        #expect(kept.choice == nil && kept.accountChoice == .init(level: .all, isOn: false))
        let own = try decide(Self.on, defaults: Choices(all: Self.off)).trace
        #expect(own.choice == .init(level: .type, isOn: true) && own.accountChoice == nil)
    }
}
