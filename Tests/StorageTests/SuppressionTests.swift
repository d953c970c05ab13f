import Domain
import Postgres
import Testing

@testable import Storage

/// Addresses that nobody writes to, whoever has them.
@Suite struct SuppressionTests {
    private static let number = Address(.sms, "+4930123456")
    private static let mail = Address(.email, "shared@x.example")
    private static let acme = AccountID(unchecked: "ACME")
    private static let other = AccountID(unchecked: "OTHER")

    /// Two accounts with a user each who share a number and a mail address, and whose billing mailbox is that address at one.
    private func people(_ fixture: Fixture) async throws -> TenantStore {
        let tenant = try await fixture.tenant()
        for account in [Self.acme, Self.other] {
            let mailbox = account == Self.acme ? Self.mail.text : "elsewhere@x.example"
            _ = try await tenant.upsertAccount(
                AccountWrite(id: account, displayName: "Customer \(account)", billingEmail: mailbox),
                stamp: fixture.stamp(), now: fixture.now)
        }
        try await put("ann", of: Self.acme, in: tenant, fixture)
        try await put("otto", of: Self.other, in: tenant, fixture)
        return tenant
    }

    private func put(
        _ user: String, of account: AccountID?, _ points: [ContactPoint]? = nil, in tenant: TenantStore,
        _ fixture: Fixture
    ) async throws {
        _ = try await tenant.upsertUser(
            UserWrite(
                id: UserID(unchecked: user), account: account,
                contactPoints: points ?? [
                    ContactPoint(channel: .email, address: Self.mail.text),
                    ContactPoint(channel: .sms, address: Self.number.text),
                ]), stamp: fixture.stamp(), now: fixture.now)
    }

    private func suppress(
        _ address: Address, _ state: AddressState, at seconds: Int64 = 0, in tenant: TenantStore, _ fixture: Fixture,
        source: Suppression.Source = .provider
    ) async throws -> Bool {
        let change = try await tenant.suppress(
            [NewSuppression(address, state, at: fixture.now.adding(seconds: seconds))], source: source,
            stamp: fixture.stamp())
        #expect(change.changed.isSubset(of: [address]))
        return !change.changed.isEmpty
    }

    private func start(at seconds: Int64, in tenant: TenantStore, _ fixture: Fixture) async throws -> Bool {
        try await tenant.start(
            [OwnersStart(Self.number, at: fixture.now.adding(seconds: seconds))], stamp: fixture.stamp()
        ).changed == [Self.number]
    }

    private func state(_ user: String, _ channel: Channel, in tenant: TenantStore) async throws -> AddressState? {
        let people = try await tenant.people([UserID(unchecked: user)], includingSupplier: false, .utc)
        return people.users[UserID(unchecked: user)]?.facts.addresses[channel]
    }

    private func versions(_ tenant: TenantStore) async throws -> [AccountID?: Int64] {
        try await tenant.factsVersions(of: [Self.acme, Self.other, nil]).versions
    }

    private func lines(_ tenant: TenantStore) async throws -> Int {
        try await tenant.audit(size: 100).elements.count
    }

    @Test func aStopHoldsForEverybodyWhoHasTheNumberAndOnlyOnce() async throws {
        try await withStorage { fixture in
            let tenant = try await people(fixture)
            try await put("rita", of: nil, [ContactPoint(channel: .sms, address: "+4930999999")], in: tenant, fixture)
            let (before, lines) = (try await versions(tenant), try await lines(tenant))
            #expect(try await suppress(Self.number, .stopped, in: tenant, fixture))
            #expect(try await state("ann", .sms, in: tenant) == .stopped)
            #expect(try await state("otto", .sms, in: tenant) == .stopped)
            #expect(try await state("ann", .email, in: tenant) == .usable)
            #expect(try await state("rita", .sms, in: tenant) == .usable)
            let after = try await versions(tenant)
            #expect(after[Self.acme] == before[Self.acme].map { $0 + 1 })
            #expect(after[Self.other] == before[Self.other].map { $0 + 1 })
            #expect(after[AccountID?.none] == before[AccountID?.none], "nobody of the supplier has it")
            #expect(try await self.lines(tenant) == lines + 1)

            // The same once more, and weaker words, change nothing at all.
            #expect(try await !suppress(Self.number, .stopped, in: tenant, fixture))
            #expect(try await !suppress(Self.number, .hardBounced, at: 50, in: tenant, fixture))
            #expect(try await versions(tenant) == after)
            #expect(try await self.lines(tenant) == lines + 1)
            let line = try #require(try await tenant.audit(size: 1).elements.first)
            #expect(line.action == "address.suppress" && line.before == nil)
            #expect(line.after?.contains(Self.number.text) == false && line.after?.contains(#""+***""#) == true)
            #expect(line.after?.contains(#"["ann", "otto"]"#) == true)
        }
    }

