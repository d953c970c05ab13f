import Domain
import Postgres
import Support
import Testing

@testable import Storage

/// The partitions of tenants: made when they are needed, or before, and dropped when they are old.
@Suite struct MonthTests {
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

    @Test func aMonthWithoutPartitionsIsSaidAndMade() async throws {
        try await withStorage { fixture in
            let scene = try await PublishScene(fixture)
            fixture.now = Instant(seconds: 1_800_000_000)  // January 2027: two months on.
            let item = scene.item(key: "k1")
            let error = try await storageError { () async throws(StorageError) in
                try await scene.tenant.publish([item, scene.item(key: "k2")], now: fixture.now)
            }
            #expect(error.code == .monthMissing)
            let tenant = scene.tenant.tenant
            let now = fixture.now
            let administrations = (0..<3).map { _ in fixture.anotherAdministration() }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for administration in administrations {
                    group.addTask { try await administration.ensureMonths(tenant: tenant, now: now) }
                }
                try await group.waitForAll()
            }
            #expect(try await scene.tenant.publish([item], now: fixture.now).outcomes[0].word == "stored")
            #expect(try await scene.rows()["event"] == 1)
        }
    }

    @Test func monthsAreMadeAheadForTenantsThatPublish() async throws {
        try await withStorage { fixture in
            let busy = try await PublishScene(fixture)
            let quiet = try await PublishScene(fixture)
            #expect(
                try await Set(fixture.administration.makeMonthsAhead(now: fixture.now)).isSuperset(of: [
                    busy.tenant.tenant, quiet.tenant.tenant,
                ]))
            fixture.now = Instant(seconds: 1_796_083_200)  // 2026-12-01: the month made ahead for new tenants.
            _ = try await busy.tenant.publish([busy.item(key: "k")], now: fixture.now)
            // What statistics say, they say a little later.
            _ = try await fixture.owner.run(
                Unit([Query(Statement("ANALYZE t_\(busy.tenant.tenant).event_202612", prepared: false))]))
            let made = try await fixture.administration.makeMonthsAhead(now: fixture.now)
            #expect(made.contains(busy.tenant.tenant))
            #expect(!made.contains(quiet.tenant.tenant))
            #expect(try await fixture.administration.makeMonthsAhead(now: fixture.now).isEmpty)
            fixture.now = Instant(seconds: 1_798_761_600)  // 2027-01-01.
            #expect(
                try await busy.tenant.publish([busy.item(key: "k2")], now: fixture.now).outcomes[0].word == "stored")
        }
    }

    @Test func whatBreaksARoundOffIsHeardOf() async throws {
        try await withOwnRegistry { fixture, _ in
            let tenant = try await fixture.tenant().tenant
            let stop = StorageError(.aborted, "another process has the lease")
            var failed: [TenantID] = []
            let round = await #expect(throws: StorageError.self) {
                try await fixture.administration.makeMonthsAhead(
                    now: fixture.now, goesOn: { () async throws(StorageError) in throw stop },
                    failed: { tenant, _ in failed.append(tenant) })
            }
            #expect(round?.message == stop.message && failed.isEmpty, "it is no failure of the tenant's")
            let later = fixture.now.adding(seconds: 200 * 86_400)
            let drops = await #expect(throws: StorageError.self) {
                try await fixture.administration.dropExpiredMonths(
                    now: later, goesOn: { () async throws(StorageError) in throw stop })
            }
            #expect(drops?.message == stop.message)
            #expect(try await months(fixture, tenant) == ["202611"])
        }
    }

    @Test func monthsThatAreMissedAreMadeForThoseWhoSayIt() async throws {
        try await withOwnRegistry { fixture, _ in
            let (quiet, other) = (try await fixture.tenant().tenant, try await fixture.tenant().tenant)
            let later = fixture.now.adding(seconds: 100 * 86_400)
            #expect(try await fixture.administration.makeWantedMonths(now: later).made.isEmpty)
            for _ in 1...2 { try await fixture.registry.wantMonths(of: quiet, now: later) }
            try await fixture.registry.wantMonths(of: TenantID(unchecked: "nobody"), now: later)
            #expect(try await fixture.administration.makeWantedMonths(now: later).made == [quiet])
            #expect(try await months(fixture, quiet) == ["202611", "202702", "202703"])
            #expect(try await months(fixture, other) == ["202611"])
            #expect(try await fixture.administration.makeWantedMonths(now: later).made.isEmpty, "once")
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
            let outcome = try await impatient.makeWantedMonths(now: later) { tenant, _ in failed.append(tenant) }
            #expect(outcome.made.isEmpty && outcome.waiting == [tenant] && failed == [tenant])
            try lock.release()
            try await lock.end()
            #expect(try await fixture.administration.makeWantedMonths(now: later).made == [tenant])
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

    @Test func withAMonthGoesWhatIsRememberedOfLiftedSuppressions() async throws {
        try await withOwnRegistry { fixture, _ in
            let tenant = try await fixture.tenant()
            let later = fixture.now.adding(seconds: 200 * 86_400)
            let addresses = ["+4930100001", "+4930100002", "+4930100003"].map { Address(.sms, $0) }
            _ = try await tenant.start([OwnersStart(addresses[0], at: fixture.now)], stamp: fixture.stamp())
            _ = try await tenant.start([OwnersStart(addresses[1], at: later)], stamp: fixture.stamp())
            let stop = NewSuppression(addresses[2], .stopped, at: fixture.now)
            _ = try await tenant.suppress([stop], source: .provider, stamp: fixture.stamp())
            func known() async throws -> Int64 {
                try await fixture.integer(as: tenant, "SELECT count(*) FROM t_\(tenant.tenant).suppression")
            }
            #expect(try await known() == 3)
            #expect(try await fixture.administration.dropExpiredMonths(now: fixture.now) == 0)
            #expect(try await known() == 3)
            #expect(try await fixture.administration.dropExpiredMonths(now: later) == 1)
            #expect(try await known() == 2, "the START of the month that is gone")
            #expect(try await tenant.suppressions(on: [.sms], size: 9).elements.map(\.address) == [addresses[2]])
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
            #expect(counts.max() == 22 + 4 * Int64(historyMonths))
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
}
