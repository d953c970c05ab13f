import Domain
import Postgres
import Support
import Testing

@testable import Storage

/// What is done for all tenants: these tests have registries of their own.
@Suite struct MaintenanceTests {
    private func months(_ fixture: Fixture, _ tenant: TenantID) async throws -> [String] {
        let query = Statement(
            """
            SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = 't_\(tenant)' AND c.relispartition AND c.relkind = 'r' ORDER BY c.relname
            """, prepared: false)
        let names = try await fixture.owner.run(Unit([Query(query)]))[0].map { row throws(PostgresError) in
            try row.text(0)
        }
        let months = Dictionary(grouping: names) { String($0.suffix(6)) }
        #expect(months.values.allSatisfy { $0.count == TenantSchema.history.count }, "months are whole: \(names)")
        return months.keys.sorted()
    }

    @Test func onlyOneProcessHasTheChoreAndItEndsByItself() async throws {
        try await withOwnRegistry { fixture, _ in
            let (one, two) = (fixture.id(), fixture.id())
            let administration = fixture.administration
            #expect(try await administration.take(.maintenance, holder: one, timeToLive: .seconds(60)))
            #expect(try await administration.take(.maintenance, holder: one, timeToLive: .seconds(60)))
            #expect(try await !administration.take(.maintenance, holder: two, timeToLive: .seconds(60)))
            try await administration.end(.maintenance, holder: two)
            #expect(try await !administration.take(.maintenance, holder: two, timeToLive: .seconds(60)))
            try await administration.end(.maintenance, holder: one)
            // A process that was killed: its time passes, by the database's clock.
            #expect(try await administration.take(.maintenance, holder: two, timeToLive: .zero))
            #expect(try await administration.take(.maintenance, holder: one, timeToLive: .seconds(60)))
        }
    }

    @Test func aChoreThatWasDoneIsNotDueForAWhileWhoeverDidIt() async throws {
        try await withOwnRegistry { fixture, database in
            let (one, two) = (fixture.id(), fixture.id())
            let administration = fixture.administration
            func take(_ holder: UUIDv7, dueAfter interval: Duration) async throws(StorageError) -> Bool {
                try await administration.take(
                    .maintenance, holder: holder, timeToLive: .seconds(60), dueAfter: interval)
            }
            #expect(try await take(one, dueAfter: .seconds(600)), "it was never done")
            #expect(try await take(one, dueAfter: .seconds(600)), "who is at it goes on")
            try await administration.end(.maintenance, holder: one)
            #expect(try await !take(two, dueAfter: .seconds(600)))
            #expect(try await !take(one, dueAfter: .seconds(600)))
            #expect(try await take(two, dueAfter: .zero), "what is wanted at once is done at once")
            try await administration.end(.maintenance, holder: two)
            let cluster = try SharedDatabase.sharedCluster()
            try cluster.execute("UPDATE carillon.chore SET done_at = done_at - interval '601 s'", database: database)
            #expect(try await take(one, dueAfter: .seconds(600)))
        }
    }

    @Test func monthsThatAreMissedAreMadeForThoseWhoSayIt() async throws {
        try await withOwnRegistry { fixture, _ in
            let (quiet, other) = (try await fixture.tenant().tenant, try await fixture.tenant().tenant)
            let later = fixture.now.adding(seconds: 100 * 86_400)
            #expect(try await fixture.administration.makeWantedMonths(now: later).isEmpty)
            for _ in 1...2 { try await fixture.registry.wantMonths(of: quiet, now: later) }
            try await fixture.registry.wantMonths(of: TenantID(unchecked: "nobody"), now: later)
            #expect(try await fixture.administration.makeWantedMonths(now: later) == [quiet])
            #expect(try await months(fixture, quiet) == ["202611", "202702", "202703"])
            #expect(try await months(fixture, other) == ["202611"])
            #expect(try await fixture.administration.makeWantedMonths(now: later).isEmpty, "once")
        }
    }

    @Test func aMonthThatCannotBeMadeIsWantedStill() async throws {
        let cluster = try SharedDatabase.sharedCluster()
        try await withOwnRegistry { fixture, database in
            let tenant = try await fixture.tenant().tenant
            let later = fixture.now.adding(seconds: 100 * 86_400)
            try await fixture.registry.wantMonths(of: tenant, now: later)
            let lock = try await HeldLock(
                ["LOCK TABLE t_\(tenant).event IN ACCESS EXCLUSIVE MODE"], cluster: cluster, database: database)
            let impatient = TenantAdministration(pool: fixture.owner) { _ throws(CancellationError) in }
            var failed: [TenantID] = []
            let made = try await impatient.makeWantedMonths(now: later) { tenant, _ in failed.append(tenant) }
            #expect(made.isEmpty && failed == [tenant])
            try lock.release()
            try await lock.end()
            #expect(try await fixture.administration.makeWantedMonths(now: later) == [tenant])
        }
    }

