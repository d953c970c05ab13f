import Domain
import Postgres
import Support
import Synchronization
import Testing

@testable import Storage

/// Migrations that something is in the way of.
@Suite struct MigrationObstacleTests {
    /// A slow tenant takes one place of the four; everybody else goes on through the others.
    @Test func aSlowTenantHoldsNobodyUp() async throws {
        try await withMigrationStage { stage in
            let fixture = stage.fixture
            _ = try await fixture.administration.migrateRegistry(now: fixture.now)
            var tenants: [TenantID] = []
            for _ in 0..<20 { tenants.append(try await fixture.tenant().tenant) }
            let slow = tenants.sorted()[0]
            let lock = try await HeldLock(
                ["LOCK TABLE t_\(slow).account IN ACCESS EXCLUSIVE MODE"], cluster: stage.cluster,
                database: stage.database)
            let migrator = stage.migrator(MigrationTests.both, parallel: 2) { event in
                guard case .progress(let progress) = event, progress.done == 19 else { return }
                do { try lock.release() } catch { Issue.record(error) }
            }
            let report = try await migrator.migrateTenants(now: fixture.now)
            #expect([report.migrated, report.failed] == [20, 0])
            try await lock.end()
        }
    }

    @Test func aMigrationWaitsForTheServiceAndNotTheOtherWayRound() async throws {
        try await withMigrationStage { stage in
            let fixture = stage.fixture
            _ = try await fixture.administration.migrateRegistry(now: fixture.now)
            let tenant = try await fixture.tenant()
            let lock = try await HeldLock(
                ["LOCK TABLE t_\(tenant.tenant).account IN ROW EXCLUSIVE MODE"], cluster: stage.cluster,
                database: stage.database)
            let pauses = Mutex<[Duration]>([])
            // The service goes on when the migration has given up twice.
            let patient = stage.migrator(
                MigrationTests.both,
                pause: { length throws(CancellationError) in
                    let count = pauses.withLock { pauses in
                        pauses.append(length)
                        return pauses.count
                    }
                    guard count == 2 else { return }
                    do { try lock.release() } catch { Issue.record(error) }
                })
            #expect(try await patient.migrateTenants(now: fixture.now).migrated == 1)
            #expect(pauses.withLock { $0.prefix(2) } == [.milliseconds(50), .milliseconds(100)])
            try await lock.end()
        }
    }

    /// It is heard between transactions, and what is left is done by the next run.
    @Test func aStoppedMigrationGoesOnLater() async throws {
        try await withMigrationStage { stage in
            let fixture = stage.fixture
            _ = try await fixture.administration.migrateRegistry(now: fixture.now)
            for _ in 0..<10 { _ = try await fixture.tenant() }
            let stop = StopRequest()
            let migrator = stage.migrator(MigrationTests.both, parallel: 1, stop: stop) { event in
                if case .progress(let progress) = event, progress.done == 4 { stop.request() }
            }
            let report = try await migrator.migrateTenants(now: fixture.now)
            #expect(report.isStopped)
            #expect([report.migrated, report.failed, report.total] == [4, 0, 10])
            #expect(try stage.version1.versions().values.count { $0 == Int(MigrationTests.next) + 1 } == 4)
            #expect(try await stage.migrator(MigrationTests.both).migrateTenants(now: fixture.now).migrated == 6)
        }
    }

    @Test func aDatabaseThatGoesAwayEndsTheRunAndNotTheTenants() async throws {
        try await withMigrationStage { stage in
            let fixture = stage.fixture
            _ = try await fixture.administration.migrateRegistry(now: fixture.now)
            for _ in 0..<10 { _ = try await fixture.tenant() }
            let pauses = Mutex(0)
            let cutting = Mutex(false)
            // From the third tenant on all connections break as soon as they are made.
            let migrator = stage.migrator(
                MigrationTests.both, parallel: 2,
                onEvent: { event in
                    guard case .progress(let progress) = event, progress.done == 2 else { return }
                    let isFirst = cutting.withLock { hasCut in
                        defer { hasCut = true }
                        return !hasCut
                    }
                    guard isFirst else { return }
                    do { try stage.cutOff() } catch { Issue.record(error) }
                },
                pause: { _ throws(CancellationError) in
                    pauses.withLock { $0 += 1 }
                    await Task.yield()
                })
            let report = try await migrator.migrateTenants(now: fixture.now)
            try stage.letIn()
            #expect(report.brokenOff?.code == .unavailable)
            #expect(report.failed == 0)
            #expect((2...4).contains(report.migrated), "\(report.migrated)")
            #expect(pauses.withLock { $0 } >= Patience.outageTries - 1)
        }
    }
}
