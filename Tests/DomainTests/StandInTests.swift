import Testing

@testable import Domain

/// "At least one user" never comes down to nobody in silence.
@Suite struct StandInTests {
    private func decisions(
        _ account: Directory, scope: Scope = .account, event change: (inout EventFacts) -> Void = { _ in }
    ) throws -> [RecipientDecision] {
        var event = EventFacts(type: try Sample.type(setting: Setting(.mandatoryAtLeastOne), scope: scope))
        change(&event)
        return resolve(event: event, account: account, settings: TenantSettings(), now: Sample.now)
    }

    private func reasons(_ decisions: [RecipientDecision]) -> [Reason] { decisions.map(\.decision.reason) }

    private static let dead: [Channel: AddressState] = [.email: .hardBounced, .inApp: .missing]

    static let unreachable: [UserFacts?] = [
        nil, Sample.user("dora", status: .disabled), Sample.user("dora", status: .erased),
        Sample.user("dora", status: .notInvited), Sample.user("dora", addresses: dead),
    ]

    @Test func defaultUserWhileReachable() throws {
        let users = [Sample.user("admin", isAdmin: true), Sample.user("dora", addresses: [.email: .hardBounced])]
        let decisions = try decisions(Sample.account(users, defaultUser: "dora", mailbox: .usable))
        // The inbox is enough to be reachable.
        #expect(told(decisions) == ["dora"])
        #expect(reasons(decisions).contains(.mandatoryForDefaultUser))
    }

    @Test(arguments: unreachable)
    func seniorAdminStandsIn(_ dora: UserFacts?) throws {
        let users =
            [
                Sample.user("young", isAdmin: true, seniority: 9), Sample.user("old", isAdmin: true, seniority: 3),
                Sample.user("oldest", seniority: 1),
                Sample.user("gone", status: .disabled, isAdmin: true, seniority: 0),
            ] + [dora].compactMap { $0 }
        let decisions = try decisions(Sample.account(users, defaultUser: "dora", mailbox: .usable))
        #expect(told(decisions) == ["old"])
        #expect(reasons(decisions).contains(.mandatoryForStandIn))
    }

    @Test(arguments: unreachable)
    func anyUserStandsInWithoutAdmins(_ dora: UserFacts?) throws {
        let users =
            [
                Sample.user("b", seniority: 5), Sample.user("a", seniority: 5),
                Sample.user("admin", isAdmin: true, addresses: Self.dead),
            ] + [dora].compactMap { $0 }
        #expect(told(try decisions(Sample.account(users, defaultUser: "dora", mailbox: .usable))) == ["a"])
    }

    @Test(arguments: unreachable)
    func mailboxStandsInWithoutUsers(_ dora: UserFacts?) throws {
        let users = [dora].compactMap { $0 }
        let decisions = try decisions(Sample.account(users, defaultUser: "dora", mailbox: .usable))
        #expect(told(decisions) == ["mailbox"])
        #expect(decisions.last?.recipient == .mailbox(Sample.accountID))
        #expect(decisions.last?.decision.positiveChannels == ChannelSet(.email))
    }

    @Test(arguments: unreachable)
    func nobodyIsSaidAloud(_ dora: UserFacts?) throws {
        let users = [dora].compactMap { $0 }
        let decisions = try decisions(Sample.account(users, defaultUser: "dora"))
        #expect(told(decisions) == [])
        #expect(decisions.last?.recipient == .nobody(Sample.accountID))
        #expect(decisions.last?.decision.reason == .noEligibleRecipient)
    }

    @Test func othersOptOutDoesNotFreeAStandIn() throws {
        let off = Choice(whole: false)
        let account = Sample.account([Sample.user("a", choice: off), Sample.user("b", seniority: 1, choice: off)])
        #expect(told(try decisions(account)) == ["a"])
    }

