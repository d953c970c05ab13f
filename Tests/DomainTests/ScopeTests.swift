import Testing

@testable import Domain

@Suite struct ScopeTests {
    private let account = Sample.account(
        [Sample.user("dora"), Sample.user("adam", isAdmin: true), Sample.user("otto")], defaultUser: "dora")

    private func told(_ type: NotificationType, _ change: (inout EventFacts) -> Void = { _ in }) -> Set<String> {
        var event = EventFacts(type: type)
        change(&event)
        let supplier = Sample.supplier(
            [Sample.user("rep"), Sample.user("boss"), Sample.user("clerk")], team: ["boss", "clerk"])
        let decisions = resolve(
            event: event, account: account, supplier: supplier, settings: TenantSettings(), now: Sample.now)
        return Set(DomainTests.told(decisions))
    }

    @Test func customers() throws {
        let mandatory = Setting(.mandatoryAll)
        #expect(told(try Sample.type(setting: mandatory, scope: .account)) == ["dora", "adam", "otto"])
        #expect(told(try Sample.type(setting: mandatory, scope: .accountAdmins)) == ["adam"])
        let personal = try Sample.type(setting: mandatory, scope: .addressedUser)
        #expect(told(personal) == [])
        // Mandatory for all users never fans out what is addressed to one, and never crosses to the supplier's side.
        #expect(told(personal) { $0.addressedUsers = ["otto", "otto", "rep"] } == ["otto"])
    }

    @Test func supplierUsers() throws {
        let assigned = try Sample.type(scope: .assignedRep, audience: .internalIndividual)
        #expect(told(assigned) { $0.assignedReps = ["rep"] } == ["rep"])
        #expect(told(assigned) { $0.addressedUsers = ["rep"] } == [])
        let addressed = try Sample.type(scope: .addressedUser, audience: .internalIndividual)
        #expect(told(addressed) { $0.addressedUsers = ["clerk", "dora"] } == ["clerk"])
        #expect(told(try Sample.type(audience: .internalTeam)) == ["boss", "clerk"])
    }

    @Test func builtInSecurityTypesReachOnlyTheirAddressee() throws {
        for type in Catalog.builtIn.types where type.audiences.customer?.scope == .addressedUser {
            let got = told(type) { $0.addressedUsers = ["otto"] }
            #expect(got.subtracting(["otto", "boss", "clerk"]) == [], "\(type.key)")
        }
    }

    @Test func toldInPersonIsNotToldAgainInTheTeam() throws {
        let type = try #require(Catalog.builtIn[TypeKey(unchecked: "dispute.opened")])
        #expect(type.audiences.internalIndividual != nil && type.audiences.internalTeam != nil)
        let supplier = Sample.supplier([Sample.user("rep"), Sample.user("boss")])
        var settings = TenantSettings()
        settings.overrides[type.key, .internalIndividual] = Setting(.subscribed)
        settings.overrides[type.key, .internalTeam] = Setting(.mandatoryAll)
        let event = EventFacts(type: type, addressedUsers: ["rep"], assignedReps: ["rep"])
        let decisions = resolve(event: event, account: nil, supplier: supplier, settings: settings, now: Sample.now)
        #expect(DomainTests.told(decisions) == ["rep", "boss"])
        #expect(decisions.map(\.decision.reason).contains(.duplicate))
    }

    @Test func myNotificationsNarrowSupplierNotifications() throws {
        let type = try Sample.type(audience: .internalTeam)
        func decision(_ choice: Choice) -> Decision {
            let supplier = Sample.supplier([Sample.user("boss", choice: choice, audience: .internalIndividual)])
            return decide(
                user: "boss", as: .internalTeam, event: EventFacts(type: type), account: nil, supplier: supplier,
                settings: TenantSettings(), now: Sample.now)
        }
        #expect(decision(Choice(whole: false)).reason == .optedOut)
        #expect(decision(Choice(channelsOff: ChannelSet(.email))).positiveChannels == ChannelSet(.inApp))
        #expect(decision(Choice(whole: true)).isPositive)

        // It never widens.
        let enabled = try Sample.type(setting: Setting(.enabled), audience: .internalTeam)
        let keen = Sample.supplier([Sample.user("boss", choice: Choice(whole: true), audience: .internalIndividual)])
        let decisions = resolve(
            event: EventFacts(type: enabled), account: nil, supplier: keen, settings: TenantSettings(), now: Sample.now)
        #expect(DomainTests.told(decisions) == [])
    }

    @Test func customersAndSuppliersDoNotShareChoices() throws {
        let user = Sample.user("u", choice: Choice(whole: false), audience: .internalIndividual)
        #expect(Sample.decide(user, try Sample.type()).isPositive)
    }

    @Test func audienceThatTheTypeDoesNotConcern() throws {
        let decision = decide(
            user: "dora", as: .internalTeam, event: EventFacts(type: try Sample.type()), account: account,
            supplier: Sample.supplier([Sample.user("dora")]), settings: TenantSettings(), now: Sample.now)
        #expect(decision.reason == .typeDisabled)
    }
}
