import CarillonAPI
import CarillonGRPC
import CarillonNet
import Domain
import Storage
import Support
import Testing

@testable import Services

/// What one process changes of the facts of decisions, as another one sees it: two houses on one database.
///
/// What is read anew for its age alone would hide whether anything is heard, so its age is nothing here, or an hour.
@Suite("Facts in other processes")
struct FactsElsewhereTests {
    private static func reason(_ client: PreferenceServiceClient, _ user: String = "bob") async throws -> String {
        var request = Carillon_V1_CheckPreferenceRequest()
        (request.userID, request.notificationType, request.channel) = (user, "invoice.created", .email)
        return try await client.checkPreference(request).channels[0].reason
    }

    /// Asks until the answer is this one.
    private static func comes(_ reason: String, _ client: PreferenceServiceClient) async throws {
        let end = ContinuousClock.now + .seconds(15)
        while true {
            let said = try await Self.reason(client)
            if said == reason { return }
            try #require(ContinuousClock.now < end, "\(reason) does not come; the last answer was \(said)")
            try await ContinuousClock().sleep(for: .milliseconds(5))
        }
    }

    /// Asks until what was read is used although it is old: the database has been changed, and nobody was told.
    private static func isKept(
        _ tenant: TestTenant, _ database: TestDatabase, _ client: PreferenceServiceClient
    ) async throws {
        let suppressed = "address_suppressed:no_address"
        func give(_ position: String) throws {
            let change = "UPDATE t_\(tenant.id).contact_point SET position = \(position) WHERE user_id = 'bob'"
            _ = try database.cluster.execute(change, database: database.name)
        }
        while true {
            // The first answers are read for each question, as nothing is vouched for yet.
            let before = try await Self.reason(client)
            try give("NULL")
            let after = try await Self.reason(client)
            try give("0")
            guard before == after else { continue }
            if after != suppressed { return }
            // It was read while there was none, and is kept: only a word from a process makes it read anew.
            try await tenant.user("bob", of: "acme")
        }
    }

    @Test("what is not changed is not read again, and what is changed is obeyed", .timeLimit(.minutes(5)))
    func hearing() async throws {
        let database = try await TestDatabase.shared()
        try await House.open { first in
            try await House.open(loops: 2, limits: { $0.factsAge = .zero }) { second in
                try await second.hearing {
                    let tenant = try await first.tenant()
                    try await tenant.people()
                    let clients = try (0..<2).map { _ in PreferenceServiceClient(try second.client(tenant.key)) }
                    for client in clients { try await Self.isKept(tenant, database, client) }
                    for choice in [Carillon_V1_Choice.off, .on] {
                        _ = try await tenant.choose(choice, "bob", "invoice.created")
                        for client in clients {
                            try await Self.comes(choice == .off ? "opted_out" : "opted_in", client)
                        }
                    }
                    // An account, its default user, an address, a provider.
                    let first = clients[0]
                    try await tenant.setDefault("bob", of: "acme")
                    try await Self.comes("mandatory_default_user", first)
                    try await tenant.user("bob", of: "acme", email: "")
                    try await Self.comes("address_suppressed:no_address", first)
                    try await tenant.user("bob", of: "acme")
                    try await Self.comes("mandatory_default_user", first)
                    var provider = Carillon_V1_PutProviderRequest()
                    provider.provider.providerID = "main"
                    provider.provider.channel = .email
                    provider.provider.maildir.directory = "/var/mail/carillon"
                    provider.provider.disabled = true
                    _ = try await tenant.channels.putProvider(provider)
                    try await Self.comes("channel_unavailable", first)
                    var account = Carillon_V1_UpsertAccountRequest()
                    account.account.accountID = "acme"
                    account.account.displayName = "Customer acme"
                    account.account.notificationsSuppressed = true
                    _ = try await tenant.accounts.upsertAccount(account)
                    try await Self.comes("customer_suppressed", first)
                }
            }
        }
    }