    /// What a session has touched stays in its memory: looking at tenants that did nothing must touch none of their tables.
    @Test func idleTenantsAreNotTouched() async throws {
        try await withOwnRegistry { fixture, _ in
            var tenants: [TenantID] = []
            for _ in 0..<5 { tenants.append(try await fixture.tenant().tenant) }
            // In the month in which they were made they are not idle.
            #expect(try await fixture.administration.makeMonthsAhead(now: fixture.now) == tenants.sorted())
            fixture.now = fixture.now.adding(seconds: 30 * 86_400)
            let opened = Query(
                Statement(
                    """
                    SELECT count(*) FROM pg_catalog.pg_locks l
                    JOIN pg_catalog.pg_class c ON c.oid = l.relation
                    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                    WHERE l.pid = pg_catalog.pg_backend_pid() AND n.nspname ~ '^t_'
                    """, prepared: false))
            let names = TenantSchema.history.map { TenantSchema.partitionName($0, Month(containing: fixture.now)) }
            let results = try await fixture.owner.run(
                Unit([
                    Query(
                        MaintenanceStatements.schemasWithRows,
                        [.textArray(names), .textArray(tenants.map { "t_\($0)" })]),
                    opened,
                ]))
            #expect(results[0].isEmpty)
            #expect(try results[1].first?.int8(0) == 0, "no table of theirs was opened")
            let nextMonth = fixture.now.adding(seconds: 30 * 86_400)
            #expect(try await fixture.administration.makeMonthsAhead(now: nextMonth).isEmpty)
        }
    }

    @Test func historyIsKeptAsLongAsTheTenantSays() async throws {
        try await withOwnRegistry { fixture, _ in
            let administration = fixture.administration
            let scene = try await PublishScene(fixture)
            let long = scene.tenant.tenant
            let short = try await fixture.tenant().tenant
            var brief = Fixture.values
            brief.historyMonths = 1
            _ = try await administration.updateTenant(
                try #require(try await fixture.registry.tenant(short)), brief, stamp: fixture.stamp(), now: fixture.now)
            for tenant in [long, short] { try await administration.ensureMonths(tenant: tenant, now: fixture.now) }
            // 2026-11 and -12 are there; a year later two more.
            _ = try await scene.tenant.publish([scene.item(key: "old")], now: fixture.now)
            let waiting = try await fixture.integer(as: scene.tenant, "SELECT count(*) FROM t_\(long).queue")
            #expect(waiting > 0)
            let later = fixture.now.adding(seconds: 75 * 86_400)
            for tenant in [long, short] { try await administration.ensureMonths(tenant: tenant, now: later) }
            #expect(try await months(fixture, long) == ["202611", "202612", "202701", "202702"])

            #expect(try await administration.dropExpiredMonths(now: later) == 2)
            #expect(try await months(fixture, short) == ["202701", "202702"])
            #expect(try await months(fixture, long) == ["202611", "202612", "202701", "202702"])

            // 2027-03: the usual four months end with 2026-12. What waits to be sent keeps its month.
            let march = fixture.now.adding(seconds: 120 * 86_400)
            try await administration.ensureMonths(tenant: long, now: march)
            #expect(
                try await administration.dropExpiredMonths(now: march) == 2, "the brief tenant's January and February")
            #expect(try await months(fixture, long).first == "202611")
            try await fixture.query(as: scene.tenant, "DELETE FROM t_\(long).queue")
            #expect(try await administration.dropExpiredMonths(now: march) == 1)
            #expect(try await months(fixture, long) == ["202612", "202701", "202702", "202703", "202704"])
            #expect(try await administration.dropExpiredMonths(now: march) == 0)
        }
    }

