import CarillonAPI
import CarillonNet
import Domain
import Postgres
import Storage
import Support
import SwiftProtobuf
import Testing

@testable import CarillonGRPC
@testable import Services

/// How much one tenant may ask, send and store.
@Suite("Limits of one tenant", .timeLimit(.minutes(2)))
struct TenantLimitsTests {
    private static func check(_ tenant: TestTenant) async throws {
        var request = Carillon_V1_CheckPreferenceRequest()
        request.userID = "bob"
        request.notificationType = "invoice.created"
        #expect(try await tenant.preferences.checkPreference(request).channels.count == 2)
    }

    private static func publish(_ tenant: TestTenant) async throws {
        _ = try await tenant.deliveries.publish(invoice("k"))
    }

    private static func watch(_ tenant: TestTenant) async throws {
        var stream = try await WatchedStream(tenant.inbox("bob"))
        _ = try await stream.next()
    }

    private static func gates(of tenant: TestTenant) -> TenantGates {
        tenant.house.services.core.gates[TenantID(unchecked: tenant.id)]
    }

    /// Counts so much that nothing more is let through for as long as a test takes.
    private static func exhaust(_ meter: RateMeter) {
        // By a clock that is ahead, so that what is still to be paid for is in the past.
        let later = MonotonicTime.current.advanced(by: .seconds(60))
        #expect(meter.take(100_000, of: Rate(perSecond: 1), at: later))
    }

    @discardableResult
    private static func refused(
        _ reason: String, limit: String, after wait: Duration?, _ calls: [() async throws -> Void]
    ) async throws -> [Status] {
        var statuses: [Status] = []
        for call in calls {
            let status = try await failure(.resourceExhausted, reason) { try await call() }
            #expect(status.retryDelay == wait)
            #expect(status.metadata == ["limit": limit])
            statuses.append(status)
        }
        return statuses
    }

    /// A house with two tenants.
    private static func open(
        loops: Int = 1, limits change: (inout ServiceLimits) -> Void = { _ in },
        _ body: @Sendable (TestTenant, TestTenant) async throws -> Void
    ) async throws {
        try await House.open(loops: loops, limits: change) { house in
            let tenants = [try await house.tenant(), try await house.tenant()]
            for tenant in tenants { try await tenant.people() }
            try await body(tenants[0], tenants[1])
        }
    }

    /// Writes to the registry behind the services' back.
    private static func registry(_ sql: String, of tenant: TestTenant) async throws {
        let database = try await TestDatabase.shared()
        try database.cluster.execute(
            sql.replacing("$tenant", with: "'\(tenant.id)'"), database: database.name)
    }

    private static func record(of tenant: TestTenant) async throws -> TenantRecord {
        let database = try await TestDatabase.shared()
        let id = TenantID(unchecked: tenant.id)
        let record = try await withPool(database.serve, configure: { $0.connectTimeout = TestDatabase.patience }) {
            pool, _ in try await RegistryStore(pool: pool).tenant(id)
        }
        return try #require(record)
    }

    // MARK: Rates

    @Test("calls with keys have a rate, and leave the portal and others alone", arguments: [1, 2])
    func keys(loops: Int) async throws {
        try await Self.open(loops: loops, limits: { $0.callRate = 1000 }) { tenant, other in
            // On another connection, and so on another loop where there are two.
            var second = tenant
            second.client = try tenant.house.client(tenant.key)
            for tenant in [tenant, second] { try await Self.check(tenant) }
            Self.exhaust(Self.gates(of: tenant).keyRate)
            var third = tenant
            third.client = try tenant.house.client(tenant.key)
            for caller in [tenant, second, third] {
                try await Self.refused(
                    "CALL_RATE", limit: "1000", after: .seconds(1),
                    [{ try await Self.check(caller) }, { try await Self.publish(caller) }])
            }
            _ = try await tenant.inbox("bob").getCounts(.init())
            try await Self.watch(tenant)
            try await Self.check(other)
            try await Self.publish(other)
            // Who is refused leaves no trace in what may run at once.
            while Self.gates(of: tenant).keyCalls.running > 0 { await Task.yield() }
        }
    }

    @Test("a call that memory cannot answer comes to the gates twice and counts once")
    func once() async throws {
        try await Self.open(limits: { $0.factsAge = .zero }) { tenant, _ in
            try await Self.registry(
                "UPDATE carillon.tenant SET calls_per_second = 1 WHERE tenant_id = $tenant", of: tenant)
            await tenant.house.services.core.tenantChanged(try await Self.record(of: tenant))
            // Two go at once; were each counted twice, the second would be one too many.
            for _ in 0..<2 { try await Self.check(tenant) }
        }
    }

