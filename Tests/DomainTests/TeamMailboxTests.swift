import Testing

@testable import Domain

/// The mailbox of the supplier's team: it hears like a member who has mail and nothing else.
@Suite struct TeamMailboxTests {
    private func supplier(
        _ users: [UserFacts] = [Sample.user("rita")], mailbox: AddressState = .usable, choices: Choices = .none
    ) -> Directory {
        Directory(users: users, defaultUser: "rita", mailbox: mailbox, mailboxChoices: choices)
    }

    private func entries(
        _ setting: Setting, _ supplier: Directory, audience: Audience = .internalTeam,
        settings: TenantSettings = TenantSettings(), notBefore: Instant? = nil
    ) throws -> [RecipientDecision] {
        let type = try Sample.type(setting: setting, audience: audience)
        return resolve(
            event: EventFacts(type: type, notBefore: notBefore), account: nil, supplier: supplier, settings: settings,
            now: Sample.now)
    }

    private func mailbox(_ entries: [RecipientDecision]) throws -> Decision? {
        let found = entries.filter { $0.recipient == .mailbox(nil) }
        #expect(found.count <= 1, "once for each event")
        return found.first?.decision
    }

    @Test(
        arguments: [
            (Preset.disabled, nil, Reason.typeDisabled), (.enabled, nil, .notSubscribed), (.enabled, true, .optedIn),
            (.subscribed, nil, .subscribedByDefault), (.subscribed, false, .optedOut),
            (.mandatoryAll, false, .mandatoryForAll),
            (.mandatoryAtLeastOne, nil, .notSubscribed), (.mandatoryAtLeastOne, true, .optedIn),
        ] as [(Preset, Bool?, Reason)])
    func itHearsAsSettingsAndChoicesSay(_ preset: Preset, _ choice: Bool?, _ reason: Reason) throws {
        let choices = Choices(all: Choice(whole: choice))
        let found = try mailbox(try entries(Setting(preset), supplier(choices: choices)))
        let decision = try #require(found)
        #expect(decision.reason == reason)
        #expect(decision.isPositive == reason.isPositive)
        #expect(decision.positiveChannels == (reason.isPositive ? ChannelSet(.email) : []))
    }

    @Test func moreThanOneMemberIsStillOneMail() throws {
        let users = ["rita", "sam", "tom"].map { Sample.user($0) }
        let told = told(try entries(Setting(.subscribed), supplier(users)))
        #expect(told == ["rita", "sam", "tom", "mailbox"])
    }

    @Test func withoutOneNobodyIsAskedForIt() throws {
        #expect(try mailbox(try entries(Setting(.subscribed), supplier(mailbox: .missing))) == nil)
        let individual = try entries(Setting(.subscribed), supplier(), audience: .internalIndividual)
        #expect(try mailbox(individual) == nil, "what is for single people is not for the team")
    }

    @Test func aDeadAddressIsNotUsedAndSaid() throws {
        let decision = try mailbox(try entries(Setting(.mandatoryAll), supplier(mailbox: .hardBounced)))
        #expect(decision?.verdict(on: .email) == .suppress(.hardBounce))
        #expect(decision?.reason == .mandatoryForAll)
    }

    @Test func itStandsInWhereNobodyCanBeReachedAndIsNamedOnce() throws {
        let away = Sample.user("rita", status: .disabled)
        let all = try entries(Setting(.mandatoryAtLeastOne), supplier([away]))
        #expect(try mailbox(all)?.reason == .mandatoryForStandIn)
        // The worker asks again: as long as one must be told it stands in, and afterwards it is a member.
        let type = try Sample.type(setting: Setting(.mandatoryAtLeastOne), audience: .internalTeam)
        func again(_ setting: Setting, _ duty: Duty?) throws -> Reason {
            var settings = TenantSettings()
            settings.overrides[type.key, .internalTeam] = setting
            return decideMailbox(
                as: .internalTeam, event: EventFacts(type: type), account: nil, supplier: supplier(),
                settings: settings, heldDuty: duty, now: Sample.now
            ).reason
        }
        #expect(try again(Setting(.mandatoryAtLeastOne), .standIn) == .mandatoryForStandIn)
        #expect(try again(Setting(.subscribed), .standIn) == .subscribedByDefault)
        #expect(try again(Setting(.enabled), nil) == .notSubscribed)
    }

    @Test func itWaitsForTheEventsTimeAlone() throws {
        let time = Sample.now.advanced(by: .seconds(60))
        let later = try mailbox(try entries(Setting(.subscribed), supplier(), notBefore: time))
        #expect(later?.channels[.email] == ChannelDecision(.defer(until: time), .notYet))
    }
}
