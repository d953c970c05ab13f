import CarillonAPI
import CarillonGRPC
import Testing

@testable import Services

@Suite("PreferenceService")
struct PreferenceServiceTests {
    private static func check(
        _ tenant: TestTenant, _ user: String, _ type: String = "invoice.created",
        _ channel: Carillon_V1_Channel = .unspecified, _ audience: Carillon_V1_Audience = .unspecified
    ) async throws -> [String] {
        var request = Carillon_V1_CheckPreferenceRequest()
        request.userID = user
        request.notificationType = type
        request.channel = channel
        request.audience = audience
        return try await tenant.preferences.checkPreference(request).channels.map {
            "\($0.channel) \($0.verdict) \($0.reason)"
        }
    }

    @Test("checks say what Publish would do, the first time and from memory")
    func checks() async throws {
        try await House.open(limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            for _ in 0..<2 {
                #expect(
                    try await Self.check(tenant, "ann")
                        == ["email deliver mandatory_default_user", "inApp deliver mandatory_default_user"])
                #expect(
                    try await Self.check(tenant, "bob")
                        == ["email deliver subscribed_by_default", "inApp deliver subscribed_by_default"])
                #expect(
                    try await Self.check(tenant, "bob", "invoice.created", .email)
                        == ["email deliver subscribed_by_default"])
                #expect(
                    try await Self.check(tenant, "bob", "invoice.created", .sms)
                        == ["sms suppress channel_unavailable"])
                #expect(
                    try await Self.check(tenant, "rita", "invoice.created", .email, .internalTeam)
                        == ["email suppress not_subscribed"])
            }
        }
    }

    @Test("unknown users and types are NOT_FOUND, wrong audiences are refused")
    func refusals() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            try await failure(.notFound, "USER_NOT_FOUND") { try await Self.check(tenant, "nobody") }
            try await failure(.notFound, "NOTIFICATION_TYPE_UNKNOWN") { try await Self.check(tenant, "ann", "no.such") }
            for _ in 0..<2 {
                let status = try await failure(.invalidArgument, "AUDIENCE_NOT_ALLOWED") {
                    try await Self.check(tenant, "ann", "invoice.created", .unspecified, .internalTeam)
                }
                #expect(status.fields == ["audience"])
            }
            try await failure(.invalidArgument, fields: ["user_id", "notification_type"]) {
                try await Self.check(tenant, "a b", "x\u{0}")
            }
            try await failure(.invalidArgument, fields: ["channel"]) {
                try await Self.check(tenant, "ann", "invoice.created", .UNRECOGNIZED(9))
            }
        }
    }

    @Test("a choice is obeyed at once by every loop of the process")
    func obedience() async throws {
        // Nothing is ever too old here: what is obeyed was carried there.
        try await House.open(loops: 2, limits: { $0.factsAge = .seconds(3600) }) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            // Connections are handed to the loop with the fewest, so these two lie on different ones.
            let clients = try [house.client(tenant.key), house.client(tenant.key)].map { PreferenceServiceClient($0) }
            var request = Carillon_V1_CheckPreferenceRequest()
            request.userID = "bob"
            request.notificationType = "invoice.created"
            request.channel = .email
            for client in clients {
                #expect(try await client.checkPreference(request).channels[0].verdict == .deliver)
            }
            for choice in [Carillon_V1_Choice.off, .on, .off, .clear, .off] {
                let answer = try await tenant.choose(choice, "bob", "invoice.created")
                #expect(answer.choices.map(\.choice) == (choice == .clear ? [] : [choice]))
                for client in clients {
                    let verdict = try await client.checkPreference(request).channels[0]
                    #expect(verdict.verdict == (choice == .off ? .suppress : .deliver))
                    #expect(
                        verdict.reason
                            == (choice == .off ? "opted_out" : choice == .on ? "opted_in" : "subscribed_by_default"))
                }
            }
            // So is the default user, an address and a provider.
            try await tenant.setDefault("bob", of: "acme")
            for client in clients {
                #expect(try await client.checkPreference(request).channels[0].reason == "mandatory_default_user")
            }
            try await tenant.user("bob", of: "acme", email: "")
            for client in clients {
                #expect(
                    try await client.checkPreference(request).channels[0].reason == "address_suppressed:no_address")
            }
            try await tenant.user("bob", of: "acme")
            var provider = Carillon_V1_PutProviderRequest()
            provider.provider.providerID = "main"
            provider.provider.channel = .email
            provider.provider.maildir.directory = "/var/mail/carillon"
            provider.provider.disabled = true
            _ = try await tenant.channels.putProvider(provider)
            for client in clients {
                #expect(try await client.checkPreference(request).channels[0].reason == "channel_unavailable")
            }
        }
    }

    @Test("the page shows what holds, where it comes from and what is locked")
    func page() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            _ = try await tenant.choose(.off, "ann", "invoice.created")
            _ = try await tenant.choose(.off, "bob", "invoice.created", .email)
            func entry(
                _ user: String
            ) async throws -> (Carillon_V1_EffectivePreference?, Carillon_V1_GetPreferencesResponse) {
                var request = Carillon_V1_GetPreferencesRequest()
                request.userID = user
                request.category = "Invoices"
                let response = try await tenant.preferences.getPreferences(request)
                #expect(response.preferences.allSatisfy { $0.category == "Invoices" && $0.audience == .customer })
                return (response.preferences.first { $0.notificationType == "invoice.created" }, response)
            }
            let (ann, _) = try await entry("ann")
            #expect(ann?.channels.map(\.subscribed) == [true, true])
            #expect(ann?.channels.map(\.locked) == [true, false])
            #expect(ann?.channels.first?.lockReason == "mandatory_default_user")
            let (bob, whole) = try await entry("bob")
            #expect(bob?.channels.map(\.subscribed) == [false, true])
            #expect(bob?.channels.map(\.source) == [.userType, .setting])
            #expect(bob?.channels.contains(where: \.locked) == false)
            #expect(whole.choices.count == 1)
            #expect(!whole.etag.isEmpty)
            // A disabled type is no row of the page.
            #expect(!whole.preferences.contains { $0.notificationType == "invoice.recurring_upcoming" })
        }
    }

    @Test("choices are stored all or none, guarded by their etag, and kept while mandatory")
    func updates() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            var request = Carillon_V1_UpdatePreferencesRequest()
            request.userID = "ann"
            var good = Carillon_V1_PreferenceChoice()
            good.category = "Invoices"
            good.choice = .off
            var bad = good
            bad.category = "No such category"
            request.choices = [good, bad]
            try await failure(.invalidArgument, fields: ["choices[1].category"]) {
                try await tenant.preferences.updatePreferences(request)
            }
            var get = Carillon_V1_GetPreferencesRequest()
            get.userID = "ann"
            let before = try await tenant.preferences.getPreferences(get)
            #expect(before.choices.isEmpty)

            request.choices = [good]
            request.etag = before.etag
            let stored = try await tenant.preferences.updatePreferences(request)
            #expect(stored.choices.map(\.category) == ["Invoices"])
            let notice = stored.notices.first { $0.notificationType == "invoice.created" }
            #expect(notice?.reason == "choice_kept_while_mandatory")
            #expect(!stored.notices.contains { $0.notificationType == "invoice.voided" })
            try await failure(.aborted, "ETAG_MISMATCH") { try await tenant.preferences.updatePreferences(request) }
            request.etag = stored.etag
            _ = try await tenant.preferences.updatePreferences(request)
            #expect(
                try await Self.check(tenant, "ann")
                    == ["email deliver mandatory_default_user", "inApp deliver mandatory_default_user"])
            #expect(try await Self.check(tenant, "ann", "invoice.voided", .email) == ["email suppress opted_out"])
        }
    }

    @Test("wrong choices are named")
    func wrongChoices() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            func choice(_ fill: (inout Carillon_V1_PreferenceChoice) -> Void) -> Carillon_V1_PreferenceChoice {
                var choice = Carillon_V1_PreferenceChoice()
                choice.notificationType = "invoice.created"
                choice.choice = .off
                fill(&choice)
                return choice
            }
            var request = Carillon_V1_UpdatePreferencesRequest()
            request.userID = "bob"
            request.choices = [
                choice { _ in }, choice { _ in }, choice { $0.scope = nil }, choice { $0.notificationType = "no.such" },
                choice { $0.all = false }, choice { $0.choice = .unspecified },
                choice { $0.channel = .UNRECOGNIZED(8) },
                choice { $0.audience = .internalTeam }, choice { $0.channel = .email },
            ]
            try await failure(
                .invalidArgument,
                fields: [
                    "choices[1]", "choices[2].scope", "choices[3].notification_type", "choices[4].all",
                    "choices[5].choice", "choices[6].channel", "choices[7].audience",
                ]
            ) { try await tenant.preferences.updatePreferences(request) }
            request.choices = []
            try await failure(.invalidArgument) { try await tenant.preferences.updatePreferences(request) }
            request.choices = Array(repeating: choice { _ in }, count: 1001)
            try await failure(.invalidArgument, fields: ["choices"]) {
                try await tenant.preferences.updatePreferences(request)
            }
            request.userID = "nobody"
            request.choices = [choice { _ in }]
            try await failure(.notFound, "USER_NOT_FOUND") { try await tenant.preferences.updatePreferences(request) }
        }
    }
}
