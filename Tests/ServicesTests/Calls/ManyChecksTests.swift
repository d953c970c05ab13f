import CarillonAPI
import CarillonGRPC
import Domain
import Storage
import Support
import Testing

@testable import Services

@Suite("Many checks at once", .timeLimit(.minutes(5)))
struct ManyChecksTests {
    private static func check(_ user: String, _ type: String = "invoice.created") -> Carillon_V1_CheckPreferenceRequest
    {
        var request = Carillon_V1_CheckPreferenceRequest()
        (request.userID, request.notificationType, request.channel) = (user, type, .email)
        return request
    }

    private static func batch(
        _ tenant: TestTenant, _ checks: [Carillon_V1_CheckPreferenceRequest]
    ) async throws -> [String] {
        var request = Carillon_V1_BatchCheckPreferencesRequest()
        request.checks = checks
        return try await tenant.preferences.batchCheckPreferences(request).results.map(told)
    }

    /// A result in words: the reason of the verdict or of the error.
    private static func told(_ result: Carillon_V1_CheckResult) -> String {
        switch result.result {
        case .response(let response): return response.channels.map { "\($0.verdict) \($0.reason)" }.joined()
        case .error(let error): return (["\(error.code) \(error.reason)"] + error.fields).joined(separator: " ")
        case nil: return "nothing"
        }
    }

