import CarillonAPI
import CarillonGRPC
import Domain
import SwiftProtobuf
import Testing

@testable import Services

/// Changes of the same choice at the same time.
@Suite("Preferences that are changed at once", .timeLimit(.minutes(5)))
struct PreferenceRaceTests {
    private static func request(
        _ choice: Carillon_V1_Choice, etag: String = ""
    ) -> Carillon_V1_UpdatePreferencesRequest {
        var request = Carillon_V1_UpdatePreferencesRequest()
        var sent = Carillon_V1_PreferenceChoice()
        (sent.notificationType, sent.choice) = ("invoice.created", choice)
        (request.userID, request.choices, request.etag) = ("bob", [sent], etag)
        return request
    }

    private static func stored(_ tenant: TestTenant) async throws -> Carillon_V1_GetPreferencesResponse {
        var request = Carillon_V1_GetPreferencesRequest()
        request.userID = "bob"
        return try await tenant.preferences.getPreferences(request)
    }

    @Test("of two who have read the same page one is told to read it again")
    func etags() async throws {
        try await House.open(loops: 2) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let clients = try [house.client(tenant.key), house.client(tenant.key)].map { PreferenceServiceClient($0) }
            for _ in 0..<10 {
                let etag = try await Self.stored(tenant).etag
                let outcomes = await withTaskGroup(of: String.self) { group in
                    for (client, choice) in zip(clients, [Carillon_V1_Choice.on, .off]) {
                        group.addTask {
                            do throws(Status) {
                                _ = try await client.updatePreferences(Self.request(choice, etag: etag))
                                return "\(choice)"
                            } catch {
                                return error.code.name
                            }
                        }
                    }
                    return await group.reduce(into: Set<String>()) { $0.insert($1) }
                }
                #expect(outcomes.contains("ABORTED"))
                let choice = try #require(try await Self.stored(tenant).choices.first).choice
                #expect(outcomes == ["ABORTED", "\(choice)"])
            }
        }
    }

    @Test("without an etag the last one counts, and every loop agrees with the database on which that is")
    func lastCounts() async throws {
        try await House.open(loops: 2, limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let clients = try [house.client(tenant.key), house.client(tenant.key)].map { PreferenceServiceClient($0) }
            for _ in 0..<20 {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (client, choice) in zip(clients, [Carillon_V1_Choice.on, .off]) {
                        group.addTask { _ = try await client.updatePreferences(Self.request(choice)) }
                    }
                    try await group.waitForAll()
                }
                let choice = try #require(try await Self.stored(tenant).choices.first).choice
                var check = Carillon_V1_CheckPreferenceRequest()
                (check.userID, check.notificationType, check.channel) = ("bob", "invoice.created", .email)
                for client in clients {
                    let reason = try await client.checkPreference(check).channels[0].reason
                    #expect(reason == (choice == .on ? "opted_in" : "opted_out"))
                }
            }
        }
    }

    @Test("whoever lives by the tenant's zone moves with it")
    func zones() async throws {
        try await House.open(loops: 2, limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            var night = Carillon_V1_TimeWindow()
            (night.startMinute, night.endMinute) = (60, 120)
            var request = Carillon_V1_UpdatePreferencesRequest()
            request.userID = "bob"
            request.settings.quietHours = [night]
            _ = try await tenant.preferences.updatePreferences(request)
            func end() async throws -> Int64 {
                var request = Carillon_V1_ExplainDecisionRequest()
                request.hypothesis.userID = "bob"
                request.hypothesis.notificationType = "invoice.created"
                var ends: Set<Int64> = []
                // Somewhere in the day it is night, wherever that is.
                for hour in 0..<24 {
                    request.hypothesis.decisionTime.seconds =
                        house.clock.now.seconds / 86_400 * 86_400 + Int64(hour) * 3_600 + 1_800
                    let told = try await tenant.preferences.explainDecision(request).decision.channels[0]
                    if told.verdict == .defer { ends.insert(told.deliverTime.seconds % 86_400) }
                }
                #expect(ends.count == 1)
                return ends.first ?? -1
            }
            #expect(try await end() == 7_200)
            var update = Carillon_V1_UpdateTenantRequest()
            update.tenant.tenantID = tenant.id
            update.tenant.timeZone = "Asia/Tokyo"
            update.updateMask.paths = ["time_zone"]
            _ = try await house.operatorClient().updateTenant(update)
            #expect(try await end() == 17 * 3_600)
        }
    }
}
