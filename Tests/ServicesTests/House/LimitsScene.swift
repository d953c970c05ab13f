import CarillonAPI
import CarillonNet
import Domain
import Postgres
import Storage
import Support
import Testing

@testable import CarillonGRPC
@testable import Services

/// What the tests of tenants' limits do with a tenant, and look at.
enum LimitsScene {
    /// A call that asks.
    static func check(_ tenant: TestTenant) async throws {
        var request = Carillon_V1_CheckPreferenceRequest()
        request.userID = "bob"
        request.notificationType = "invoice.created"
        #expect(try await tenant.preferences.checkPreference(request).channels.count == 2)
    }

    /// A call that publishes an event.
    static func publish(_ tenant: TestTenant) async throws {
        _ = try await tenant.deliveries.publish(invoice("k"))
    }

    /// A call that opens a stream.
    static func watch(_ tenant: TestTenant) async throws {
        var stream = try await WatchedStream(tenant.inbox("bob"))
        _ = try await stream.next()
    }

    /// What the tenant's calls are counted at.
    static func gates(of tenant: TestTenant) -> TenantGates {
        tenant.house.services.core.gates[TenantID(unchecked: tenant.id)]
    }

    /// Counts so much that nothing more is let through for as long as a test takes.
    static func exhaust(_ meter: RateMeter) {
        // By a clock that is ahead, so that what is still to be paid for is in the past.
        let later = MonotonicTime.current.advanced(by: .seconds(60))
        #expect(meter.take(100_000, of: Rate(perSecond: 1), at: later))
    }

    /// Calls that must be refused, all in the same way.
    @discardableResult
    static func refused(
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
    static func open(
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
    static func registry(_ sql: String, of tenant: TestTenant) async throws {
        let database = try await TestDatabase.shared()
        try database.cluster.execute(
            sql.replacing("$tenant", with: "'\(tenant.id)'"), database: database.name)
    }

    /// The tenant as the registry knows it now.
    static func record(of tenant: TestTenant) async throws -> TenantRecord {
        let database = try await TestDatabase.shared()
        let id = TenantID(unchecked: tenant.id)
        let record = try await withPool(database.serve, configure: { $0.connectTimeout = TestDatabase.patience }) {
            pool, _ in try await RegistryStore(pool: pool).tenant(id)
        }
        return try #require(record)
    }
}
