import Domain
import Postgres
import Testing

@testable import Storage

@Suite struct PreferenceTests {
    private static let acme = AccountID(unchecked: "ACME")
    private static let ann = UserID(unchecked: "ann")
    private static let invoice = TypeKey(unchecked: "invoice.created")

    private func tenant(_ fixture: Fixture) async throws -> TenantStore {
        let tenant = try await fixture.tenant()
        _ = try await tenant.upsertAccount(
            AccountWrite(id: Self.acme, billingEmail: "billing@acme.example"), stamp: fixture.stamp(), now: fixture.now)
        _ = try await tenant.upsertUser(
            UserWrite(
                id: Self.ann, account: Self.acme, isAdmin: true,
                contactPoints: [ContactPoint(channel: .email, address: "ann@acme.example")]), stamp: fixture.stamp(),
            now: fixture.now)
        return tenant
    }

    @Test func choicesAreStoredTakenBackAndSeenAtOnce() async throws {
        try await withStorage { fixture in
            let tenant = try await tenant(fixture)
            let before = try #require(try await tenant.factsVersions(of: [Self.acme]).versions[Self.acme])
            let category = CategoryName(unchecked: "Users and accounts")
            let update = try #require(
                try await tenant.updatePreferences(
                    of: Self.ann,
                    [
                        PreferenceChange(audience: .customer, scope: .type(Self.invoice), isOn: true),
                        PreferenceChange(audience: .customer, scope: .type(Self.invoice), channel: .email, isOn: true),
                        PreferenceChange(audience: .customer, scope: .type(Self.invoice), channel: .email, isOn: false),
                        PreferenceChange(audience: .customer, scope: .category(category), isOn: false),
                        PreferenceChange(audience: .internalTeam, scope: .all, channel: .inApp, isOn: true),
                    ], stamp: fixture.stamp(), .at(fixture.now)))
            #expect(update.home.version == before + 1)
            let choices = update.user.facts.choices
            #expect(choices.customer[Self.invoice] == Choice(whole: true, channelsOff: [ChannelSet(.email)]))
            #expect(choices.customer[category] == Choice(whole: false))
            #expect(choices.internalTeam.all == Choice(channelsOn: ChannelSet(.inApp)))
            #expect(choices.internalIndividual == Choices.none)
            #expect(update.stored.choices.count == 4)
            #expect(try await tenant.choices(of: Self.ann)?.stored == update.stored)

            let stale = try await storageError { () async throws(StorageError) in
                try await tenant.updatePreferences(
                    of: Self.ann, [PreferenceChange(audience: .customer, scope: .all, isOn: false)],
                    expectedRevision: update.stored.revision - 1, stamp: fixture.stamp(), .at(fixture.now))
            }
            #expect(stale.code == .revisionMismatch)

            let cleared = try #require(
                try await tenant.updatePreferences(
                    of: Self.ann,
                    [
                        PreferenceChange(audience: .customer, scope: .type(Self.invoice), isOn: nil),
                        PreferenceChange(audience: .customer, scope: .category(category), isOn: nil),
                    ], expectedRevision: update.stored.revision, stamp: fixture.stamp(), .at(fixture.now)))
            #expect(cleared.stored.choices.count == 2)
            let left = cleared.user.facts.choices.customer
            #expect(left[Self.invoice] == Choice(channelsOff: ChannelSet(.email)))
            #expect(left.scopes == [.type(Self.invoice)])

