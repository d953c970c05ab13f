import Domain
import Postgres
import Support
import Testing

@testable import Storage

/// Months that somebody waits for, where some cannot be made.
@Suite struct WantedMonthTests {
    private static let later = Fixture.epoch.adding(seconds: 100 * 86_400)

    /// Tenants that miss months, in the order in which they began to.
    private func waiting(_ count: Int, _ fixture: Fixture) async throws -> [TenantID] {
        var tenants: [TenantID] = []
        for place in 0..<count {
            tenants.append(try await fixture.tenant().tenant)
            try await fixture.registry.wantMonths(
                of: tenants[place], now: Self.later.adding(seconds: Int64(place) - 100))
        }
        return tenants
    }

    private func impatient(_ fixture: Fixture) -> TenantAdministration {
        TenantAdministration(pool: fixture.owner) { _ throws(CancellationError) in }
    }

    @Test func whoCannotBeHelpedComesLastAtTheNextCall() async throws {
        let cluster = try SharedDatabase.sharedCluster()
        try await withOwnRegistry { fixture, database in
            let stuck = try await waiting(1, fixture)[0]
            let lock = try await HeldLock(
                ["LOCK TABLE t_\(stuck).event IN ACCESS EXCLUSIVE MODE"], cluster: cluster, database: database)
            let first = try await impatient(fixture).makeWantedMonths(now: Self.later)
            #expect(first.made.isEmpty && first.waiting == [stuck])

            let fresh = try await fixture.tenant().tenant
            try await fixture.registry.wantMonths(of: fresh, now: Self.later)
            var order: [TenantID] = []
            let second = try await impatient(fixture).makeWantedMonths(now: Self.later, waiting: first.waiting) {
                tenant, _ in
                // Who came later is served by now.
                order.append(tenant)
            }
            #expect(second.made == [fresh] && second.waiting == [stuck] && order == [stuck])
            let left = Query(
                Statement(
                    "SELECT count(*) FROM carillon.tenant_signal s WHERE s.months_wanted_at IS NOT NULL",
                    prepared: false))
            #expect(try await fixture.owner.run(Unit([left]))[0].first?.int8(0) == 1)
            try lock.release()
            try await lock.end()
            #expect(
                try await fixture.administration.makeWantedMonths(now: Self.later, waiting: second.waiting).made
                    == [stuck])
        }
    }

    /// The months of one tenant are tried for two seconds, and not for the half minute of somebody who has time.
    @Test func nobodyWaitsLongForOneTenant() async throws {
        let cluster = try SharedDatabase.sharedCluster()
        try await withOwnRegistry { fixture, database in
            let stuck = try await waiting(1, fixture)[0]
            let lock = try await HeldLock(
                ["LOCK TABLE t_\(stuck).event IN ACCESS EXCLUSIVE MODE"], cluster: cluster, database: database)
            var codes: [StorageError.Code] = []
            _ = try await impatient(fixture).makeWantedMonths(now: Self.later) { codes.append($1.code) }
            #expect(codes == [.deadlineExceeded], "not all 30 tries of a second each")
            try lock.release()
            try await lock.end()
        }
    }

    @Test func aDatabaseThatIsAwayIsAskedOnce() async throws {
        try await TwoDatabases.with { both in
            var far: [TenantID] = []
            for place in 0..<3 {
                far.append(try await both.farTenant().tenant)
                try await both.fixture.registry.wantMonths(
                    of: far[place], now: Self.later.adding(seconds: Int64(place) - 100))
            }
            let near = try await both.fixture.tenant().tenant
            try await both.fixture.registry.wantMonths(of: near, now: Self.later)
            try both.near("ALTER DATABASE \(both.away) ALLOW_CONNECTIONS false")
            try both.near("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(both.away)'")
            var failed: [TenantID] = []
            let outcome = try await both.administration.makeWantedMonths(now: Self.later) { tenant, _ in
                failed.append(tenant)
            }
            #expect(failed == [far[0]] && outcome.made == [near])
            try both.near("ALTER DATABASE \(both.away) ALLOW_CONNECTIONS true")
        }
    }

    @Test func aTenantThatIsHeldForAMoveIsLetBe() async throws {
        let cluster = try SharedDatabase.sharedCluster()
        try await withOwnRegistry { fixture, database in
            let tenants = try await waiting(2, fixture)
            try cluster.execute(
                "UPDATE carillon.tenant SET moving_to = 'main' WHERE tenant_id = '\(tenants[0])'", database: database)
            let outcome = try await fixture.administration.makeWantedMonths(now: Self.later)
            #expect(outcome.made == [tenants[1]] && outcome.waiting.isEmpty)
        }
    }
}