    @Test("who does not hear any more reads again", .timeLimit(.minutes(5)))
    func deafness() async throws {
        let database = try await TestDatabase.shared()
        try await House.open { first in
            try await House.open(limits: { ($0.factsAge, $0.factsHearing) = (.zero, .milliseconds(200)) }) { second in
                let tenant = try await first.tenant()
                try await tenant.people()
                let client = PreferenceServiceClient(try second.client(tenant.key))
                try await second.hearing { try await Self.isKept(tenant, database, client) }
                let change = "UPDATE t_\(tenant.id).contact_point SET position = NULL WHERE user_id = 'bob'"
                _ = try database.cluster.execute(change, database: database.name)
                try await Self.comes("address_suppressed:no_address", client)
            }
        }
    }

    @Test("what nobody tells of is obeyed when it has come of age", .timeLimit(.minutes(5)))
    func age() async throws {
        let database = try await TestDatabase.shared()
        try await House.open { first in
            let limits: (inout ServiceLimits) -> Void = {
                ($0.factsAge, $0.greatestFactsAge) = (.zero, .milliseconds(300))
            }
            try await House.open(limits: limits) { second in
                try await second.hearing {
                    let tenant = try await first.tenant()
                    try await tenant.people()
                    let client = PreferenceServiceClient(try second.client(tenant.key))
                    try await Self.isKept(tenant, database, client)
                    let change = "UPDATE t_\(tenant.id).contact_point SET position = NULL WHERE user_id = 'bob'"
                    _ = try database.cluster.execute(change, database: database.name)
                    try await Self.comes("address_suppressed:no_address", client)
                }
            }
        }
    }

    @Test("what was read before a change was heard of is not current, whenever it comes", .timeLimit(.minutes(5)))
    func race() async throws {
        try await House.open(limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let id = try #require(TenantID(tenant.id))
            let bob = try #require(UserID("bob"))
            try await house.onLoop { state in
                let facts = try #require(state.knownScope(of: id)).facts
                let users = facts.users
                facts.forget()
                // The read begins, then the word comes, then the answer.
                let asking = state.loop.spawn { _ = try? await users.subject(bob, .current) }
                while !users.isReading { await Task.yield() }
                facts.changedElsewhere()
                await asking.value
                #expect(users.known(bob, .current) == nil)
                // What was known before is not current either, and good enough for Publish.
                #expect(try await users.subject(bob, .current) != nil)
                #expect(users.known(bob, .current) != nil)
                facts.changedElsewhere()
                #expect(users.known(bob, .current) == nil)
                #expect(users.known(bob, .any) != nil)
            }
        }
    }

    @Test("facts that were read with a change are as old as its transaction", .timeLimit(.minutes(5)))
    func replacing() async throws {
        try await House.open(limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let id = try #require(TenantID(tenant.id))
            let bob = try #require(UserID("bob"))
            try await house.onLoop { state in
                let scope = try #require(state.knownScope(of: id))
                let began = state.loop.now
                let people = try await scope.store.people([bob], includingSupplier: false, scope.facts.clocks)
                let user = try #require(people.users[bob])
                let home = try #require(people.homes[user.record.account])
                // Another process changes the same account, and is heard, before the answer to ours is here.
                scope.facts.changedElsewhere()
                scope.facts.take(user, home, readAt: began)
                #expect(scope.facts.users.known(bob, .current) == nil)
            }
        }
    }