            let audit = try await tenant.audit(size: 2)
            #expect(audit.elements.map(\.action) == ["preference.update", "preference.update"])
            #expect(audit.elements[1].before == nil)
            #expect(audit.elements[0].before?.contains("Users and accounts") == true)
            #expect(audit.elements[0].actor == "key/test")
        }
    }

    @Test func aUserWhoDoesNotExistChoosesNothing() async throws {
        try await withStorage { fixture in
            let tenant = try await tenant(fixture)
            let nobody = UserID(unchecked: "nobody")
            let update = try await tenant.updatePreferences(
                of: nobody, [PreferenceChange(audience: .customer, scope: .all, isOn: true)], stamp: fixture.stamp(),
                .at(fixture.now))
            #expect(update == nil)
            #expect(try await tenant.choices(of: nobody)?.stored == nil)
            let people = try await tenant.people([nobody], includingSupplier: false, .utc)
            #expect(people.users.isEmpty && people.homes.isEmpty)
            #expect(try await tenant.audit(size: 1).elements.map(\.action) == ["user.create"])
        }
    }

    @Test func factsHoldWhatDecisionsNeed() async throws {
        try await withStorage { fixture in
            let tenant = try await tenant(fixture)
            fixture.now = fixture.now.adding(seconds: 1)
            _ = try await tenant.upsertUser(
                UserWrite(id: UserID(unchecked: "bob"), account: Self.acme, status: .disabled), stamp: fixture.stamp(),
                now: fixture.now)
            _ = try await tenant.upsertUser(
                UserWrite(id: UserID(unchecked: "rep"), isTeamMember: true), stamp: fixture.stamp(), now: fixture.now)
            _ = try await tenant.upsertUser(
                UserWrite(id: UserID(unchecked: "clerk")), stamp: fixture.stamp(), now: fixture.now)
            _ = try await tenant.setDefaultUser(of: Self.acme, to: Self.ann, stamp: fixture.stamp(), now: fixture.now)
            let everywhere = StoredSetting(type: Self.invoice, audience: .customer, setting: Setting(.disabled))
            let here = StoredSetting(
                account: Self.acme, type: Self.invoice, audience: .customer,
                setting: Setting(.mandatoryAtLeastOne, othersSubscribed: true))
            let before = try await tenant.factsVersions(of: [Self.acme, nil]).versions
            try await tenant.putSettings([everywhere, here], stamp: fixture.stamp(), now: fixture.now)
            #expect(try await tenant.storedSettings() == [everywhere, here])

            let facts = try await tenant.facts(of: [Self.acme, nil, AccountID(unchecked: "nobody")], .utc)
            #expect(facts.count == 2)
            let account = try #require(facts[Self.acme])
            #expect(account.version == before[Self.acme].map { $0 + 1 })
            #expect(account.pin == FactsPin(account: Self.acme, version: account.version))
            #expect(account.overrides[Self.invoice, .customer] == here.setting)
            #expect(account.users[Self.ann]?.contactPoints.map(\.address) == ["ann@acme.example"])
            let directory = account.directory
            #expect(directory.users.map(\.id.rawValue) == ["ann", "bob"])
            #expect(account.record?.defaultUser == Self.ann)
            #expect(directory.side.mailbox == .usable)
            let ann = try #require(directory[Self.ann])
            #expect(ann.isAdmin)
            #expect(ann.addresses[.email] == .usable)
            #expect(ann.addresses[.inApp] == .usable)
            #expect(ann.addresses[.sms] == .missing)
            #expect(directory[UserID(unchecked: "bob")]?.status == .disabled)

            let supplier = try #require(facts[AccountID?.none])
            #expect(supplier.overrides[Self.invoice, .customer] == everywhere.setting)
            #expect(supplier.directory.users.filter(\.isTeamMember).map(\.id) == [UserID(unchecked: "rep")])
            #expect(supplier.directory.users.count == 2)

            let both = try await tenant.people([Self.ann], includingSupplier: true, .utc)
            #expect(Set(both.homes.keys) == [Self.acme, nil])
            let own = try await tenant.people([UserID(unchecked: "rep")], includingSupplier: false, .utc)
            #expect(Array(own.homes.keys) == [nil])
        }
    }

    @Test func providersAreStoredWithoutShowingTheirSecrets() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant()
            let before = try #require(try await tenant.facts(of: [nil], .utc)[AccountID?.none])
            #expect(before.providedChannels == ChannelSet(.inApp))
            var write = ProviderWrite(
                id: ProviderID(unchecked: "main"), channel: .email, kind: "smtp", displayName: "Relay", priority: 2,
                config: #"{"host": "mail.example"}"#, secret: .set([9, 9]))
            let made = try await tenant.putProvider(write, stamp: fixture.stamp(), now: fixture.now)
            #expect(made.created)
            #expect(made.record.hasSecret)
            #expect(made.record.sealedSecret == nil)
            #expect(try await tenant.provider(write.id) == made.record)
            #expect(try await tenant.provider(ProviderID(unchecked: "other")) == nil)
            write.secret = .keep
            write.config = #"{"host": "other.example"}"#
            let kept = try await tenant.putProvider(
                write, expectedRevision: made.record.revision, stamp: fixture.stamp(), now: fixture.now)
            #expect(!kept.created)
            #expect(kept.record.config == #"{"host": "other.example"}"#)
            _ = try await tenant.putProvider(
                ProviderWrite(id: ProviderID(unchecked: "first"), channel: .email, kind: "maildir", priority: 1),
                stamp: fixture.stamp(), now: fixture.now)
            _ = try await tenant.putProvider(
                ProviderWrite(id: ProviderID(unchecked: "off"), channel: .email, kind: "maildir", isEnabled: false),
                stamp: fixture.stamp(), now: fixture.now)
            let facts = try #require(try await tenant.facts(of: [nil], .utc)[AccountID?.none])
            #expect(facts.providedChannels == [ChannelSet(.inApp), ChannelSet(.email)])
            #expect(facts.version == before.version + 4)
            let sending = try await tenant.sendingProviders(for: .email)
            #expect(sending.map(\.id.rawValue) == ["first", "main"])
            #expect(sending.map(\.sealedSecret) == [nil, [9, 9]])
            let page = try await tenant.providers(channel: .email, size: 2)
            #expect(page.elements.map(\.id.rawValue) == ["first", "main"])
            #expect(page.elements.map(\.sealedSecret) == [nil, nil])
            #expect(try await tenant.providers(after: page.next, size: 2).elements.map(\.id.rawValue) == ["off"])
            #expect(try await tenant.providers(channel: .sms, size: 2).elements.isEmpty)
            let stale = try await storageError { () async throws(StorageError) in
                try await tenant.putProvider(
                    write, expectedRevision: made.record.revision, stamp: fixture.stamp(), now: fixture.now)
            }
            #expect(stale.code == .revisionMismatch)
            // One too many changes nothing, so what was decided before stands; those that there are can be changed.
            let full = try await storageError { () async throws(StorageError) in
                try await tenant.putProvider(
                    ProviderWrite(id: ProviderID(unchecked: "more"), channel: .sms, kind: "maildir"), limit: 3,
                    stamp: fixture.stamp(), now: fixture.now)
            }
            #expect(full.code == .tooManyProviders)
            #expect(try await tenant.factsVersions(of: [nil]).versions == [nil: facts.version])
            write.secret = .remove
            let bare = try await tenant.putProvider(write, limit: 3, stamp: fixture.stamp(), now: fixture.now)
            #expect(!bare.record.hasSecret)
            #expect(try await tenant.factsVersions(of: [nil]).versions == [nil: facts.version + 1])
            // What the audit keeps of a provider never holds the secret, sealed or not.
            let audit = try await tenant.audit(size: 10).elements
            #expect(audit.count == 5)
            #expect(audit.allSatisfy { !($0.before ?? "").contains("secret") && !($0.after ?? "").contains("secret") })
        }
    }
}
