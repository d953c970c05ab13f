import CarillonAPI
import Domain
import Storage
import Support
import Testing

@testable import CarillonGRPC
@testable import Services

@Suite("Limits that a tenant has of its own", .timeLimit(.minutes(5)))
struct OwnLimitsTests {
    private static let own = """
        UPDATE carillon.tenant SET calls_per_second = 11, events_per_second = 7, open_streams = 1, message_octets = 128,
            revision = revision + 1 WHERE tenant_id = $tenant
        """

    private static func checkOwn(_ tenant: TestTenant, _ other: TestTenant) async throws {
        let stream = try await tenant.inbox("ann").watchInbox(.init())
        var iterator = stream.makeAsyncIterator()
        _ = try await iterator.next()
        try await LimitsScene.refused(
            "TOO_MANY_STREAMS", limit: "1", after: .seconds(5), [{ try await LimitsScene.watch(tenant) }])
        stream.cancel()

        var request = Carillon_V1_UpsertAccountRequest()
        request.account.accountID = "long"
        request.account.displayName = String(repeating: "a", count: 190)
        let long = request
        // It says nothing of coming again: the message stays as long as it is.
        try await LimitsScene.refused(
            "MESSAGE_TOO_LARGE", limit: "128", after: nil, [{ _ = try await tenant.accounts.upsertAccount(long) }])
        _ = try await other.accounts.upsertAccount(long)

        LimitsScene.exhaust(LimitsScene.gates(of: tenant).eventRate)
        var short = invoice("k")
        short.context = []
        let event = short
        try await LimitsScene.refused(
            "EVENT_RATE", limit: "7", after: .seconds(1), [{ _ = try await tenant.deliveries.publish(event) }])
        LimitsScene.exhaust(LimitsScene.gates(of: tenant).keyRate)
        try await LimitsScene.refused(
            "CALL_RATE", limit: "11", after: .seconds(1), [{ try await LimitsScene.check(tenant) }])
        try await LimitsScene.check(other)
        try await LimitsScene.publish(other)
    }

    @Test("are obeyed when the tenant is read again", arguments: [1, 2])
    func readAgain(loops: Int) async throws {
        try await LimitsScene.open(loops: loops, limits: { $0.credentialAge = .zero }) { tenant, other in
            try await LimitsScene.publish(tenant)
            try await LimitsScene.registry(Self.own, of: tenant)
            try await Self.checkOwn(tenant, other)
        }
    }

    @Test("are obeyed at once where they were changed", arguments: [1, 2])
    func atOnce(loops: Int) async throws {
        try await LimitsScene.open(loops: loops) { tenant, other in
            try await LimitsScene.publish(tenant)
            _ = try await tenant.inbox("ann").getCounts(.init())
            let before = try await LimitsScene.record(of: tenant)
            try await LimitsScene.registry(Self.own, of: tenant)
            let after = try await LimitsScene.record(of: tenant)
            #expect(after.limits.openStreams == 1)
            let core = tenant.house.services.core
            await core.tenantChanged(after)
            // Who was looked up before the change brings nothing back.
            await core.tenantChanged(before)
            try await Self.checkOwn(tenant, other)
        }
    }
}
