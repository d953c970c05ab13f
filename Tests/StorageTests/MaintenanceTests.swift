import Domain
import Postgres
import Support
import Testing

@testable import Storage

/// What is done for all tenants: these tests have registries of their own.
@Suite struct MaintenanceTests {
    @Test func onlyOneProcessHasTheChoreAndItEndsByItself() async throws {
        try await withOwnRegistry { fixture, _ in
            let (one, two) = (fixture.id(), fixture.id())
            let administration = fixture.administration
            #expect(try await administration.take(.maintenance, holder: one, timeToLive: .seconds(60)))
            #expect(try await administration.take(.maintenance, holder: one, timeToLive: .seconds(60)))
            #expect(try await !administration.take(.maintenance, holder: two, timeToLive: .seconds(60)))
            try await administration.end(.maintenance, holder: two, isComplete: true)
            #expect(try await !administration.take(.maintenance, holder: two, timeToLive: .seconds(60)))
            try await administration.end(.maintenance, holder: one, isComplete: true)
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
            try await administration.end(.maintenance, holder: one, isComplete: true)
            #expect(try await !take(two, dueAfter: .seconds(600)))
            #expect(try await !take(one, dueAfter: .seconds(600)))
            #expect(try await take(two, dueAfter: .zero), "what is wanted at once is done at once")
            try await administration.end(.maintenance, holder: two, isComplete: true)
            let cluster = try SharedDatabase.sharedCluster()
            try cluster.execute("UPDATE carillon.chore SET done_at = done_at - interval '601 s'", database: database)
            #expect(try await take(one, dueAfter: .seconds(600)))
        }
    }

    /// A round that was broken off is due at once, for whoever comes next.
    @Test func aChoreThatWasBrokenOffIsStillDue() async throws {
        try await withOwnRegistry { fixture, _ in
            let (one, two) = (fixture.id(), fixture.id())
            let administration = fixture.administration
            #expect(try await administration.take(.maintenance, holder: one, timeToLive: .seconds(60)))
            try await administration.end(.maintenance, holder: one, isComplete: false)
            #expect(
                try await administration.take(
                    .maintenance, holder: two, timeToLive: .seconds(60), dueAfter: .seconds(600)), "and it is free")
            try await administration.end(.maintenance, holder: two, isComplete: true)
            #expect(try await administration.take(.maintenance, holder: one, timeToLive: .seconds(60)))
            try await administration.end(.maintenance, holder: one, isComplete: false)
            #expect(
                try await !administration.take(
                    .maintenance, holder: two, timeToLive: .seconds(60), dueAfter: .seconds(600)),
                "what was done before counts still")
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
