import CarillonAPI
import CarillonGRPC
import Prometheus
import Telemetry
import Testing

@testable import Services

@Suite("Decisions are counted", .timeLimit(.minutes(5)))
struct DecisionCountTests {
    /// The counters of a name that have counted something, by their labels.
    private static func counts(_ house: House, _ name: String) async -> [String: Int] {
        let lines = String(decoding: await house.metrics.text(), as: UTF8.self).split(separator: "\n")
        var counts: [String: Int] = [:]
        for line in lines where line.hasPrefix(name) {
            let parts = line.dropFirst(name.count).split(separator: " ")
            let labels = parts.count == 2 ? parts[0].filter { $0 != "{" && $0 != "}" && $0 != "\"" } : ""
            if let last = parts.last, let count = Int(last), count > 0 { counts[labels] = count }
        }
        // Loops count checks for themselves.
        guard name == DecisionCounters.name else { return counts }
        await house.services.status().checks.visit { labels, count in
            counts[checked(labels.reason, labels.verdict, labels.channel)] = count
        }
        return counts
    }

    private static func checked(_ reason: String, _ verdict: String = "deliver", _ channel: String = "email") -> String
    {
        "channel=\(channel),reason=\(reason),verdict=\(verdict),where=check"
    }

    private static func check(
        _ user: String, on channel: Carillon_V1_Channel = .email
    ) -> Carillon_V1_CheckPreferenceRequest {
        var request = Carillon_V1_CheckPreferenceRequest()
        (request.userID, request.notificationType, request.channel) = (user, "invoice.created", channel)
        return request
    }

    private static func batch(_ tenant: TestTenant, _ users: [String]) async throws {
        var request = Carillon_V1_BatchCheckPreferencesRequest()
        request.checks = users.map { check($0) }
        _ = try await tenant.preferences.batchCheckPreferences(request)
    }

    @Test("each check counts once, however it is asked and answered")
    func checks() async throws {
        try await House.open(limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            // Read from the database, then known.
            for _ in 0..<2 { _ = try await tenant.preferences.checkPreference(Self.check("bob")) }
            #expect(await Self.counts(house, "carillon_decisions_total") == [Self.checked("subscribed_by_default"): 2])
            // Begun in memory and left to the database for ann and for nobody, then answered from memory.
            try await Self.batch(tenant, ["bob", "ann"])
            try await Self.batch(tenant, ["bob", "nobody"])
            try await Self.batch(tenant, ["ann", "bob"])
            #expect(
                await Self.counts(house, "carillon_decisions_total") == [
                    Self.checked("subscribed_by_default"): 5, Self.checked("mandatory_default_user"): 2,
                ])
            // One that is known, one that is read, and one that there is not.
            let (requests, responses) = try await tenant.preferences.streamPreferenceChecks()
            for user in ["bob", "otto", "nobody"] {
                var request = Carillon_V1_StreamPreferenceChecksRequest()
                request.check = Self.check(user)
                try await requests.send(request)
            }
            requests.finish()
            var answers = 0
            for try await _ in responses { answers += 1 }
            #expect(answers == 3)
            #expect(
                await Self.counts(house, "carillon_decisions_total") == [
                    Self.checked("subscribed_by_default"): 6, Self.checked("mandatory_default_user"): 2,
                    Self.checked("mandatory_stand_in"): 1,
                ])
        }
    }

    @Test("a check of all channels counts once for each, with its reason")
    func channels() async throws {
        try await House.open(loops: 2) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let response = try await tenant.preferences.checkPreference(Self.check("bob", on: .unspecified))
            let counts = await Self.counts(house, "carillon_decisions_total")
            #expect(counts.count == response.channels.count && response.channels.count > 1)
            #expect(counts.values.allSatisfy { $0 == 1 })
            #expect(counts[Self.checked("subscribed_by_default", "deliver", "in_app")] == 1)
            #expect(counts[Self.checked("subscribed_by_default")] == 1)
            // An explanation is no check.
            var explain = Carillon_V1_ExplainDecisionRequest()
            explain.hypothesis.userID = "bob"
            explain.hypothesis.notificationType = "invoice.created"
            _ = try await tenant.preferences.explainDecision(explain)
            #expect(await Self.counts(house, "carillon_decisions_total") == counts)
        }
    }

    @Test("an event counts when it is stored, with everybody whom it may concern, and not when it is repeated")
    func events() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            for _ in 0..<3 { _ = try await tenant.deliveries.publish(invoice("k1")) }
            #expect(await Self.counts(house, "carillon_events_published_total") == ["": 1])
            let response = try await tenant.deliveries.publish(invoice("k2"))
            #expect(await Self.counts(house, "carillon_events_published_total") == ["": 2])
            let decided = response.recipients.reduce(0) { $0 + $1.channels.count }
            let counts = await Self.counts(house, "carillon_decisions_total")
            #expect(counts.values.reduce(0, +) == 2 * decided)
            #expect(counts.keys.allSatisfy { $0.hasSuffix("where=publish") })
            let ann = try #require(response.recipients.first { $0.userID == "ann" })
            #expect(ann.channels.contains { $0.reason == "mandatory_default_user" && $0.channel == .email })
            #expect(
                counts["channel=email,reason=mandatory_default_user,verdict=deliver,where=publish"] == 2)
            #expect(await Self.counts(house, "carillon_duties_moved_total").isEmpty)
        }
    }

    @Test("a duty that moves is counted, also when an event is raised since nobody could be reached")
    func duties() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            // Another account, whose only user stands in, and one that has nobody.
            _ = try await tenant.deliveries.publish(invoice("k1", account: "other"))
            #expect(await Self.counts(house, "carillon_duties_moved_total") == ["to=stand_in": 1])
            try await tenant.account("void")
            _ = try await tenant.deliveries.publish(invoice("k2", account: "void"))
            let moved = await Self.counts(house, "carillon_duties_moved_total")
            #expect(moved["to=nobody"] == 1 && moved["to=stand_in"] == 1)
            #expect(await Self.counts(house, "carillon_events_published_total") == ["": 2])
        }
    }

    @Test("what is known is measured, and who had to be read is counted")
    func status() async throws {
        try await House.open(loops: 2, limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let before = await house.services.status()
            for _ in 0..<4 { _ = try await tenant.preferences.checkPreference(Self.check("bob")) }
            let status = await house.services.status()
            #expect(status.usersRead == before.usersRead + 1)
            #expect(status.factsOctets > before.factsOctets)
            #expect(status.users == before.users + 1 && status.pools.count == 2)
            let watch = try await tenant.inbox("ann").watchInbox(.init())
            var updates = watch.makeAsyncIterator()
            _ = try await updates.next()
            #expect(await house.services.status().inboxWatchers == 1)
        }
    }
}
