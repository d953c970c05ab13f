import Domain
import Postgres
import Support
import Synchronization
import Testing

@testable import Storage

/// What an erasure leaves behind, and what it leaves alone.
@Suite struct ErasureTests {
    private func delete(_ fixture: Fixture, _ tenant: TenantID) async throws {
        let record = try #require(try await fixture.registry.tenant(tenant))
        _ = try await fixture.administration.turn(
            record, to: .delete(at: fixture.now), stamp: fixture.stamp(), now: fixture.now)
    }

    private func sweep(_ fixture: Fixture, now: Instant) async throws -> RegistrySweep.Outcome {
        var login = PostgresConfiguration(connectionInfo: fixture.connectionInfos.owner)
        login.connectTimeout = Fixture.patience
        return try await RegistrySweep.run(fixture.administration, login, on: fixture.loop, now: now)
    }

    @Test func thoseThatCannotBeErasedAreInNobodysWay() async throws {
        try await withOwnRegistry { fixture, _ in
            var tenants: [TenantID] = []
            for _ in 0..<5 {
                tenants.append(try await fixture.tenant().tenant)
                try await delete(fixture, tenants[tenants.count - 1])
            }
            tenants.sort()
            let first = try await fixture.administration.tenantsToErase(now: fixture.now, limit: 2)
            #expect(first.map(\.id) == Array(tenants[..<2]))
            let second = try await fixture.administration.tenantsToErase(now: fixture.now, after: tenants[1], limit: 2)
            #expect(second.map(\.id) == Array(tenants[2..<4]))
            let last = try await fixture.administration.tenantsToErase(now: fixture.now, after: tenants[3], limit: 2)
            #expect(last.map(\.id) == [tenants[4]])
        }
    }

