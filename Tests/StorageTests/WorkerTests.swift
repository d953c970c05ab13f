import Domain
import Postgres
import Support
import Testing

@testable import Storage

/// Workers take any tenant of a registry, so these tests have a database of their own.
@Suite(.serialized) struct WorkerTests {
    private static let timeToLive = Duration.seconds(20)

    /// Runs a test on a registry of its own with so many tenants.
    private func withRegistry(
        tenants: Int, _ body: @escaping @Sendable (Fixture, [TenantID]) async throws -> Void
    ) async throws {
        let cluster = try SharedDatabase.sharedCluster()
        let name = try SharedDatabase.bootstrappedDatabase()
        let owner = cluster.connectionInfo(database: name, user: "carillon_owner")
        let serve = cluster.connectionInfo(database: name, user: "carillon_serve")
        try await withStorage(serve: serve, owner: owner) { fixture in
            _ = try await fixture.administration.migrateRegistry(now: fixture.now)
            var ids: [TenantID] = []
            for _ in 0..<tenants { ids.append(try await fixture.tenant().tenant) }
            try await body(fixture, ids.sorted())
        }
    }

    private func tick(_ fixture: Fixture, _ worker: UUIDv7, acquiring: Int = 0) async throws -> WorkerTick {
        try await fixture.registry.tick(worker: worker, timeToLive: Self.timeToLive, acquiring: acquiring)
    }

    private func join(_ fixture: Fixture) async throws -> UUIDv7 {
        let worker = fixture.id()
        try await fixture.registry.joinWorker(worker, timeToLive: Self.timeToLive)
        return worker
    }

    /// Lets a worker's time run out by the database's clock.
    private func expire(_ fixture: Fixture, _ worker: UUIDv7) async throws {
        let statement = Statement("UPDATE carillon.worker SET expires_at = now() WHERE worker_id = $1")
        let changed = try await fixture.serve.run(
            Unit([Query(statement, [.uuid(UUIDBytes(high: worker.high, low: worker.low))])]))
        #expect(changed[0].affectedRows == 1)
    }

