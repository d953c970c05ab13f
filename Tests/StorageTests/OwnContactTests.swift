import Domain
import Testing

@testable import Storage

/// Addresses that users add to those which the portal gives.
@Suite struct OwnContactTests {
    private static let acme = AccountID(unchecked: "ACME")
    private static let ann = UserID(unchecked: "ann")
    private static let own = Address(.email, "own@home.example")
    private static let portals = Address(.email, "ann@acme.example")

    private func tenant(_ fixture: Fixture) async throws -> TenantStore {
        let tenant = try await fixture.tenant()
        _ = try await tenant.upsertAccount(AccountWrite(id: Self.acme), stamp: fixture.stamp(), now: fixture.now)
        try await put([Self.portals], in: tenant, fixture)
        return tenant
    }

    /// The portal gives these.
    private func put(_ addresses: [Address], in tenant: TenantStore, _ fixture: Fixture) async throws {
        _ = try await tenant.upsertUser(
            UserWrite(
                id: Self.ann, account: Self.acme,
                contactPoints: addresses.map { ContactPoint(channel: $0.channel, address: $0.text) }),
            stamp: fixture.stamp(), now: fixture.now)
    }

    /// The user adds these, and no others.
    @discardableResult
    private func add(
        _ addresses: [Address], at seconds: Int64 = 0, in tenant: TenantStore, _ fixture: Fixture
    ) async throws -> PreferencesUpdate {
        var change = PersonalChange()
        change.contactPoints = addresses
        return try #require(
            try await tenant.updatePreferences(
                of: Self.ann, [], change, stamp: fixture.stamp(), .at(fixture.now.adding(seconds: seconds))))
    }

    private func states(_ tenant: TenantStore) async throws -> [String] {
        let user = try #require(try await tenant.users([Self.ann])[Self.ann])
        return user.contactPoints.map {
            "\($0.address) \($0.state.rawValue)\($0.isPortals ? " portal" : "")\($0.ownSince == nil ? "" : " own")"
        }
    }

    private func confirm(
        _ address: Address, in tenant: TenantStore, _ fixture: Fixture
    ) async throws
        -> PreferencesUpdate?
    {
        try await tenant.confirm(address, of: Self.ann, stamp: fixture.stamp(), .at(fixture.now))
    }

    @Test func theyWaitUntilTheyAreConfirmed() async throws {
        try await withStorage { fixture in
            let tenant = try await tenant(fixture)
            let added = try await add([Self.own], in: tenant, fixture)
            #expect(added.user.record.contactPoints.map(\.state) == [.unverified, .usable])
            #expect(added.user.record.contactPoint(on: .email)?.address == Self.portals.text)
            #expect(added.user.facts.addresses[.email] == .usable)
            #expect(try await tenant.ownContact(of: Self.ann, Self.own)?.since == fixture.now)
            let confirmed = try #require(try await confirm(Self.own, in: tenant, fixture))
            #expect(confirmed.stored.revision == added.stored.revision + 1)
            #expect(confirmed.home.version == added.home.version + 1, "facts have changed")
            let record = confirmed.user.record
            #expect(record.contactPoint(on: .email)?.address == Self.own.text)
            #expect(record.contactPoint(on: .email, isAboutAccess: true)?.address == Self.portals.text)
            // Both ways of reading say the same.
            let facts = try #require(try await tenant.facts(of: [Self.acme], .at(fixture.now))[Self.acme])
            #expect(facts.users[Self.ann]?.contactPoints == record.contactPoints)
            #expect(try await tenant.users([Self.ann])[Self.ann]?.contactPoints == record.contactPoints)
            #expect(confirmed.home.facts == facts.directory.side)
        }
    }

    /// What the portal gives and what the user adds do not take each other away.
    @Test func thePortalAndTheUserHaveTheirOwnSay() async throws {
        try await withStorage { fixture in
            let tenant = try await tenant(fixture)
            try await add([Self.own, Address(.sms, "+4930123456")], in: tenant, fixture)
            try await put([Address(.email, "new@acme.example")], in: tenant, fixture)
            #expect(
                try await states(tenant) == [
                    "own@home.example unverified own", "new@acme.example usable portal", "+4930123456 unverified own",
                ])
            // The portal knows the address to be the user's.
            try await put([Self.own], in: tenant, fixture)
            #expect(try await states(tenant)[0] == "own@home.example usable portal own")
            try await put([], in: tenant, fixture)
            #expect(try await states(tenant)[0] == "own@home.example usable own")
            try await add([], in: tenant, fixture)
            #expect(try await states(tenant).isEmpty)
            // What was given up has to be confirmed again.
            try await add([Self.own], at: 60, in: tenant, fixture)
            #expect(try await states(tenant) == ["own@home.example unverified own"])
            #expect(
                try await tenant.ownContact(of: Self.ann, Self.own)?.since == fixture.now.adding(seconds: 60))
            try await add([Self.portals, Self.own], at: 90, in: tenant, fixture)
            #expect(try await states(tenant).count == 2)
            #expect(
                try await tenant.ownContact(of: Self.ann, Self.own)?.since == fixture.now.adding(seconds: 60),
                "it was there")
        }
    }

    @Test func whatIsSuppressedStaysSo() async throws {
        try await withStorage { fixture in
            let tenant = try await tenant(fixture)
            try await add([Self.own], in: tenant, fixture)
            _ = try await tenant.suppress(
                [NewSuppression(Self.own, .complained, at: fixture.now)], source: .provider, stamp: fixture.stamp())
            #expect(try await tenant.ownContact(of: Self.ann, Self.own)?.state == .complained)
            // Whose word was under way: the address is the user's, and is not written to.
            #expect(try await confirm(Self.own, in: tenant, fixture)?.user.record.contactPoints[0].state == .complained)
            // What was given up has to be confirmed again, also when it may be written to again.
            try await add([], in: tenant, fixture)
            try await add([Self.own], in: tenant, fixture)
            #expect(try await states(tenant)[0] == "own@home.example unverified own")
            _ = try await tenant.removeSuppression(
                of: Self.own, stamp: fixture.stamp(), now: fixture.now.adding(seconds: 60))
            #expect(try await states(tenant)[0] == "own@home.example unverified own")
            #expect(try await tenant.ownContact(of: Self.ann, Self.own)?.state == .unverified)
        }
    }

    /// A START says something of who had added the number by then.
    @Test func aNumberIsConfirmedByAStartThatComes() async throws {
        try await withStorage { fixture in
            let (tenant, number) = (try await tenant(fixture), Address(.sms, "+4930123456"))
            func start(at seconds: Int64) async throws -> Bool {
                try await tenant.start(
                    [OwnersStart(number, at: fixture.now.adding(seconds: seconds))], stamp: fixture.stamp()
                ).changed == [number]
            }
            try await add([number], at: 60, in: tenant, fixture)
            #expect(try await !start(at: 59))
            #expect(try await states(tenant).last == "+4930123456 unverified own")
            #expect(try await start(at: 61))
            #expect(try await states(tenant).last == "+4930123456 usable own")
            let user = try #require(
                try await tenant.people([Self.ann], includingSupplier: false, .at(fixture.now)).users[Self.ann])
            #expect(user.facts.addresses[.sms] == .usable)
            #expect(user.facts.accessAddresses?[.sms] == .missing, "the portal gives a mail address")
            try await put([], in: tenant, fixture)
            let alone = try #require(
                try await tenant.people([Self.ann], includingSupplier: false, .at(fixture.now)).users[Self.ann])
            #expect(alone.facts.accessAddresses == nil, "there is nothing else")
        }
    }

    @Test func thereIsNothingToConfirmWhereNothingWaits() async throws {
        try await withStorage { fixture in
            let tenant = try await tenant(fixture)
            try await put([Self.portals], in: tenant, fixture)
            let before = try await tenant.audit(size: 100).elements.count
            _ = try await confirm(Self.own, in: tenant, fixture)
            _ = try await confirm(Self.portals, in: tenant, fixture)
            #expect(try await states(tenant) == ["ann@acme.example usable portal"])
            #expect(try await tenant.audit(size: 100).elements.count == before)
            let nobody = UserID(unchecked: "nobody")
            #expect(
                try await tenant.confirm(Self.own, of: nobody, stamp: fixture.stamp(), .at(fixture.now)) == nil)
            #expect(try await tenant.ownContact(of: Self.ann, Self.portals) == nil)
        }
    }

    @Test func theAuditTellsOfThemWithoutNamingThem() async throws {
        try await withStorage { fixture in
            let tenant = try await tenant(fixture)
            try await add([Self.own], in: tenant, fixture)
            try await add([Address(.email, "other@home.example")], in: tenant, fixture)
            try await add([Address(.email, "other@home.example")], in: tenant, fixture)
            _ = try await confirm(Address(.email, "other@home.example"), in: tenant, fixture)
            let lines = try await tenant.audit(size: 100).elements.prefix { $0.action != "user.create" }
            #expect(lines.map(\.action) == ["contact_point.confirm", "preference.update", "preference.update"])
            let points = #"["contact_points", [["email", "o***@home.example"]]]"#
            #expect(lines[1].before == "[\(points)]", "both look the same from afar, and still it was a change")
            #expect(lines[1].after == "[\(points)]" && lines[2].after == "[\(points)]")
            #expect(lines[2].before == nil)
        }
    }
}