    @Test func noServiceActsForTheNextTenantOfTheId() async throws {
        try await withOwnRegistry { fixture, _ in
            let (gone, stays) = (try await fixture.tenant().tenant, try await fixture.tenant().tenant)
            let service = "spiffe://example.org/sa/billing"
            let made = try await fixture.registry.putService(
                ServiceIdentityWrite(
                    id: service, displayName: "Billing", scopes: ["publish"], allTenants: false, tenants: [gone, stays]),
                expectedRevision: nil, stamp: fixture.stamp(), now: fixture.now)
            try await delete(fixture, gone)
            try await fixture.administration.eraseTenant(gone, stamp: fixture.stamp(), now: fixture.now)
            let left = try #require(try await fixture.registry.service(service, actingFor: nil)).service
            #expect(left.tenants == [stays])
            #expect(
                left.revision == made.record.revision + 1, "other processes hear of it, and the etag is another one")
            let line = try await fixture.owner.run(
                Unit([
                    Query(
                        Statement(
                            "SELECT a.after::text FROM carillon.audit a WHERE a.chain = '' AND a.action = 'tenant.erase'",
                            prepared: false))
                ]))[0]
            #expect(try line.first?.text(0) == #"{"taken_from_services": ["\#(service)"]}"#)
        }
    }

    @Test func theRegistryIsSweptWhenNobodyCanSeeTheTenantAnyMore() async throws {
        let cluster = try SharedDatabase.sharedCluster()
        try await withOwnRegistry { fixture, database in
            let tenant = try await fixture.tenant().tenant
            try await delete(fixture, tenant)
            try await fixture.administration.eraseTenant(tenant, stamp: fixture.stamp(), now: fixture.now)
            func file() throws -> [[String?]] {
                try cluster.execute("SELECT pg_relation_filepath('carillon.tenant')", database: database)
            }
            let before = try file()
            #expect(try await RegistrySweep.isDue(fixture.administration))
            #expect(try await sweep(fixture, now: fixture.now.adding(seconds: 59)) == .swept([]), "too early")
            #expect(try file() == before)
            #expect(try await sweep(fixture, now: fixture.now.adding(seconds: 60)) == .swept([tenant]))
            #expect(try file() != before)
            #expect(try await !RegistrySweep.isDue(fixture.administration))
            // The id is kept until it may be given again, and nothing is swept twice.
            let left = Query(Statement("SELECT count(*) FROM carillon.erased_tenant", prepared: false))
            #expect(try await fixture.owner.run(Unit([left]))[0].first?.int8(0) == 1)
            #expect(try await sweep(fixture, now: fixture.now.adding(seconds: 120)) == .swept([]))
            #expect(try await fixture.owner.run(Unit([left]))[0].first?.int8(0) == 0)
        }
    }

    /// What is open may see the tenant, which would keep its rows through a sweep, and may go on for hours: whoever's it is, and
    /// whatever it has touched. Nothing is locked then.
    @Test(arguments: [LoginDuty.own, .serve], [true, false])
    func aSweepComesLaterWhenATransactionGoesOn(login: LoginDuty, isOlder: Bool) async throws {
        let cluster = try SharedDatabase.sharedCluster()
        try await withOwnRegistry { fixture, database in
            let tenant = try await fixture.tenant().tenant
            try await delete(fixture, tenant)
            let infos = fixture.connectionInfos
            var configuration = PostgresConfiguration(connectionInfo: login == .own ? infos.owner : infos.serve)
            configuration.connectTimeout = Fixture.patience
            configuration.idleInTransactionTimeout = .zero
            let reader = try await PostgresSession.open(on: fixture.loop, configuration: configuration)
            func begin() async throws(PostgresError) {
                try await reader.begin(.snapshot)
                _ = try await reader.run(
                    Query(Statement("SELECT count(*) FROM carillon.schema_version", prepared: false)))
            }
            if isOlder { try await begin() }
            try await fixture.administration.eraseTenant(tenant, stamp: fixture.stamp(), now: fixture.now)
            if !isOlder { try await begin() }
            func file() throws -> [[String?]] {
                try cluster.execute("SELECT pg_relation_filepath('carillon.tenant')", database: database)
            }
            let before = try file()
            #expect(try await sweep(fixture, now: fixture.now.adding(seconds: 60)) == .busy)
            #expect(try file() == before)
            #expect(try await RegistrySweep.isDue(fixture.administration))
            try await reader.commit()
            #expect(try await sweep(fixture, now: fixture.now.adding(seconds: 60)) == .swept([tenant]))
            reader.close()
        }
    }

    /// Whoever comes behind a lock that is waited for waits too: there are three short waits for it, far apart.
    @Test func aTableThatIsHeldIsNotFoughtFor() async throws {
        let cluster = try SharedDatabase.sharedCluster()
        try await withOwnRegistry { fixture, database in
            let lock = try await HeldLock(
                ["LOCK TABLE carillon.tenant IN ACCESS SHARE MODE"], cluster: cluster, database: database)
            let pauses = Mutex<[Duration]>([])
            var login = PostgresConfiguration(connectionInfo: fixture.connectionInfos.owner)
            login.connectTimeout = Fixture.patience
            do throws(PostgresError) {
                try await RegistrySweep.rewrite(login, on: fixture.loop) { pause throws(CancellationError) in
                    pauses.withLock { $0.append(pause) }
                }
                Issue.record("the table was had")
            } catch {
                #expect(error.code == .lockTimeout)
            }
            #expect(pauses.withLock { $0 } == [.seconds(1), .seconds(3)])
            try lock.release()
            try await lock.end()
        }
    }

    @Test func aSweepThatFoundOthersInItsWayComesEverLater() {
        var pace = SweepPace()
        let pauses = (0..<6).map { _ in pace.pause(after: .busy)?.components.seconds }
        #expect(pauses == [300, 600, 1_200, 2_400, 3_600, 3_600])
        #expect(pace.pause(after: .swept([])) == nil)
        #expect(pace.pause(after: .busy) == .seconds(300))
    }
}
