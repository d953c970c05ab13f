import CarillonAPI
import CarillonGRPC
import Support
import Testing

@testable import Services

@Suite("Health and outages", .serialized)
struct HealthTests {
    @Test("is told without credentials, for the process and each service")
    func serving() async throws {
        try await House.open { house in
            let health = HealthClient(try house.client(nil))
            // The pool may still be connecting.
            try await house.isReady()
            for service in ["", "carillon.v1.DeliveryService", "grpc.health.v1.Health"] {
                var request = Grpc_Health_V1_HealthCheckRequest()
                request.service = service
                #expect(try await health.check(request).status == .serving)
            }
            var request = Grpc_Health_V1_HealthCheckRequest()
            request.service = "carillon.v1.NoService"
            try await failure(.notFound) { try await health.check(request) }
            var unknown = try await health.watch(request).makeAsyncIterator()
            #expect(try await unknown.next()?.status == .serviceUnknown)
        }
    }

    @Test("turns to NOT_SERVING when the end begins, and watches are ended")
    func draining() async throws {
        try await House.open(limits: { $0.healthPoll = .milliseconds(5) }) { house in
            let health = HealthClient(try house.client(nil))
            try await house.isReady()
            var watch = try await health.watch(.init()).makeAsyncIterator()
            #expect(try await watch.next()?.status == .serving)
            await house.drain()
            #expect(try await watch.next()?.status == .notServing)
            do {
                _ = try await watch.next()
                Issue.record("the watch goes on")
            } catch let status as Status {
                #expect(status.code == .unavailable)
            }
            #expect(try await health.check(.init()).status == .notServing)
            #expect(!house.services.isReady)
        }
    }

    @Test("follows the database, and everything heals by itself")
    func outage() async throws {
        let cluster = try PrivateCluster()
        let database = try await TestDatabase.make(in: cluster)
        let limits: (inout ServiceLimits) -> Void = {
            $0.healthPoll = .milliseconds(5)
            $0.factsAge = .zero
        }
        try await House.open(database: database, limits: limits) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            try await house.isReady()
            let health = HealthClient(try house.client(nil))
            var watch = try await health.watch(.init()).makeAsyncIterator()
            #expect(try await watch.next()?.status == .serving)

            cluster.stop(.immediate)
            #expect(try await watch.next()?.status == .notServing)
            let status = try await failure(.unavailable, "DATABASE_UNAVAILABLE") {
                try await tenant.deliveries.publish(invoice("k1"))
            }
            #expect(status.retryDelay != nil)
            var check = Carillon_V1_CheckPreferenceRequest()
            check.userID = "ann"
            check.notificationType = "invoice.created"
            try await failure(.unavailable) { try await tenant.preferences.checkPreference(check) }
            // Somebody whom nobody has looked up yet is not refused, but told to come again.
            try await failure(.unavailable) { try await tenant.inbox("ann").getCounts(.init()) }

            try cluster.start()
            #expect(try await watch.next()?.status == .serving)
            let response = try await tenant.deliveries.publish(invoice("k1"))
            #expect(!response.replayed)
            #expect(try await tenant.inbox("ann").getCounts(.init()).counts.total == 1)
        }
        cluster.remove()
    }

    @Test("what is known answers without the database")
    func memory() async throws {
        let cluster = try PrivateCluster()
        let database = try await TestDatabase.make(in: cluster)
        try await House.open(database: database, limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            var check = Carillon_V1_CheckPreferenceRequest()
            check.userID = "ann"
            check.notificationType = "invoice.created"
            let before = try await tenant.preferences.checkPreference(check)
            cluster.stop(.immediate)
            check.userID = "bob"
            for _ in 0..<3 {
                let answer = try await tenant.preferences.checkPreference(check)
                #expect(answer.channels.map(\.verdict) == [.deliver, .deliver])
            }
            check.userID = "ann"
            #expect(try await tenant.preferences.checkPreference(check) == before)
            check.userID = "stranger"
            try await failure(.unavailable) { try await tenant.preferences.checkPreference(check) }
        }
        cluster.remove()
    }
}