    @Test func administratorsOnlyByAdministrators() throws {
        let dora = Sample.user("dora")
        let account = Sample.account([dora, Sample.user("adam", isAdmin: true)], defaultUser: "dora", mailbox: .usable)
        #expect(told(try decisions(account, scope: .accountAdmins)) == ["adam"])
        let without = Sample.account([dora], defaultUser: "dora", mailbox: .usable)
        #expect(try decisions(without, scope: .accountAdmins).map(\.recipient) == [.nobody(Sample.accountID)])
    }

    @Test func addresseesHaveNoStandIn() throws {
        let users = [Sample.user("dora"), Sample.user("anna", addresses: Self.dead)]
        let account = Sample.account(users, defaultUser: "dora", mailbox: .usable)
        let reached = try decisions(account, scope: .addressedUser) { $0.addressedUsers = ["dora"] }
        #expect(told(reached) == ["dora"])
        #expect(reasons(reached) == [.mandatoryForAddressee])
        let lost = try decisions(account, scope: .addressedUser) { $0.addressedUsers = ["anna"] }
        #expect(told(lost) == [])
        #expect(lost.last?.recipient == .nobody(Sample.accountID))
        // The event names somebody of the other side: nothing is owed here.
        #expect(try decisions(account, scope: .addressedUser) { $0.addressedUsers = ["rep"] }.isEmpty)
    }

    @Test func silenceIsNotUnreachability() throws {
        let empty = Sample.account([], mailbox: .usable)
        #expect(try decisions(empty) { $0.isObjectSuppressed = true }.isEmpty)
        #expect(try decisions(empty) { $0.inapplicability = .paid }.isEmpty)
        #expect(try decisions(Sample.account([], mailbox: .usable, isSuppressed: true)).isEmpty)
    }

    @Test func theActorKnows() throws {
        let type = try Sample.type(setting: Setting(.mandatoryAtLeastOne), excludesActor: true)
        let account = Sample.account([Sample.user("dora"), Sample.user("otto", isAdmin: true)], defaultUser: "dora")
        let decisions = resolve(
            event: EventFacts(type: type, actor: "dora"), account: account, settings: TenantSettings(), now: Sample.now)
        #expect(told(decisions) == [])
        #expect(decisions.map(\.recipient) == [.user("dora"), .user("otto")])
        #expect(decisions.first?.decision.reason == .actorExcluded)
    }

    @Test func dutyIsHeldUntilSending() throws {
        let type = try Sample.type(setting: Setting(.mandatoryAtLeastOne))
        let event = EventFacts(type: type)
        // Between publishing and sending, the default user became reachable again.
        let account = Sample.account([Sample.user("dora"), Sample.user("adam", isAdmin: true)], defaultUser: "dora")
        func adam(_ duty: Duty?, _ settings: TenantSettings = TenantSettings()) -> Decision {
            decide(
                user: "adam", as: .customer, event: event, account: account, settings: settings, heldDuty: duty,
                now: Sample.now)
        }
        #expect(adam(nil).reason == .notSubscribed)
        #expect(adam(.standIn).reason == .mandatoryForStandIn)
        // The duty ends when the setting is relaxed.
        var relaxed = TenantSettings()
        relaxed.overrides[type.key, .customer] = Setting(.enabled)
        #expect(adam(.standIn, relaxed).reason == .notSubscribed)

        let mailbox = Sample.account([Sample.user("dora")], defaultUser: "dora", mailbox: .usable)
        func second(_ account: Directory, _ settings: TenantSettings = TenantSettings()) -> Decision {
            decideMailbox(
                as: .customer, event: event, account: account, settings: settings, now: Sample.now)
        }
        #expect(second(mailbox).positiveChannels == ChannelSet(.email))
        #expect(second(mailbox, relaxed).reason == .notSubscribed)
        #expect(second(Sample.account([], mailbox: .hardBounced)).verdict(on: .email) == .suppress(.hardBounce))
    }
}
