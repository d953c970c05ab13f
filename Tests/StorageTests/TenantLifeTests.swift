import Domain
import Postgres
import Support
import Testing

@testable import Storage

/// Changing, resting and ending a tenant.
@Suite struct TenantLifeTests {
    private func turn(
        _ fixture: Fixture, _ tenant: TenantID, to turn: TenantTurn
    ) async throws -> TenantRecord {
        let record = try #require(try await fixture.registry.tenant(tenant))
        return try await fixture.administration.turn(record, to: turn, stamp: fixture.stamp(), now: fixture.now)
    }

    @Test func aTenantIsChangedOnlyAtTheExpectedRevision() async throws {
        try await withStorage { fixture in
            let tenant = try await fixture.tenant().tenant
            let made = try #require(try await fixture.registry.tenant(tenant))
            var write = Fixture.values
            write.displayName = "Southwind"
            write.timeZone = "Asia/Tokyo"
            write.historyMonths = 6
            write.look.accentColor = "#102030"
            write.look.imprint = "Southwind\n1 Pier"
            write.limits.callsPerSecond = 5
            write.limits.storedRows = 1 << 40
            let later = fixture.now.adding(seconds: 5)
            let changed = try await fixture.administration.updateTenant(
                made, write, stamp: fixture.stamp(), now: later)
            #expect(
                changed.revision == made.revision + 1 && changed.updatedAt == later && changed.createdAt == fixture.now)
            #expect(changed.displayName == "Southwind" && changed.timeZone == "Asia/Tokyo")
            #expect(changed.historyMonths == 6 && changed.look == write.look && changed.limits == write.limits)
            #expect(changed.database == .main && changed.movingTo == nil)
            #expect(try await fixture.registry.tenant(tenant) == changed)

            let stale = try await storageError { () async throws(StorageError) in
                try await fixture.administration.updateTenant(
                    made, Fixture.values, stamp: fixture.stamp(), now: later)
            }
            #expect(stale.code == .revisionMismatch)
            #expect(try await fixture.registry.tenant(tenant) == changed)
        }
    }

    @Test func aSuspendedTenantIsLeasedToNobodyAndLosesNothing() async throws {
        try await withOwnRegistry { fixture, _ in
            let scene = try await PublishScene(fixture)
            _ = try await scene.tenant.publish([scene.item(key: "held")], now: fixture.now)
            let tenant = scene.tenant.tenant
            let suspended = try await turn(fixture, tenant, to: .suspend)
            #expect(suspended.state == .suspended)
            let worker = fixture.id()
            try await fixture.registry.joinWorker(worker, timeToLive: .seconds(60))
            let tick = try await fixture.registry.tick(worker: worker, timeToLive: .seconds(60), acquiring: 10_000)
            #expect(!tick.leases.contains { $0.tenant == tenant })
            #expect(try await fixture.integer(as: scene.tenant, "SELECT count(*) FROM t_\(tenant).queue") > 0)

            let resumed = try await turn(fixture, tenant, to: .resume)
            #expect(resumed.state == .active && resumed.eraseAt == nil)
            let next = try await fixture.registry.tick(worker: worker, timeToLive: .seconds(60), acquiring: 10_000)
            #expect(next.leases.contains { $0.tenant == tenant })
            try await fixture.registry.leaveWorker(worker)
        }
    }

    @Test func aDeletedTenantIsErasedInItsTimeAndNotBefore() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            let tenant = scene.tenant.tenant
            _ = try await scene.tenant.publish([scene.item(key: "gone")], now: fixture.now)
            let end = fixture.now.adding(seconds: 3_600)
            let deleted = try await turn(fixture, tenant, to: .delete(at: end))
            #expect(deleted.state == .deleting && deleted.eraseAt == end)
            let notYet = try await fixture.administration.tenantsToErase(now: end.adding(seconds: -1), limit: 1_000)
            #expect(!notYet.contains { $0.id == tenant })
            let refused = try await storageError { () async throws(StorageError) in
                try await fixture.administration.eraseTenant(
                    tenant, stamp: fixture.stamp(), now: end.adding(seconds: -1))
            }
            #expect(refused.code == .revisionMismatch)
            #expect(try await fixture.registry.tenant(tenant) != nil)

            #expect(
                try await fixture.administration.tenantsToErase(now: end, limit: 1_000).contains { $0.id == tenant })
            try await fixture.administration.eraseTenant(tenant, stamp: fixture.stamp(), now: end)
            #expect(try await fixture.registry.tenant(tenant) == nil)
            let left = try await fixture.owner.run(
                Unit([
                    Query(
                        Statement(
                            """
                            SELECT (SELECT count(*) FROM pg_catalog.pg_namespace n WHERE n.nspname = $1::text)
                                + (SELECT count(*) FROM pg_catalog.pg_roles r WHERE r.rolname = $1::text)
                                + (SELECT count(*) FROM carillon.api_key k WHERE k.tenant_id = $2::text)
                                + (SELECT count(*) FROM carillon.tenant_lease l WHERE l.tenant_id = $2::text)
                            """, prepared: false), [.text("t_\(tenant)"), .text(tenant)])
                ]))[0]
            #expect(try #require(left.first).int8(0) == 0)
            // Whoever still holds the tenant is told that it is not there, and nothing about the request.
            let late = try await storageError { () async throws(StorageError) in
                try await scene.tenant.publish([scene.item(key: "late")], now: fixture.now)
            }
            #expect(late.code == .permissionDenied)
            // The name may be given again, but not at once; nothing of the first is left then.
            for (seconds, isReserved) in [(1, true), (119, true), (120, false)] as [(Int64, Bool)] {
                do throws(StorageError) {
                    _ = try await fixture.administration.createTenant(
                        Fixture.creation(tenant), stamp: fixture.stamp(), now: end.adding(seconds: seconds))
                    #expect(!isReserved, "\(seconds) s")
                } catch {
                    #expect(isReserved && error.code == .idReserved, "\(seconds) s: \(error)")
                }
            }
            #expect(try await fixture.integer(as: scene.tenant, "SELECT count(*) FROM t_\(tenant).event") == 0)
        }
    }

    @Test func erasingWaitsForTheServiceAndNotTheOtherWayRound() async throws {
        let cluster = try SharedDatabase.sharedCluster()
        let database = try SharedDatabase.name()
        try await withStorage { fixture in
            let tenant = try await fixture.tenant().tenant
            _ = try await turn(fixture, tenant, to: .delete(at: fixture.now))
            let lock = try await HeldLock(
                ["LOCK TABLE t_\(tenant).account IN ROW EXCLUSIVE MODE"], cluster: cluster, database: database)
            let patient = TenantAdministration(pool: fixture.owner) { _ throws(CancellationError) in
                do { try lock.release() } catch { Issue.record(error) }
            }
            try await patient.eraseTenant(tenant, stamp: fixture.stamp(), now: fixture.now)
            #expect(try await fixture.registry.tenant(tenant) == nil)
            try await lock.end()
        }
    }
}