    @Test("a batch answers each check for itself, from the database and from memory")
    func batches() async throws {
        try await House.open(limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let checks = [
                Self.check("ann"), Self.check("otto"), Self.check("nobody"), Self.check("ann", "no.such"),
                Self.check("a b"), Self.check("bob"),
            ]
            for _ in 0..<2 {
                #expect(
                    try await Self.batch(tenant, checks) == [
                        "deliver mandatory_default_user", "deliver mandatory_stand_in", "5 USER_NOT_FOUND",
                        "5 NOTIFICATION_TYPE_UNKNOWN", "3 FIELD_INVALID user_id", "deliver subscribed_by_default",
                    ])
            }
            let known = [Self.check("bob"), Self.check("ann")]
            #expect(
                try await Self.batch(tenant, known)
                    == ["deliver subscribed_by_default", "deliver mandatory_default_user"])
        }
    }

    @Test("a thousand checks of one batch are answered in order")
    func thousand() async throws {
        try await House.open(limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let users = (0..<1_000).map { ["ann", "bob", "nobody", "otto"][$0 % 4] }
            let expected = [
                "ann": "deliver mandatory_default_user", "bob": "deliver subscribed_by_default",
                "nobody": "5 USER_NOT_FOUND", "otto": "deliver mandatory_stand_in",
            ]
            #expect(try await Self.batch(tenant, users.map { Self.check($0) }) == users.map { expected[$0] })
            for count in [0, 1_001] {
                try await failure(.invalidArgument, fields: ["checks"]) {
                    try await Self.batch(tenant, Array(repeating: Self.check("ann"), count: count))
                }
            }
        }
    }

    @Test("portal users ask for themselves alone")
    func portalUsers() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let portal = PreferenceServiceClient(try tenant.portalClient("ann"))
            var request = Carillon_V1_BatchCheckPreferencesRequest()
            request.checks = [Self.check("ann")]
            try await failure(.permissionDenied, "CREDENTIAL_NOT_ALLOWED") {
                try await portal.batchCheckPreferences(request)
            }
        }
    }

    @Test("checks of a batch count as calls, which whoever comes next waits for")
    func rates() async throws {
        try await House.open(limits: { $0.callRate = 10 }) { house in
            let tenant = try await house.tenant()
            try await tenant.user("rita")
            // More than two seconds' worth.
            let checks = Array(repeating: Self.check("rita"), count: 600)
            #expect(try await Self.batch(tenant, checks).count == 600)
            try await failure(.resourceExhausted, "CALL_RATE") { try await Self.batch(tenant, checks) }
        }
    }

    @Test("checks of a stream above the rate are refused one by one, and the stream goes on")
    func ratesOfStreams() async throws {
        try await House.open(limits: {
            $0.callRate = 1
            $0.factsAge = .seconds(3600)
        }) { house in
            let tenant = try await house.tenant()
            try await tenant.user("rita")
            let (requests, responses) = try await tenant.preferences.streamPreferenceChecks()
            let reading = Task {
                var told: [String: Int] = [:]
                for try await response in responses { told[Self.told(response.result), default: 0] += 1 }
                return told
            }
            for _ in 0..<500 {
                var request = Carillon_V1_StreamPreferenceChecksRequest()
                request.check = Self.check("rita")
                try await requests.send(request)
            }
            requests.finish()
            // Also the last word arrives: what is refused leaves nothing behind with the call.
            let told = try await reading.value
            #expect(told.values.reduce(0, +) == 500)
            // One a second passes, however long this takes; more refusals than a header block could hold.
            #expect((told["8 CALL_RATE"] ?? 0) > 200)
        }
    }

    @Test("a stream answers what is known at once and the rest as it is read, each with its number")
    func streams() async throws {
        try await House.open(limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let users = (0..<2_000).map { ["ann", "bob", "nobody", "otto", "a b"][$0 % 5] }
            let expected = [
                "ann": "deliver mandatory_default_user", "bob": "deliver subscribed_by_default",
                "nobody": "5 USER_NOT_FOUND", "otto": "deliver mandatory_stand_in", "a b": "3 FIELD_INVALID user_id",
            ]
            let (requests, responses) = try await tenant.preferences.streamPreferenceChecks()
            let reading = Task {
                var told: [UInt64: String] = [:]
                for try await response in responses { told[response.number] = Self.told(response.result) }
                return told
            }
            for (number, user) in users.enumerated() {
                var request = Carillon_V1_StreamPreferenceChecksRequest()
                (request.number, request.check) = (UInt64(number), Self.check(user))
                try await requests.send(request)
            }
            requests.finish()
            let told = try await reading.value
            #expect(told.count == users.count)
            for (number, user) in users.enumerated() { #expect(told[UInt64(number)] == expected[user], "\(user)") }
        }
    }

    @Test("a stream ends when its tenant is suspended, and when its key is revoked", arguments: [true, false])
    func ends(bySuspension: Bool) async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let (requests, responses) = try await tenant.preferences.streamPreferenceChecks()
            var request = Carillon_V1_StreamPreferenceChecksRequest()
            request.check = Self.check("ann")
            try await requests.send(request)
            var answers = responses.makeAsyncIterator()
            #expect(try await answers.next().map { Self.told($0.result) } == "deliver mandatory_default_user")
            let platform = try house.operatorClient()
            if bySuspension {
                // It ends by itself.
                var suspension = Carillon_V1_SuspendTenantRequest()
                suspension.tenantID = tenant.id
                _ = try await platform.suspendTenant(suspension)
            } else {
                var revocation = Carillon_V1_RevokeApiKeyRequest()
                (revocation.tenantID, revocation.keyID) = (tenant.id, String(tenant.key.dropFirst(8).prefix(10)))
                _ = try await platform.revokeApiKey(revocation)
            }
            if !bySuspension { try await requests.send(request) }
            let (code, reason): (StatusCode, String) =
                bySuspension ? (.permissionDenied, "TENANT_SUSPENDED") : (.unauthenticated, "CREDENTIALS_INVALID")
            try await failure(code, reason) { _ = try await answers.next() }
        }
    }

    @Test("a stream ends when the process is about to end")
    func draining() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let (_, responses) = try await tenant.preferences.streamPreferenceChecks()
            _ = try await Self.batch(tenant, [Self.check("ann")])
            await house.services.beginDrain()
            var answers = responses.makeAsyncIterator()
            try await failure(.unavailable, "DRAINING") { _ = try await answers.next() }
            let (_, late) = try await tenant.preferences.streamPreferenceChecks()
            var none = late.makeAsyncIterator()
            try await failure(.unavailable, "DRAINING") { _ = try await none.next() }
        }
    }

    @Test("somebody who is not there is remembered, and found as soon as there is such a user")
    func absent() async throws {
        try await House.open(loops: 2, limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            for _ in 0..<3 { #expect(try await Self.batch(tenant, [Self.check("zoe")]) == ["5 USER_NOT_FOUND"]) }
            // Others who are not there either push nobody else out for long.
            let strangers = (0..<400).map { Self.check("stranger-\($0)") }
            #expect(Set(try await Self.batch(tenant, strangers)) == ["5 USER_NOT_FOUND"])
            #expect(try await Self.batch(tenant, [Self.check("zoe")]) == ["5 USER_NOT_FOUND"])
            try await tenant.user("zoe", of: "acme")
            #expect(try await Self.batch(tenant, [Self.check("zoe")]) == ["deliver subscribed_by_default"])
        }
    }

    @Test("who cannot be read fails alone, and not those who were asked for together")
    func unreadable() async throws {
        let database = try await TestDatabase.shared()
        try await House.open(limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let change = "UPDATE t_\(tenant.id).app_user SET state = 'of_another_version' WHERE user_id = 'bob'"
            _ = try database.cluster.execute(change, database: database.name)
            let told = try await Self.batch(tenant, ["ann", "bob", "otto"].map { Self.check($0) })
            #expect(told[0] == "deliver mandatory_default_user" && told[2] == "deliver mandatory_stand_in")
            #expect(told[1].hasPrefix("13 "))
            let id = try #require(TenantID(tenant.id))
            try await house.onLoop { state in
                let users = try #require(state.knownScope(of: id)).facts.users
                state.knownScope(of: id)?.facts.forget()
                // Asked for before the loop comes to any of them, so that they are read together.
                async let ann = users.read(UserID(unchecked: "ann"))
                async let bob = users.read(UserID(unchecked: "bob"))
                async let otto = users.read(UserID(unchecked: "otto"))
                let found = [
                    try? await ann?.record.id.rawValue, try? await bob?.record.id.rawValue,
                    try? await otto?.record.id.rawValue,
                ]
                #expect(found == ["ann", nil, "otto"])
            }
        }
    }

    @Test("what is answered from memory is what is answered from the database")
    func sameAnswers() async throws {
        try await House.open(limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            _ = try await tenant.choose(.off, "bob", "payment.failed")
            let id = try #require(TenantID(tenant.id))
            func told(_ request: Carillon_V1_CheckPreferenceRequest) async throws -> String {
                do {
                    let channels = try await tenant.preferences.checkPreference(request).channels
                    return channels.map { "\($0.channel) \($0.verdict) \($0.reason)" }.joined(separator: ", ")
                } catch {
                    return "\(error)"
                }
            }
            var seen: Set<String> = []
            for user in ["ann", "bob", "cid", "otto", "rita", "nobody", "a b"] {
                for type in ["invoice.created", "payment.failed", "comment.added", "no.such", ""] {
                    for audience in [Carillon_V1_Audience.unspecified, .customer, .internalTeam] {
                        var request = Self.check(user, type)
                        request.audience = audience
                        request.channel = audience == .customer ? .sms : .unspecified
                        try await house.onLoop { state in state.knownScope(of: id)?.facts.forget() }
                        let (cold, warm) = (try await told(request), try await told(request))
                        #expect(cold == warm, "\(user) \(type) \(audience)")
                        seen.insert(cold)
                    }
                }
            }
            #expect(seen.count > 10)
        }
    }
}