    @Test("calls of portal users have a rate, streams too, and leave the keys alone", arguments: [1, 2])
    func portal(loops: Int) async throws {
        try await Self.open(loops: loops, limits: { $0.callRate = 1000 }) { tenant, other in
            Self.exhaust(Self.gates(of: tenant).portalRate)
            for user in ["ann", "bob", "cid"] {
                let inbox = try tenant.inbox(user)
                try await Self.refused(
                    "CALL_RATE", limit: "1000", after: .seconds(1),
                    [{ _ = try await inbox.getCounts(.init()) }, { try await Self.watch(tenant) }])
            }
            while Self.gates(of: tenant).streams.running > 0 { await Task.yield() }
            try await Self.check(tenant)
            try await Self.publish(tenant)
            _ = try await other.inbox("bob").getCounts(.init())
        }
    }

    @Test("events have a rate that other calls do not feel", arguments: [1, 2])
    func events(loops: Int) async throws {
        try await Self.open(loops: loops, limits: { $0.eventRate = 20 }) { tenant, other in
            try await Self.publish(tenant)
            Self.exhaust(Self.gates(of: tenant).eventRate)
            var second = tenant
            second.client = try tenant.house.client(tenant.key)
            for caller in [tenant, second] {
                try await Self.refused(
                    "EVENT_RATE", limit: "20", after: .seconds(1), [{ try await Self.publish(caller) }])
                try await Self.check(caller)
            }
            try await Self.publish(other)
        }
    }

    @Test("a rate of 0 is none")
    func off() async throws {
        try await Self.open(
            limits: {
                $0.callRate = 0
                $0.eventRate = 0
            }
        ) { tenant, _ in
            let gates = Self.gates(of: tenant)
            for meter in [gates.keyRate, gates.portalRate, gates.eventRate] { Self.exhaust(meter) }
            try await Self.check(tenant)
            try await Self.publish(tenant)
            _ = try await tenant.inbox("bob").getCounts(.init())
        }
    }

    // MARK: What requests hold

    @Test("large requests are bounded by what they hold, and small ones go beside them", arguments: [1, 2])
    func octets(loops: Int) async throws {
        try await Self.open(loops: loops, limits: { $0.octetsPerTenant = 5000 }) { tenant, other in
            var request = Carillon_V1_MarkReadRequest()
            request.sequences = (0..<1000).map { Int64.max - $0 }
            let large = request
            let inbox = try tenant.inbox("bob")
            _ = try await inbox.markRead(large)
            let gate = Self.gates(of: tenant).portalCalls
            while gate.running > 0 { await Task.yield() }
            // A call is running that holds more than the limit, which one alone may.
            try gate.enter(octets: 6000)
            for caller in [inbox, try tenant.inbox("ann")] {
                try await Self.refused(
                    "TOO_MANY_OCTETS", limit: "5000", after: .seconds(1), [{ _ = try await caller.markRead(large) }])
                _ = try await caller.getCounts(.init())
            }
            try await Self.publish(tenant)
            _ = try await other.inbox("bob").markRead(large)
            gate.leave(octets: 6000)
            _ = try await inbox.markRead(large)
        }
    }

    // MARK: A tenant's own limits

    private static let own = """
        UPDATE carillon.tenant SET calls_per_second = 11, events_per_second = 7, open_streams = 1, message_octets = 128,
            revision = revision + 1 WHERE tenant_id = $tenant
        """

    private static func checkOwn(_ tenant: TestTenant, _ other: TestTenant) async throws {
        let stream = try await tenant.inbox("ann").watchInbox(.init())
        var iterator = stream.makeAsyncIterator()
        _ = try await iterator.next()
        try await refused("TOO_MANY_STREAMS", limit: "1", after: .seconds(5), [{ try await watch(tenant) }])
        stream.cancel()

        var request = Carillon_V1_UpsertAccountRequest()
        request.account.accountID = "long"
        request.account.displayName = String(repeating: "a", count: 190)
        let long = request
        // It says nothing of coming again: the message stays as long as it is.
        try await refused(
            "MESSAGE_TOO_LARGE", limit: "128", after: nil, [{ _ = try await tenant.accounts.upsertAccount(long) }])
        _ = try await other.accounts.upsertAccount(long)

        exhaust(gates(of: tenant).eventRate)
        var short = invoice("k")
        short.context = []
        let event = short
        try await refused(
            "EVENT_RATE", limit: "7", after: .seconds(1), [{ _ = try await tenant.deliveries.publish(event) }])
        exhaust(gates(of: tenant).keyRate)
        try await refused("CALL_RATE", limit: "11", after: .seconds(1), [{ try await check(tenant) }])
        try await check(other)
        try await publish(other)
    }