    @Test func tenantsAreSharedAndTakenOverWithGreaterFences() async throws {
        try await withRegistry(tenants: 3) { fixture, tenants in
            let first = try await join(fixture)
            let second = try await join(fixture)
            let a = try await tick(fixture, first, acquiring: 2)
            #expect(a.isAlive)
            #expect(a.leases.map(\.tenant) == Array(tenants[..<2]))
            #expect(a.workers == 2)
            #expect(a.activeTenants == 3)
            let b = try await tick(fixture, second, acquiring: 5)
            #expect(b.leases == [TenantLease(tenant: tenants[2], fence: 1)])

            // The first worker falls silent.
            try await expire(fixture, first)
            let taken = try await tick(fixture, second, acquiring: 5)
            #expect(taken.workers == 1)
            #expect(
                taken.leases == [
                    TenantLease(tenant: tenants[0], fence: 2), TenantLease(tenant: tenants[1], fence: 2),
                    TenantLease(tenant: tenants[2], fence: 1),
                ])
            // The first one wakes up: it is told to stop, and cannot take anything.
            let woken = try await tick(fixture, first, acquiring: 5)
            #expect(!woken.isAlive)
            #expect(woken.leases.isEmpty)

            // Under a fence that it had, or will have, nothing is given back.
            for fence: Int64 in [1, 3] {
                try await fixture.registry.release([TenantLease(tenant: tenants[1], fence: fence)], worker: second)
            }
            #expect(try await tick(fixture, second).leases == taken.leases)
            try await fixture.registry.release([TenantLease(tenant: tenants[1], fence: 2)], worker: second)
            let third = try await join(fixture)
            #expect(try await tick(fixture, third, acquiring: 5).leases == [TenantLease(tenant: tenants[1], fence: 3)])
            try await fixture.registry.leaveWorker(second)
            #expect(
                try await tick(fixture, third, acquiring: 5).leases == [
                    TenantLease(tenant: tenants[0], fence: 3), TenantLease(tenant: tenants[1], fence: 3),
                    TenantLease(tenant: tenants[2], fence: 2),
                ])
        }
    }

    @Test func aWorkerThatExpiredUnnoticedIsNotRevived() async throws {
        try await withRegistry(tenants: 1) { fixture, tenants in
            let worker = try await join(fixture)
            #expect(try await tick(fixture, worker, acquiring: 1).leases.count == 1)
            try await expire(fixture, worker)
            let late = try await tick(fixture, worker, acquiring: 1)
            #expect(!late.isAlive)
            #expect(late.leases.isEmpty)
            let next = try await join(fixture)
            #expect(try await tick(fixture, next, acquiring: 1).leases == [TenantLease(tenant: tenants[0], fence: 2)])
        }
    }

    @Test func leasesOfTenantsThatAreNotServedAreTold() async throws {
        try await withRegistry(tenants: 2) { fixture, tenants in
            let worker = try await join(fixture)
            #expect(try await tick(fixture, worker, acquiring: 2).unserved.isEmpty)
            let record = try #require(try await fixture.registry.tenant(tenants[0]))
            _ = try await fixture.administration.turn(
                record, to: .suspend, stamp: fixture.stamp(), now: fixture.now)
            let told = try await tick(fixture, worker, acquiring: 2)
            #expect(told.leases == [TenantLease(tenant: tenants[1], fence: 1)])
            #expect(told.unserved == [TenantLease(tenant: tenants[0], fence: 1)])
            try await fixture.registry.release(told.unserved, worker: worker)
            #expect(try await tick(fixture, worker, acquiring: 2).unserved.isEmpty)
        }
    }

    @Test func ofManyWorkersAtOnceEachTenantGetsOne() async throws {
        try await withRegistry(tenants: 4) { fixture, tenants in
            var workers: [UUIDv7] = []
            for _ in 0..<5 { workers.append(try await join(fixture)) }
            let (serve, _) = fixture.connectionInfos
            let ticks = try await withThrowingTaskGroup(of: WorkerTick.self) { group in
                for worker in workers {
                    group.addTask {
                        try await withPool(serve, configure: { $0.connectTimeout = Fixture.patience }) { pool, _ in
                            try await RegistryStore(pool: pool).tick(
                                worker: worker, timeToLive: Self.timeToLive, acquiring: 2)
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            let leased = ticks.flatMap(\.leases).map(\.tenant)
            #expect(Set(leased).count == leased.count)
            // Those who came late may have found their choice gone; the next tick finds what is left.
            var all = Set(leased)
            for worker in workers { all.formUnion(try await tick(fixture, worker, acquiring: 4).leases.map(\.tenant)) }
            #expect(all == Set(tenants))
        }
    }

    @Test func signalsReachOtherProcesses() async throws {
        try await withRegistry(tenants: 2) { fixture, tenants in
            let before = fixture.now
            fixture.now = fixture.now.adding(seconds: 1)
            try await fixture.registry.signal([tenants[0]], work: true, now: fixture.now)
            try await fixture.registry.signal(Set(tenants), credentials: true, now: before)
            try await fixture.registry.signal([TenantID(unchecked: "nobody")], work: true, now: fixture.now)
            #expect(
                try await fixture.registry.signals(since: fixture.now)
                    == TenantSignals(work: [tenants[0]], credentials: []))
            #expect(
                try await fixture.registry.signals(since: before)
                    == TenantSignals(work: [tenants[0]], credentials: Set(tenants)))
            let later = fixture.now.adding(seconds: 1)
            #expect(try await fixture.registry.signals(since: later) == TenantSignals(work: [], credentials: []))
        }
    }

    @Test func changedFactsReachOtherProcesses() async throws {
        try await withRegistry(tenants: 3) { fixture, tenants in
            let registry = fixture.registry
            let first = try await registry.factsNews(since: nil)
            #expect(first.changes.isEmpty)
            try await registry.tellOfFacts(of: [tenants[0], TenantID(unchecked: "nobody")])
            // Not by the clock of this process, which may be wrong by days.
            fixture.now = fixture.now.adding(seconds: 86_400)
            try await registry.signal([tenants[2]], work: true, credentials: true, now: fixture.now)
            let second = try await registry.factsNews(since: first.time)
            #expect(second.changes.keys.sorted() == [tenants[0]])
            #expect(second.time > first.time && second.serverStartedAt == first.serverStartedAt)
            let told = try #require(second.changes[tenants[0]])
            #expect(first.time < told && told < second.time)

            // Told again, it is another change; what was told before a time is not told of.
            try await registry.tellOfFacts(of: Set(tenants))
            let third = try await registry.factsNews(since: second.time)
            #expect(third.changes.keys.sorted() == tenants.sorted())
            #expect(try #require(third.changes[tenants[0]]) > told)
            #expect(try await registry.factsNews(since: third.time).changes.isEmpty)
            #expect(try await registry.signals(since: fixture.now).credentials == [tenants[2]])
        }
    }
}
