import Domain
import Postgres
import Testing

@testable import Storage

/// Single users with what decisions about them rest on, against the whole account that they are of.
@Suite struct PeopleTests {
    static let acme = AccountID(unchecked: "acme")

    /// An account of users of all kinds, the same for each seed.
    private func account(_ fixture: Fixture, _ tenant: TenantStore, seed: UInt64) async throws -> [UserID] {
        var state = seed
        func pick(_ below: UInt64) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % below)
        }
        _ = try await tenant.upsertAccount(
            AccountWrite(id: Self.acme, billingEmail: "billing@acme.example", timeZone: "Asia/Tokyo"),
            stamp: fixture.stamp(), now: fixture.now)
        var ids: [UserID] = []
        for number in 0..<40 {
            // Some joined in the same moment.
            if pick(3) > 0 { fixture.now = fixture.now.adding(seconds: 1) }
            let id = UserID(unchecked: "\(["Z", "a", "m", "_"][pick(4)])\(number)")
            let isOfSupplier = number % 4 == 3
            let states: [AddressState] = [.usable, .usable, .unverified, .hardBounced, .stopped]
            let points = [Channel.email, .sms, .push].flatMap { channel in
                (0..<pick(3)).map { place in
                    ContactPoint(channel: channel, address: "\(channel)\(number)-\(place)", state: states[pick(5)])
                }
            }
            _ = try await tenant.upsertUser(
                UserWrite(
                    id: id, account: isOfSupplier ? nil : Self.acme,
                    status: [.active, .active, .invited, .disabled, .notInvited][pick(5)], isAdmin: pick(4) == 0,
                    isTeamMember: isOfSupplier && pick(2) == 0, timeZone: pick(3) == 0 ? "Europe/Berlin" : nil,
                    contactPoints: points), stamp: fixture.stamp(), now: fixture.now)
            if pick(4) == 0 {
                _ = try await tenant.updatePreferences(
                    of: id, [PreferenceChange(audience: .customer, scope: .all, isOn: pick(2) == 0)],
                    stamp: fixture.stamp(), .at(fixture.now))
            }
            ids.append(id)
        }
        return ids
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func singleUsersAreThoseOfTheWholeAccount(seed: UInt64) async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant()
            let ids = try await account(fixture, tenant, seed: seed)
            let contact = try #require(ids.last { $0.rawValue.hasSuffix("6") })
            _ = try await tenant.setDefaultUser(of: Self.acme, to: contact, stamp: fixture.stamp(), now: fixture.now)
            let invoice = TypeKey(unchecked: "invoice.created")
            try await tenant.putSettings(
                [StoredSetting(account: Self.acme, type: invoice, audience: .customer, setting: Setting(.disabled))],
                stamp: fixture.stamp(), now: fixture.now)
            _ = try await tenant.putProvider(
                ProviderWrite(id: ProviderID(unchecked: "main"), channel: .email, kind: "maildir"),
                stamp: fixture.stamp(), now: fixture.now)
            let whole = try await tenant.facts(of: [Self.acme, nil], .utc)
            let people = try await tenant.people(ids + [UserID(unchecked: "gone")], includingSupplier: false, .utc)
            #expect(Set(people.users.keys) == Set(ids))
            for account in [Self.acme, nil] {
                let side = try #require(whole[account])
                let home = try #require(people.homes[account])
                #expect(home.facts == side.directory.side)
                #expect(home.version == side.version)
                #expect(home.overrides == side.overrides)
                #expect(home.providedChannels == side.providedChannels)
                for (id, record) in side.users {
                    #expect(people.users[id]?.record == record)
                    #expect(people.users[id]?.facts == side.directory[id])
                }
            }
            #expect(people.homes[Self.acme]?.schedule.zone.name == "Asia/Tokyo")
        }
    }

    @Test func aloneTheyBringTheirAccountsAndNoOthers() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant()
            let ids = try await account(fixture, tenant, seed: 5)
            let alone = try await tenant.people([ids[0]], includingSupplier: false, .utc)
            #expect(Array(alone.users.keys) == [ids[0]] && Array(alone.homes.keys) == [Self.acme])
            let both = try await tenant.people([ids[0]], includingSupplier: true, .utc)
            #expect(Set(both.homes.keys) == [Self.acme, nil])
        }
    }
}
