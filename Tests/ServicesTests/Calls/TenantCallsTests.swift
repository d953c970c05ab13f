import CarillonAPI
import Domain
import Testing

@testable import CarillonGRPC
@testable import Services

/// What one tenant's calls may take from the others, and from each other.
@Suite("Calls of one tenant", .timeLimit(.minutes(5)))
struct TenantCallsTests {
    private static func check(_ tenant: TestTenant) async throws {
        var request = Carillon_V1_CheckPreferenceRequest()
        request.userID = "bob"
        request.notificationType = "invoice.created"
        #expect(try await tenant.preferences.checkPreference(request).channels.count == 2)
    }

    private static func watch(_ inbox: InboxServiceClient) async throws {
        var stream = try await WatchedStream(inbox)
        _ = try await stream.next()
    }

    private static func gates(of tenant: TestTenant) -> TenantGates {
        tenant.house.services.core.gates[TenantID(unchecked: tenant.id)]
    }

    /// Takes all places of a gate, as calls on a loop of their own would.
    private static func fill(_ gate: CallGate) async throws {
        // A call may be answered a moment before it has left.
        while gate.running > 0 { await Task.yield() }
        for _ in 0..<gate.terms.limit { try gate.enter() }
    }

    /// Tries until there is room: the server learns in its own time that a call is over.
    private static func eventually(_ call: () async throws -> Void) async throws {
        while true {
            do {
                return try await call()
            } catch let status as Status {
                guard status.code == .resourceExhausted else { throw status }
            }
        }
    }

    private static func refused(_ reason: String, after wait: Duration, _ calls: [() async throws -> Void]) async throws
    {
        for call in calls {
            let status = try await failure(.resourceExhausted, reason) { try await call() }
            #expect(status.retryDelay == wait)
        }
    }

    /// A house with two tenants.
    private static func open(
        loops: Int, limits change: (inout ServiceLimits) -> Void,
        _ body: @Sendable (TestTenant, TestTenant) async throws -> Void
    ) async throws {
        try await House.open(loops: loops, limits: change) { house in
            let tenants = [try await house.tenant(), try await house.tenant()]
            for tenant in tenants { try await tenant.people() }
            try await body(tenants[0], tenants[1])
        }
    }

    @Test("with a key are bounded over all loops, and take nothing from the portal", arguments: [1, 2])
    func keys(loops: Int) async throws {
        try await Self.open(loops: loops, limits: { $0.callsPerTenant = 3 }) { tenant, other in
            // On another connection, and so on another loop where there are two.
            var second = tenant
            second.client = try tenant.house.client(tenant.key)
            for tenant in [tenant, second] { try await Self.check(tenant) }
            try await Self.fill(Self.gates(of: tenant).keyCalls)
            // Answered at once or by a task, on its connection known already or not.
            let third = TestTenant(
                id: tenant.id, key: tenant.key, portal: tenant.portal, client: try tenant.house.client(tenant.key),
                house: tenant.house)
            for caller in [tenant, second, third] {
                try await Self.refused(
                    "TOO_MANY_CALLS", after: .seconds(1),
                    [
                        { try await Self.check(caller) },
                        { _ = try await caller.deliveries.publish(invoice("k")) },
                    ])
            }
            _ = try await tenant.inbox("bob").getCounts(.init())
            try await Self.watch(try tenant.inbox("bob"))
            // Others have their own.
            try await Self.check(other)
            _ = try await other.deliveries.publish(invoice("k"))

            Self.gates(of: tenant).keyCalls.leave()
            for caller in [tenant, second] { try await Self.eventually { try await Self.check(caller) } }
        }
    }

    @Test("of portal users are bounded over all loops, and take nothing from the keys", arguments: [1, 2])
    func portal(loops: Int) async throws {
        try await Self.open(loops: loops, limits: { $0.callsPerTenant = 3 }) { tenant, other in
            try await Self.fill(Self.gates(of: tenant).portalCalls)
            for user in ["ann", "bob", "cid"] {
                let inbox = try tenant.inbox(user)
                try await Self.refused(
                    "TOO_MANY_CALLS", after: .seconds(1),
                    [
                        { _ = try await inbox.getCounts(.init()) },
                        { _ = try await inbox.listInbox(.init()) },
                    ])
            }
            try await Self.check(tenant)
            _ = try await tenant.deliveries.publish(invoice("k"))
            try await Self.watch(try tenant.inbox("bob"))
            _ = try await other.inbox("bob").getCounts(.init())

            Self.gates(of: tenant).portalCalls.leave()
            try await Self.eventually { _ = try await tenant.inbox("ann").getCounts(.init()) }
        }
    }

    @Test("that are streams are bounded over all loops, and take nothing from the others", arguments: [1, 2])
    func streams(loops: Int) async throws {
        try await Self.open(
            loops: loops,
            limits: {
                $0.streamsPerTenant = 3
                // Were the streams calls too, there would be no place for others.
                $0.callsPerTenant = 3
            }
        ) { tenant, other in
            // Each on a connection of its own; those go to the loop that has the fewest.
            var open: [ResponseReader<Carillon_V1_WatchInboxResponse>] = []
            for user in ["ann", "bob", "cid"] {
                let stream = try await tenant.inbox(user).watchInbox(.init())
                var iterator = stream.makeAsyncIterator()
                _ = try await iterator.next()
                open.append(stream)
            }
            #expect(Self.gates(of: tenant).streams.running == 3)
            // On every loop, by whomever.
            for user in ["ann", "bob", "cid"] {
                let inbox = try tenant.inbox(user)
                try await Self.refused("TOO_MANY_STREAMS", after: .seconds(5), [{ try await Self.watch(inbox) }])
                _ = try await inbox.getCounts(.init())
            }
            try await Self.check(tenant)
            _ = try await tenant.deliveries.publish(invoice("k"))
            try await Self.watch(try other.inbox("bob"))

            open[0].cancel()
            try await Self.eventually { try await Self.watch(try tenant.inbox("ann")) }
            for stream in open { stream.cancel() }
        }
    }
}