    @Test func factsAreFeltToChangeOnlyWhereSomebodyHasTheAddress() async throws {
        try await withStorage { fixture in
            let tenant = try await people(fixture)
            func felt(_ address: Address) async throws -> [Bool] {
                let found = NewSuppression(address, .stopped, at: fixture.now)
                let change = try await tenant.suppress([found], source: .provider, stamp: fixture.stamp())
                return [!change.changed.isEmpty, change.isFelt]
            }
            #expect(try await felt(Address(.sms, "+4930555555")) == [true, false], "nobody has it")
            #expect(try await felt(Self.number) == [true, true])
            #expect(try await felt(Self.number) == [false, false])
            // A program of the version before has stored it with a user again, and knows nothing of suppressions.
            try await fixture.query(
                as: tenant,
                "UPDATE t_\(tenant.tenant).contact_point SET state = 'usable' WHERE user_id = 'ann' AND channel = 'sms'"
            )
            #expect(try await felt(Self.number) == [false, true])
            #expect(try await state("ann", .sms, in: tenant) == .stopped)
            let start = try await tenant.start(
                [OwnersStart(Self.number, at: fixture.now.adding(seconds: 1))], stamp: fixture.stamp())
            #expect(start.changed == [Self.number] && start.isFelt)
            let again = try await tenant.start(
                [OwnersStart(Self.number, at: fixture.now.adding(seconds: 2))], stamp: fixture.stamp())
            #expect(again.changed.isEmpty && !again.isFelt)
        }
    }

    @Test func anAddressThatIsStoredLaterTakesTheState() async throws {
        try await withStorage { fixture in
            let tenant = try await people(fixture)
            let unknown = Address(.email, "nobody.yet@x.example")
            #expect(try await suppress(unknown, .complained, in: tenant, fixture))
            let point = ContactPoint(channel: .email, address: unknown.text)
            try await put("bob", of: Self.acme, [point], in: tenant, fixture)
            #expect(try await state("bob", .email, in: tenant) == .complained)
            // Also one that another user gives up and that is nobody's for a while.
            try await put("bob", of: Self.acme, [], in: tenant, fixture)
            #expect(try await state("bob", .email, in: tenant) == .missing)
            try await put("cid", of: Self.other, [point], in: tenant, fixture)
            #expect(try await state("cid", .email, in: tenant) == .complained)
        }
    }