    @Test("a change makes those be read again whose accounts have changed, and no others", .timeLimit(.minutes(5)))
    func proof() async throws {
        try await House.open(limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let id = try #require(TenantID(tenant.id))
            let (bob, eve) = (UserID(unchecked: "bob"), UserID(unchecked: "eve"))
            try await tenant.account("other")
            try await tenant.user("eve", of: "other")
            try await house.onLoop { state in
                let scope = try #require(state.knownScope(of: id))
                let users = scope.facts.users
                for user in [bob, eve] { #expect(try await users.subject(user, .current) != nil) }
                // As another process would.
                let change = PreferenceChange(audience: .customer, scope: .all, isOn: false)
                let stamp = AuditStamp(id: UUIDv7(milliseconds: 1, randomness: (1, 1)), actor: "test", origin: "")
                _ = try await scope.store.updatePreferences(of: bob, [change], stamp: stamp, scope.facts.clocks)
                scope.facts.changedElsewhere()
                #expect(users.known(eve, .current) == nil)
                while users.known(eve, .current) == nil { await Task.yield() }
                #expect(users.known(bob, .current) == nil)
                #expect(try await users.subject(bob, .current)?.user.choices.customer.all.whole == false)
                #expect(users.known(bob, .current) != nil)
            }
        }
    }

    @Test("what this process changes leaves the others of the account as they are known")
    func ownChange() async throws {
        try await House.open(limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let id = try #require(TenantID(tenant.id))
            let (bob, cid) = (UserID(unchecked: "bob"), UserID(unchecked: "cid"))
            try await house.onLoop { state in
                let scope = try #require(state.knownScope(of: id))
                for user in [bob, cid] { _ = try await scope.facts.users.subject(user, .current) }
            }
            _ = try await tenant.choose(.off, "bob", "invoice.created")
            try await house.onLoop { state in
                let users = try #require(state.knownScope(of: id)).facts.users
                let key = TypeKey(unchecked: "invoice.created")
                #expect(users.known(bob, .current)?.user.choices.customer[key].whole == false)
                #expect(users.known(cid, .current) != nil)
            }
        }
    }

    @Test("of two own changes the later one counts, whichever is heard of first, and none that was forgotten since")
    func order() async throws {
        try await House.open(limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            try await tenant.account("other")
            try await tenant.user("eve", of: "other")
            let id = try #require(TenantID(tenant.id))
            let bob = UserID(unchecked: "bob")
            try await house.onLoop { state in
                let scope = try #require(state.knownScope(of: id))
                let facts = scope.facts
                func isOff() async throws -> Bool? {
                    try await facts.users.subject(bob, .current)?.user.choices.customer.all.whole.map(!)
                }
                func change(_ isOn: Bool) async throws -> PreferencesUpdate {
                    let stamp = AuditStamp(
                        id: UUIDv7(milliseconds: 1, randomness: (1, isOn ? 1 : 2)), actor: "test", origin: "")
                    let change = PreferenceChange(audience: .customer, scope: .all, isOn: isOn)
                    return try #require(
                        try await scope.store.updatePreferences(of: bob, [change], stamp: stamp, facts.clocks))
                }
                #expect(try await isOff() == nil)
                let first = try await change(true)
                // Read between the two, so that the second one is the next that this loop knows.
                facts.forget()
                #expect(try await isOff() == false)
                let began = state.loop.now
                let second = try await change(false)
                facts.take(second.user, second.home, readAt: began)
                facts.take(first.user, first.home, readAt: began)
                #expect(try await isOff() == true)
                // And one that comes after all of it was forgotten: something else has changed since.
                facts.forget()
                #expect(try await facts.users.subject(UserID(unchecked: "eve"), .current) != nil)
                facts.take(first.user, first.home, readAt: began)
                #expect(facts.users.known(bob, .current) == nil)
                #expect(try await isOff() == true)
            }
        }
    }

    @Test(
        "what is asked for stays current by proofs, and a change that nobody tells of ends it", .timeLimit(.minutes(5)))
    func proofs() async throws {
        try await House.open(limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let id = try #require(TenantID(tenant.id))
            let (bob, otto) = (UserID(unchecked: "bob"), UserID(unchecked: "otto"))
            try await house.onLoop { state in
                let scope = try #require(state.knownScope(of: id))
                for user in [bob, otto] { _ = try await scope.facts.users.subject(user, .current) }
                let stamp = AuditStamp(id: UUIDv7(milliseconds: 1, randomness: (1, 1)), actor: "test", origin: "")
                let change = PreferenceChange(audience: .customer, scope: .all, isOn: false)
                _ = try await scope.store.updatePreferences(of: bob, [change], stamp: stamp, scope.facts.clocks)
                #expect(scope.facts.users.known(bob, .current) != nil)
                state.proveFacts(isAnew: true)
                while scope.facts.users.known(bob, .current) != nil { await Task.yield() }
                #expect(scope.facts.users.known(otto, .current) != nil)
                #expect(try await scope.facts.users.subject(bob, .current)?.user.choices.customer.all.whole == false)
            }
        }
    }