    @Test("are obeyed when the tenant is read again", arguments: [1, 2])
    func readAgain(loops: Int) async throws {
        try await Self.open(loops: loops, limits: { $0.credentialAge = .zero }) { tenant, other in
            try await Self.publish(tenant)
            try await Self.registry(Self.own, of: tenant)
            try await Self.checkOwn(tenant, other)
        }
    }

    @Test("are obeyed at once where they were changed", arguments: [1, 2])
    func atOnce(loops: Int) async throws {
        try await Self.open(loops: loops) { tenant, other in
            try await Self.publish(tenant)
            _ = try await tenant.inbox("ann").getCounts(.init())
            let before = try await Self.record(of: tenant)
            try await Self.registry(Self.own, of: tenant)
            let after = try await Self.record(of: tenant)
            #expect(after.limits.openStreams == 1)
            let core = tenant.house.services.core
            await core.tenantChanged(after)
            // Who was looked up before the change brings nothing back.
            await core.tenantChanged(before)
            try await Self.checkOwn(tenant, other)
        }
    }

    // MARK: Stored rows

    private static func count(_ rows: Int, at second: Int, _ tenant: TestTenant) async throws {
        try await registry(
            """
            INSERT INTO carillon.tenant_usage (tenant_id, stored_rows, stored_octets, counted_at)
            VALUES ($tenant, \(rows), 1, 'epoch'::timestamptz + interval '\(second) seconds')
            ON CONFLICT (tenant_id) DO UPDATE SET stored_rows = excluded.stored_rows, counted_at = excluded.counted_at
            """, of: tenant)
    }

    @Test("who has stored all that it may stores no more, and may do everything else", arguments: [true, false])
    func rows(isOwn: Bool) async throws {
        try await Self.open(
            limits: {
                $0.credentialAge = .zero
                if !isOwn { $0.storedRows = 100 }
            }
        ) { tenant, other in
            if isOwn {
                try await Self.registry(
                    "UPDATE carillon.tenant SET stored_rows = 100 WHERE tenant_id = $tenant", of: tenant)
            }
            // Nobody has counted yet.
            try await Self.publish(tenant)
            try await Self.count(99, at: 1, tenant)
            _ = try await tenant.deliveries.publish(invoice("below"))
            try await Self.count(100, at: 2, tenant)
            try await Self.refused(
                "STORAGE_FULL", limit: "100", after: .seconds(300),
                [
                    { _ = try await tenant.deliveries.publish(invoice("above")) },
                    { try await tenant.account("acme") },
                    { try await tenant.user("new", of: "acme") },
                    { _ = try await tenant.choose(.on, "bob", "invoice.created", .email) },
                    { try await tenant.relay("second") },
                ])
            // What a portal's user chooses is the tenant's too.
            let portal = PreferenceServiceClient(try tenant.portalClient("ann"))
            var wish = Carillon_V1_UpdatePreferencesRequest()
            wish.userID = "ann"
            var choice = Carillon_V1_PreferenceChoice()
            (choice.notificationType, choice.channel, choice.choice) = ("invoice.created", .email, .on)
            wish.choices = [choice]
            try await failure(.resourceExhausted, "STORAGE_FULL") { try await portal.updatePreferences(wish) }
            wish.choices[0].choice = .off
            _ = try await portal.updatePreferences(wish)
            // What there is can be changed.
            try await tenant.relay()
            var get = Carillon_V1_GetTenantRequest()
            get.tenantID = tenant.id
            let usage = try await tenant.house.operatorClient().getTenant(get).usage
            #expect(usage.storedRows == 100 && usage.storedOctets == 1 && usage.countTime.seconds == 2)
            try await Self.check(tenant)
            try await tenant.setDefault("bob", of: "acme")
            _ = try await tenant.choose(.off, "bob", "invoice.created", .email)
            _ = try await tenant.inbox("ann").listInbox(.init())
            try await Self.watch(tenant)
            try await Self.publish(other)
            try await Self.count(10, at: 3, tenant)
            _ = try await tenant.deliveries.publish(invoice("above"))
        }
    }
}
