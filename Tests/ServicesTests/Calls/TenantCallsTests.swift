import CarillonAPI
import CarillonGRPC
import Testing

@testable import Services

/// What one tenant's calls may take from the others.
@Suite("Calls of one tenant", .timeLimit(.minutes(2)))
struct TenantCallsTests {
    private static func check(_ tenant: TestTenant) async throws -> Carillon_V1_CheckPreferenceResponse {
        var request = Carillon_V1_CheckPreferenceRequest()
        request.userID = "bob"
        request.notificationType = "invoice.created"
        return try await tenant.preferences.checkPreference(request)
    }

    private static func watch(_ inbox: InboxServiceClient) async throws {
        var stream = try await WatchedStream(inbox)
        _ = try await stream.next()
    }

    @Test("are bounded together, open streams included, and end when they end", arguments: [1, 2])
    func bound(loops: Int) async throws {
        // Few are not divided: on whichever loop the connections are, the next call there is one too many or the first.
        try await House.open(
            loops: loops,
            limits: {
                $0.callsPerTenant = 1
                $0.factsAge = .seconds(3600)
            }
        ) { house in
            let tenant = try await house.tenant()
            // One after the other they are as many as one likes.
            try await tenant.people()
            let other = try await house.tenant()
            try await other.people()
            for tenant in [tenant, other] { #expect(try await Self.check(tenant).channels.count == 2) }

            // A stream on each loop, as connections go where there are the fewest.
            var open: [ResponseReader<Carillon_V1_WatchInboxResponse>] = []
            for _ in 0..<loops {
                let stream = try await tenant.inbox("ann").watchInbox(.init())
                var iterator = stream.makeAsyncIterator()
                _ = try await iterator.next()
                open.append(stream)
            }
            // By either credential, answered at once or by a task, on its connection known already or not.
            let calls: [() async throws -> Void] = [
                { _ = try await Self.check(tenant) },
                { _ = try await tenant.deliveries.publish(invoice("k")) },
                { _ = try await tenant.inbox("bob").getCounts(.init()) },
                { try await Self.watch(try tenant.inbox("bob")) },
            ]
            for call in calls {
                let status = try await failure(.resourceExhausted, "TOO_MANY_CALLS") { try await call() }
                #expect(status.retryDelay == .seconds(1))
            }
            // Others have their own.
            #expect(try await Self.check(other).channels.count == 2)
            _ = try await other.deliveries.publish(invoice("k"))
            try await Self.watch(try other.inbox("bob"))

            for stream in open { stream.cancel() }
            // The server learns of it in its own time: it is asked until it has.
            while true {
                do {
                    #expect(try await Self.check(tenant).channels.count == 2)
                    return
                } catch let status as Status {
                    guard status.code == .resourceExhausted else { throw status }
                }
            }
        }
    }

    @Test("have a share of each loop that is worth something")
    func shares() {
        var limits = ServiceLimits()
        let shares = [1, 2, 8, 64].map { limits.callShare(of: $0) }
        #expect(shares == [2000, 1000, 250, 100])
        limits.callsPerTenant = 3
        #expect(limits.callShare(of: 1) == 3 && limits.callShare(of: 2) == 3)
    }
}