    @Test func aTenantBeginsWithTheMonthItIsMadeIn() async throws {
        try await withOwnRegistry { fixture, _ in
            let early = try await fixture.tenant().tenant
            #expect(try await months(fixture, early) == ["202611"])
            // 22:59:59 and 23:00 of the last day: the next round of maintenance may come too late for the second.
            fixture.now = Instant(seconds: 1_796_079_599)
            let late = try await fixture.tenant().tenant
            fixture.now = Instant(seconds: 1_796_079_600)
            let latest = try await fixture.tenant().tenant
            #expect(try await months(fixture, late) == ["202611"])
            #expect(try await months(fixture, latest) == ["202611", "202612"])

            // What is missing is made ahead although nobody has published, and once.
            let made = try await fixture.administration.makeMonthsAhead(now: fixture.now)
            #expect(made.sorted() == [early, late].sorted())
            #expect(try await fixture.administration.makeMonthsAhead(now: fixture.now).isEmpty)
            for tenant in [early, late, latest] {
                #expect(try await months(fixture, tenant) == ["202611", "202612"])
            }
            // In the month after, it has to be wanted.
            fixture.now = Instant(seconds: 1_796_083_200)
            #expect(try await fixture.administration.makeMonthsAhead(now: fixture.now).isEmpty)
        }
    }

    /// What the API's words on `history_months` promise.
    @Test(arguments: [1, 4, 24])
    func theTablesOfAFullHistoryAreAsManyAsIsSaid(historyMonths: Int32) async throws {
        try await withOwnRegistry { fixture, _ in
            let tenant = try await fixture.tenant()
            var write = Fixture.values
            write.historyMonths = historyMonths
            _ = try await fixture.administration.updateTenant(
                try #require(try await fixture.registry.tenant(tenant.tenant)), write, stamp: fixture.stamp(),
                now: fixture.now)
            var counts: [Int64] = []
            for month in 0..<Int(historyMonths) + 4 {
                let now = fixture.now.adding(seconds: Int64(month) * 30 * 86_400 + Int64(month) * 37_800)
                try await fixture.administration.ensureMonths(tenant: tenant.tenant, now: now)
                _ = try await fixture.administration.dropExpiredMonths(now: now)
                let count = try await fixture.integer(
                    as: tenant,
                    """
                    SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                    WHERE n.nspname = 't_\(tenant.tenant)' AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
                    """)
                counts.append(count)
            }
            #expect(counts.max() == 21 + 4 * Int64(historyMonths))
            #expect(counts.last == counts.max(), "and no more")
            if historyMonths == TenantWrite.usualHistoryMonths { #expect(counts.max().map { $0 <= 40 } == true) }
        }
    }

    @Test func aRoundGoesOnAtTheNextTenantWhenOneIsInTheWay() async throws {
        let cluster = try SharedDatabase.sharedCluster()
        try await withOwnRegistry { fixture, database in
            let tenants = [try await fixture.tenant().tenant, try await fixture.tenant().tenant].sorted()
            let later = fixture.now.adding(seconds: 200 * 86_400)
            for tenant in tenants { try await fixture.administration.ensureMonths(tenant: tenant, now: fixture.now) }
            let lock = try await HeldLock(
                ["LOCK TABLE t_\(tenants[0]).event IN ACCESS SHARE MODE"], cluster: cluster, database: database)
            let impatient = TenantAdministration(pool: fixture.owner) { _ throws(CancellationError) in }
            var failed: [ExpiredMonth] = []
            let dropped = try await impatient.dropExpiredMonths(
                now: later,
                failed: { month, error in
                    #expect(error.code == .aborted)
                    failed.append(month)
                })
            #expect(dropped == 2 && failed.map(\.tenant) == [tenants[0], tenants[0]])
            try lock.release()
            try await lock.end()
            #expect(try await fixture.administration.dropExpiredMonths(now: later) == 2)
        }
    }

    @Test func whatIsStoredIsCountedByStatistics() async throws {
        try await withOwnRegistry { fixture, _ in
            let scene = try await PublishScene(fixture)
            let items = (0..<50).map { scene.item(key: "n\($0)") }
            _ = try await scene.tenant.publish(items, now: fixture.now)
            let tables = ["event", "notification", "delivery", "queue"]
            _ = try await fixture.owner.run(
                Unit(tables.map { Query(Statement("ANALYZE t_\(scene.tenant.tenant).\($0)", prepared: false)) }))
            #expect(try await fixture.administration.countUsage(now: fixture.now) == 1)
            let row = try await fixture.serve.run(
                Unit([
                    Query(
                        Statement(
                            "SELECT u.stored_rows, u.stored_octets FROM carillon.tenant_usage u WHERE u.tenant_id = $1::text",
                            prepared: false), [.text(scene.tenant.tenant)])
                ]))[0]
            let usage = try #require(row.first)
            #expect(try usage.int8(0) >= 150)
            #expect(try usage.int8(1) > 8192)
        }
    }
}
