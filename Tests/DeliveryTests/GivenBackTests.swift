import CarillonNet
import Domain
import Postgres
import Support
import Testing

@testable import Delivery
@testable import Storage

/// Leases that are given back, and those that nobody remembers.
@Suite struct GivenBackTests {
    private static let tenant = TenantID(unchecked: "northwind")

    private func lease(_ fence: Int64) -> TenantLease { TenantLease(tenant: Self.tenant, fence: fence) }

    /// Nobody renews by himself while the test runs.
    private static func slow(_ configuration: inout DeliveryConfiguration) {
        configuration.lease.timeToLive = .seconds(7_200)
        configuration.lease.renewal = .seconds(3_600)
    }

    private func holder(_ stage: Stage) async throws -> UUIDBytes? {
        let sql = "SELECT l.worker_id FROM carillon.tenant_lease l WHERE l.tenant_id = '\(stage.store.tenant)'"
        let rows = try await stage.pool.run(Unit([Query(Statement(sql, prepared: false))]))[0]
        return try rows.first.map { row throws(PostgresError) in try row.optionalUUID(0) } ?? nil
    }

    @Test func anAnswerThatIsOlderThanTheReleaseBringsNothingBack() {
        var leases = GivenBackLeases()
        leases.asking()
        leases.begin([lease(4)])
        // Listed while the release is on its way, and by a question that was asked before it was over.
        #expect(leases.answered([lease(4)]).isEmpty)
        leases.asking()
        leases.end([lease(4)])
        #expect(leases.answered([lease(4)]).isEmpty)
        #expect(leases.contains(lease(4)) && leases.contains(lease(3)) && !leases.contains(lease(5)))
        leases.asking()
        #expect(leases.answered([]).isEmpty)
        #expect(!leases.contains(lease(4)))
    }

    @Test func aReleaseThatFailedIsTriedAgain() {
        var leases = GivenBackLeases()
        for _ in 0..<2 {
            leases.begin([lease(4)])
            leases.end([lease(4)])
            leases.asking()
            #expect(leases.answered([lease(4)]) == [lease(4)])
            #expect(leases.contains(lease(4)))
        }
        // The tenant comes again: nothing is left to give back.
        leases.asking()
        #expect(leases.answered([lease(5)]).isEmpty)
        #expect(!leases.contains(lease(5)))
    }

    @Test func aTenantThatWasGivenBackIsNotTakenUpByALateAnswer() async throws {
        try await onStage { stage in
            let worker = await stage.worker(Self.slow)
            try await stage.eventually("leased") { worker.tenants.count == 1 }
            let work = try #require(worker.tenants[stage.store.tenant])
            try await stage.eventually("idle") { work.isTakenOver && work.isIdle }
            let identity = try #require(worker.identity)
            let late = try await stage.registry.tick(
                worker: identity, timeToLive: .seconds(7_200), acquiring: 0)
            #expect(late.leases == [work.lease])
            worker.giveBack([work])
            worker.adopt(late, asked: 0)
            #expect(worker.tenants.isEmpty, "its release is on its way")
            try await stage.eventually("free") { try await holder(stage) == nil }
            worker.adopt(late, asked: 0)
            #expect(worker.tenants.isEmpty, "others may have it")
            worker.hurryLease()
            try await stage.eventually("taken anew") { worker.tenants.count == 1 }
            #expect((worker.tenants[stage.store.tenant]?.fence ?? 0) > work.fence)
        }
    }

    @Test func aLeaseThatNobodyRemembersIsGivenBack() async throws {
        try await onStage { stage in
            let record = try #require(try await stage.registry.tenant(stage.store.tenant))
            _ = try await stage.administration.turn(record, to: .suspend, stamp: stage.stamp(), now: stage.clock.now)
            let worker = await stage.worker(Self.slow)
            try await stage.eventually("counted") { worker.census?.workers == 1 }
            // As one that was committed after the tenant was suspended.
            try await stage.asSuperuser(
                """
                INSERT INTO carillon.tenant_lease (tenant_id, worker_id, fence)
                SELECT '\(stage.store.tenant)', w.worker_id, 1 FROM carillon.worker w
                """)
            #expect(try await holder(stage) != nil)
            worker.hurryLease()
            try await stage.eventually("given back") { try await holder(stage) == nil }
            #expect(worker.tenants.isEmpty)
        }
    }
}
