import CarillonAPI
import CarillonGRPC
import CarillonNet
import Domain
import Storage
import Support
import Testing

@testable import Services

@Suite("Tenants that were quiet for so long that they have no partitions for the month")
struct MissingMonthTests {
    private static func dropMonths(of tenant: String) async throws {
        let database = try await TestDatabase.shared()
        let tables = ["event", "notification", "delivery", "attempt"].map { "t_\(tenant).\($0)_202611" }
        try database.cluster.execute("DROP TABLE \(tables.joined(separator: ", "))", database: database.name)
    }

    @Test("a process with the owner's login makes them, once for all who wait")
    func withOwner() async throws {
        try await House.open(loops: 2) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            house.clock.advance(seconds: 100 * 86_400)
            var clients: [DeliveryServiceClient] = []
            for _ in 0..<4 { clients.append(DeliveryServiceClient(try house.client(tenant.key))) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for (place, client) in clients.enumerated() {
                    group.addTask { _ = try await client.publish(invoice("k\(place)")) }
                }
                try await group.waitForAll()
            }
            #expect(house.alarms.all.isEmpty)
        }
    }

    @Test("those of a month are not taken for those of another")
    func nextMonth() async throws {
        try await House.open { house in
            let tenant = try #require(TenantID(try await house.tenant().id))
            let owner = try #require(house.services.core.owner)
            let (first, next) = (Instant(seconds: 1_800_000_000), Instant(seconds: 1_805_300_000))
            // Both are asked for before either is done.
            async let one: Void = owner.ensureMonths(of: tenant, now: first, until: .distantFuture)
            async let other: Void = owner.ensureMonths(of: tenant, now: next, until: .distantFuture)
            _ = try await (one, other)
            let database = try await TestDatabase.shared()
            let made = try database.cluster.execute(
                "SELECT to_regclass(m) IS NOT NULL FROM unnest(ARRAY['t_\(tenant).event_202701', 't_\(tenant).event_202703']) m",
                database: database.name)
            #expect(made == [["t"], ["t"]])
        }
    }

    @Test("a process without it raises the alarm, refuses the event, and has those make them that can")
    func withoutOwner() async throws {
        try await House.open { house in
            try await House.open(ownsSchemas: false) { other in
                let tenant = try await house.tenant()
                try await tenant.people()
                other.clock.advance(seconds: 100 * 86_400)
                let client = DeliveryServiceClient(try other.client(tenant.key))
                for number in 1...3 {
                    let refused = try await failure(.unavailable, "DATABASE_UNAVAILABLE") {
                        try await client.publish(invoice("k"))
                    }
                    #expect(refused.retryDelay == .seconds(5))
                    #expect(other.alarms.all == Array(repeating: tenant.id, count: number))
                }
                // What is said to the others goes out behind the answer.
                let id = try #require(TenantID(tenant.id))
                let now = other.clock.now
                try await ErasedTenantTests.withAdministration { administration in
                    var made: [TenantID] = []
                    while !made.contains(id) { made += try await administration.makeWantedMonths(now: now).made }
                }
                _ = try await client.publish(invoice("k"))
                #expect(other.alarms.all.count == 3)
            }
        }
    }

    @Test("a new tenant's are waited for once, and nobody is alarmed")
    func newTenant() async throws {
        let wait = Duration.seconds(2)
        try await House.open { house in
            try await House.open(ownsSchemas: false, limits: { $0.newTenantWait = wait }) { other in
                let tenant = try await house.tenant()
                try await tenant.people()
                let client = DeliveryServiceClient(try other.client(tenant.key))
                _ = try await client.publish(invoice("facts"))
                let id = try #require(TenantID(tenant.id))
                let now = other.clock.now
                try await ErasedTenantTests.withAdministration { administration in
                    // The event has to come before the months: whether it did is told by the time that it took.
                    var hasWaited = false
                    for attempt in 1...20 where !hasWaited {
                        try await Self.dropMonths(of: tenant.id)
                        let began = ContinuousClock.now
                        async let answer = client.publish(invoice("k\(attempt)"))
                        try await administration.makeFirstMonths(tenant: id, now: now)
                        _ = try await answer
                        hasWaited = ContinuousClock.now - began >= wait
                    }
                    #expect(hasWaited)
                }
                #expect(other.alarms.all.isEmpty)
                // Without a process that is at it the wait ends, and the alarm is raised.
                try await Self.dropMonths(of: tenant.id)
                try await failure(.unavailable, "DATABASE_UNAVAILABLE") { try await client.publish(invoice("x")) }
                #expect(other.alarms.all == [tenant.id])
            }
        }
    }
}
