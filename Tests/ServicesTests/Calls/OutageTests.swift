import CarillonAPI
import CarillonGRPC
import Support
import Testing

@testable import Services

@Suite("Outages", .serialized)
struct OutageTests {
    @Test("are told to callers, and everything heals by itself")
    func outage() async throws {
        let cluster = try PrivateCluster()
        let database = try await TestDatabase.make(in: cluster)
        try await House.open(database: database, limits: { $0.factsAge = .zero }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            try await house.isReady()

            cluster.stop(.immediate)
            try await house.isReady(false)
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
            try await house.isReady()
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
            check.userID = "bob"
            _ = try await tenant.preferences.checkPreference(check)
            check.userID = "nobody"
            let nobody = check
            try await failure(.notFound) { try await tenant.preferences.checkPreference(nobody) }
            cluster.stop(.immediate)
            try await failure(.notFound) { try await tenant.preferences.checkPreference(nobody) }
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