    @Test func onlyTheOwnersStartLiftsAStopAndNothingElse() async throws {
        try await withStorage { fixture in
            let tenant = try await people(fixture)
            #expect(try await suppress(Self.number, .stopped, at: 10, in: tenant, fixture))
            let refused = try await tenant.removeSuppression(
                of: Self.number, stamp: fixture.stamp(), now: fixture.now.adding(seconds: 20))
            #expect(refused == .stoppedByOwner)
            #expect(try await !start(at: 5, in: tenant, fixture), "the STOP came later")
            #expect(try await state("ann", .sms, in: tenant) == .stopped)
            let before = try await versions(tenant)
            #expect(try await start(at: 20, in: tenant, fixture))
            #expect(try await state("ann", .sms, in: tenant) == .usable)
            #expect(try await state("otto", .sms, in: tenant) == .usable)
            #expect(try await versions(tenant)[Self.acme] == before[Self.acme].map { $0 + 1 })
            #expect(try await tenant.audit(size: 1).elements.first?.action == "address.restore")
            #expect(try await !start(at: 20, in: tenant, fixture))
            // The report of the first STOP comes once more, long after.
            #expect(try await !suppress(Self.number, .stopped, at: 10, in: tenant, fixture))
            #expect(try await state("ann", .sms, in: tenant) == .usable)
            #expect(try await suppress(Self.number, .stopped, at: 30, in: tenant, fixture), "another one is news")

            let dead = Address(.sms, "+4930777777")
            #expect(try await suppress(dead, .hardBounced, in: tenant, fixture))
            let starts = [OwnersStart(dead, at: fixture.now.adding(seconds: 9))]
            #expect(
                try await tenant.start(starts, stamp: fixture.stamp()).changed.isEmpty, "a number that is gone stays so"
            )
            // Who said START before anybody heard of the STOP that came before it.
            let early = Address(.sms, "+4930888888")
            _ = try await tenant.start([OwnersStart(early, at: fixture.now.adding(seconds: 9))], stamp: fixture.stamp())
            #expect(try await !suppress(early, .stopped, at: 8, in: tenant, fixture))
        }
    }

    @Test func aStartConfirmsANumberThatWaitsForIt() async throws {
        try await withStorage { fixture in
            let tenant = try await people(fixture)
            let point = ContactPoint(channel: .sms, address: Self.number.text, state: .unverified)
            try await put("bob", of: Self.acme, [point], in: tenant, fixture)
            #expect(try await suppress(Self.number, .stopped, in: tenant, fixture))
            #expect(
                try await state("bob", .sms, in: tenant) == .unverified, "it is not usable when the STOP ends otherwise"
            )
            #expect(try await start(at: 5, in: tenant, fixture))
            #expect(try await state("bob", .sms, in: tenant) == .usable)
        }
    }

    @Test func whatTheSupplierRemovesIsUsableAgainAndOldNewsDoNotComeBack() async throws {
        try await withStorage { fixture in
            let tenant = try await people(fixture)
            let missing = try await tenant.removeSuppression(of: Self.mail, stamp: fixture.stamp(), now: fixture.now)
            #expect(missing == .notFound)
            #expect(try await suppress(Self.mail, .hardBounced, in: tenant, fixture, source: .worker))
            #expect(try await suppress(Self.mail, .complained, at: 1, in: tenant, fixture), "it is stronger")
            #expect(try await state("otto", .email, in: tenant) == .complained)
            let later = fixture.now.adding(seconds: 60)
            #expect(try await tenant.removeSuppression(of: Self.mail, stamp: fixture.stamp(), now: later) == .removed)
            #expect(try await state("ann", .email, in: tenant) == .usable)
            #expect(try await tenant.suppressions(on: [.email, .sms, .push], size: 10).elements.isEmpty)
            #expect(try await !suppress(Self.mail, .hardBounced, at: 59, in: tenant, fixture))
            #expect(try await suppress(Self.mail, .hardBounced, at: 61, in: tenant, fixture))
            let again = try await tenant.removeSuppression(
                of: Address(.sms, Self.mail.text), stamp: fixture.stamp(), now: later)
            #expect(again == .notFound, "another channel")
        }
    }

    @Test func aBillingMailboxIsAnAddressToo() async throws {
        try await withStorage { fixture in
            let tenant = try await people(fixture)
            func mailboxes() async throws -> [AddressState] {
                let facts = try await tenant.facts(of: [Self.acme, Self.other, nil], .utc)
                let people = try await tenant.people([UserID(unchecked: "ann")], includingSupplier: false, .utc)
                return [Self.acme, Self.other, nil].compactMap { facts[$0]?.directory.side.mailbox }
                    + [try #require(people.homes[Self.acme]).facts.mailbox]
            }
            #expect(try await mailboxes() == [.usable, .usable, .missing, .usable])
            for user in ["ann", "otto"] {
                try await put(user, of: user == "ann" ? Self.acme : Self.other, [], in: tenant, fixture)
            }
            let before = try await versions(tenant)
            #expect(try await suppress(Self.mail, .hardBounced, in: tenant, fixture))
            #expect(try await mailboxes() == [.hardBounced, .usable, .missing, .hardBounced])
            let after = try await versions(tenant)
            #expect(after[Self.acme] == before[Self.acme].map { $0 + 1 })
            #expect(after[Self.other] == before[Self.other])
            _ = try await tenant.removeSuppression(of: Self.mail, stamp: fixture.stamp(), now: fixture.now)
            #expect(try await mailboxes() == [.usable, .usable, .missing, .usable])
            #expect(try await versions(tenant)[Self.acme] == after[Self.acme].map { $0 + 1 })
        }
    }

    @Test func theyAreListedInPages() async throws {
        try await withStorage { fixture in
            let tenant = try await people(fixture)
            for place in 0..<5 {
                _ = try await suppress(Address(.email, "a\(place)@x.example"), .hardBounced, in: tenant, fixture)
            }
            _ = try await suppress(Self.number, .stopped, in: tenant, fixture)
            _ = try await suppress(Address(.push, "a0@x.example"), .tokenGone, in: tenant, fixture)
            let all: [Channel] = [.email, .push, .sms]
            let first = try await tenant.suppressions(on: all, size: 4)
            #expect(first.elements.map(\.address.text) == (0..<4).map { "a\($0)@x.example" })
            let second = try await tenant.suppressions(on: all, after: first.next, size: 4)
            #expect(second.elements.map(\.address.channel) == [.email, .push, .sms])
            #expect(second.next == nil)
            let stopped = try #require(second.elements.last)
            #expect(stopped.state == .stopped && stopped.source == .provider && stopped.since == fixture.now)
            #expect(try await tenant.suppressions(on: [.sms], size: 4).elements == [stopped])
            let named = try await tenant.suppressions(on: all, address: "a0@x.example", size: 4)
            #expect(named.elements.map(\.address.channel) == [.email, .push])
        }
    }

    @Test func twoWhoTellAtOnceDoNotLoseAWord() async throws {
        try await withStorage { fixture in
            let tenant = try await people(fixture)
            let another = fixture.another(tenant)
            for round in 0..<8 {
                let address = Address(.sms, "+493055500\(round)")
                let point = ContactPoint(channel: .sms, address: address.text)
                async let told = another.suppress(
                    [NewSuppression(address, .stopped, at: fixture.now)], source: .provider, stamp: fixture.stamp())
                async let stored: Void = put("u\(round)", of: Self.acme, [point], in: tenant, fixture)
                _ = try await (told, stored)
                #expect(try await state("u\(round)", .sms, in: tenant) == .stopped, "whoever came first")
            }
        }
    }

    @Test func aMigrationTakesOverWhatIsKnownOfUsers() async throws {
        try await withStorage { fixture in
            let tenant = try await people(fixture)
            let schema = "t_\(tenant.tenant)"
            try await fixture.query(
                as: tenant,
                "UPDATE \(schema).contact_point SET state = 'complained' WHERE user_id = 'ann' AND channel = 'email'")
            try await fixture.query(
                as: tenant,
                "UPDATE \(schema).contact_point SET state = 'hard_bounced' WHERE user_id = 'otto' AND channel = 'email'"
            )
            let before = try await versions(tenant)
            let step = try #require(TenantSchema.migrations.last { $0.version == 6 })
            for _ in 0..<2 {
                for part in step.script.steps.suffix(2) {
                    for statement in part.script.statements(["schema": schema]) {
                        _ = try await fixture.owner.run(Unit([Query(statement)]))
                    }
                }
            }
            let listed = try await tenant.suppressions(on: [.email, .sms, .push], size: 10).elements
            #expect(listed.map(\.state) == [.complained], "of two words the stronger one")
            #expect(listed.first?.since == nil && listed.first?.source == .migration)
            #expect(try await state("otto", .email, in: tenant) == .complained)
            let after = try await versions(tenant)
            #expect(after[Self.other] == before[Self.other].map { $0 + 1 }, "once")
            #expect(after[Self.acme] == before[Self.acme])
            #expect(
                try await tenant.removeSuppression(of: Self.mail, stamp: fixture.stamp(), now: fixture.now) == .removed)
        }
    }

    @Test func addressesThatSomebodyHasAreKnown() async throws {
        try await withStorage { fixture in
            let tenant = try await people(fixture)
            let mailbox = Address(.email, "elsewhere@x.example")
            let stored = Address(.sms, "+4930999")
            let strangers: Set = [
                Address(.email, "nobody@x.example"), Address(.sms, "+49301"), Address(.push, Self.mail.text),
                Address(.sms, mailbox.text),
            ]
            _ = try await suppress(stored, .stopped, in: tenant, fixture)
            let known: Set = [Self.number, Self.mail, mailbox, stored]
            #expect(try await tenant.knownAddresses(known.union(strangers)) == known)
            #expect(try await tenant.knownAddresses([]).isEmpty)
            #expect(try await fixture.tenant().knownAddresses(known).isEmpty)
        }
    }
}
