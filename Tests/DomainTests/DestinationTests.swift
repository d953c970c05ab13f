import Testing

@testable import Domain

/// An event that is about one address goes there, whatever others its reader has.
@Suite struct DestinationTests {
    private func decision(_ user: UserFacts, _ state: AddressState?, _ type: NotificationType) -> Decision {
        let event = EventFacts(
            type: type, addressedUsers: [user.id], destination: state.map { EventFacts.Destination(on: .email, $0) })
        return decide(
            user: user.id, as: .customer, event: event, account: Sample.account([user]), settings: TenantSettings(),
            now: Sample.now)
    }

    @Test func itsStateCountsAndNotThatOfTheReadersAddress() throws {
        let type = try Sample.type(setting: Setting(.mandatoryAll))
        let bounced = Sample.user("u", addresses: [.email: .hardBounced])
        #expect(decision(bounced, nil, type).verdict(on: .email) == .suppress(.hardBounce))
        #expect(decision(bounced, .usable, type).verdict(on: .email) == .deliver)
        #expect(decision(bounced, .complained, type).verdict(on: .email) == .suppress(.complaint))
        let fine = Sample.user("u")
        #expect(decision(fine, .hardBounced, type).verdict(on: .email) == .suppress(.hardBounce))
        #expect(decision(fine, .hardBounced, type).verdict(on: .inApp) == .deliver, "of no other channel")
    }

    /// Of a mandatory type the one channel that is kept is one that reaches somebody.
    @Test func whatIsKeptGoesByIt() throws {
        let type = try Sample.type(setting: Setting(.mandatoryAll))
        let user = Sample.user(
            "u", addresses: [.email: .missing, .inApp: .missing], choice: Choice(channelsOff: ChannelSet(.email)))
        #expect(decision(user, nil, type).verdict(on: .email) != .deliver)
        #expect(decision(user, .usable, type).verdict(on: .email) == .deliver)
    }

    /// What is about access has addresses of its own; other types do not look at them.
    @Test func accessGoesByItsOwnAddresses() throws {
        var user = Sample.user("u", addresses: [.email: .usable])
        user.accessAddresses = PerChannel(repeating: .missing)
        let access = try #require(Catalog.builtIn[TypeKey(unchecked: "security.password_reset_requested")])
        #expect(decision(user, nil, access).verdict(on: .email) == .suppress(.noAddress))
        #expect(decision(user, .usable, access).verdict(on: .email) == .deliver)
        let other = try Sample.type(setting: Setting(.mandatoryAll))
        #expect(decision(user, nil, other).verdict(on: .email) == .deliver)
    }

    @Test func whatIsAboutAccessIsKnown() {
        let about = Catalog.builtIn.types.filter { $0.isAboutAccess(for: .customer) }
        #expect(about.contains { $0.key.rawValue == "security.password_reset_requested" })
        #expect(about.contains { $0.key.rawValue == "user.invited_by_supplier" }, "a link that lets in")
        #expect(!about.contains { $0.key.rawValue == "invoice.created" })
        #expect(
            !about.contains { $0.key.rawValue == "security.sso_configuration_changed" }, "it goes to all administrators"
        )
        #expect(about.allSatisfy { $0.category.rawValue == "Security" || $0.key.rawValue.hasPrefix("user.invit") })
    }
}