    @Test(
        "tenants have their turns to be proven one by one, unless they are not current any more",
        .timeLimit(.minutes(5)))
    func turns() async throws {
        try await House.open(limits: { $0.factsAge = .seconds(3600) }) { house in
            var ids: [TenantID] = []
            for _ in 0..<2 {
                let tenant = try await house.tenant()
                try await tenant.people()
                ids.append(try #require(TenantID(tenant.id)))
            }
            let tenants = ids
            try await house.onLoop { state in
                let users = try tenants.map { try #require(state.knownScope(of: $0)).facts.users }
                for users in users { _ = try await users.subject(UserID(unchecked: "bob"), .current) }
                func proven(since time: MonotonicTime) -> Int { users.count { $0.provenAt > time } }
                /// Returns when nobody is being proven, with a time before all that comes.
                func rest() async -> MonotonicTime {
                    while state.isProving { await Task.yield() }
                    let now = state.loop.now
                    while state.loop.now == now { await Task.yield() }
                    return now
                }
                // The first time, and when changes may have been missed meanwhile, nobody is current, and nobody waits.
                for isFirst in [true, false] {
                    let before = await rest()
                    if !isFirst { state.proveFacts(isAnew: false, pause: .zero, round: .seconds(7200)) }
                    state.proveFacts(isAnew: true, round: .seconds(7200))
                    while proven(since: before) < 2 { await Task.yield() }
                }
                let before = await rest()
                state.proveFacts(isAnew: false, pause: .zero, round: .seconds(7200))
                while proven(since: before) == 0 { await Task.yield() }
                // The other one's turn is in an hour.
                for _ in 0..<1_000 { await Task.yield() }
                #expect(proven(since: before) == 1 && state.isProving)
            }
        }
    }

    @Test("users whom nobody asks for go when there are too many")
    func boundOfUsers() async throws {
        let limits: (inout ServiceLimits) -> Void = { ($0.factsOctets, $0.factsAge) = (4_096, .seconds(3600)) }
        try await House.open(limits: limits) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            for number in 0..<60 { try await tenant.user("user\(number)", of: "acme") }
            let id = try #require(TenantID(tenant.id))
            try await house.onLoop { state in
                let users = try #require(state.knownScope(of: id)).facts.users
                let first = UserID(unchecked: "user0")
                for number in 0..<60 {
                    #expect(try await users.subject(UserID(unchecked: "user\(number)"), .current) != nil)
                    // Who is asked for all the time is never read again.
                    #expect(users.known(first, .current) != nil)
                    #expect(users.octets <= 4_096)
                }
                #expect(users.known(UserID(unchecked: "user59"), .current) != nil)
                #expect(users.known(UserID(unchecked: "user1"), .any) == nil)
            }
        }
    }

    @Test("accounts that nobody asks for go when there are too many, those without users too")
    func bound() async throws {
        let limits: (inout ServiceLimits) -> Void = { ($0.factsOctets, $0.factsAge) = (16_384, .seconds(3600)) }
        try await House.open(limits: limits) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            for number in 0..<20 { try await tenant.account("empty\(number)") }
            let id = try #require(TenantID(tenant.id))
            try await house.onLoop { state in
                let facts = try #require(state.knownScope(of: id)).facts.sides
                for number in 0..<20 {
                    _ = try await facts.sides(of: AccountID(unchecked: "empty\(number)"), .any)
                    #expect(facts.octets <= 16_384)
                }
                // The last one is known, the first one is read again.
                #expect(try await facts.sides(of: AccountID(unchecked: "empty19"), .any).isOld)
                #expect(try await !facts.sides(of: AccountID(unchecked: "empty0"), .any).isOld)
            }
        }
    }

    @Test("a choice made in another process is obeyed although this one remembers older facts")
    func staleFacts() async throws {
        try await House.open(limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            #expect(
                try await tenant.deliveries.publish(invoice("k1")).recipients[1].channels[0].reason
                    == "subscribed_by_default")
            try await House.open { other in
                var elsewhere = tenant
                elsewhere.client = try other.client(tenant.key)
                _ = try await elsewhere.choose(.off, "bob", "invoice.created")
                try await elsewhere.user("dan", of: "acme")
            }
            let after = try await tenant.deliveries.publish(invoice("k2"))
            #expect(after.recipients[1].channels[0].reason == "opted_out")
            #expect(after.recipients.map(\.userID).contains("dan"))
        }
    }
}
