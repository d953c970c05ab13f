import CarillonAPI
import CarillonGRPC
import Support
import Testing

@testable import Services

@Suite("ChannelService")
struct ChannelServiceTests {
    private static func relay(_ id: String = "main") -> Carillon_V1_PutProviderRequest {
        var request = Carillon_V1_PutProviderRequest()
        request.provider.providerID = id
        request.provider.channel = .email
        request.provider.displayName = "Relay"
        request.provider.smtp.host = "Mail.Example.com"
        request.provider.smtp.username = "carillon"
        request.provider.smtp.password = "correct horse battery staple"
        request.provider.smtp.fromAddress = "billing@northwind.example"
        return request
    }

    @Test("a relay is stored, its password sealed and never returned")
    func secrets() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            var request = Self.relay()
            let made = try await tenant.channels.putProvider(request)
            #expect(made.created)
            #expect(made.provider.smtp.passwordSet)
            #expect(made.provider.smtp.password.isEmpty)
            #expect(made.provider.smtp.port == 587)
            #expect(made.provider.smtp.security == .starttls)
            #expect(made.provider.smtp.host == "mail.example.com")
            let database = try await TestDatabase.shared()
            let rows = try database.cluster.execute(
                "SELECT config::text, encode(sealed_secret, 'escape') FROM t_\(tenant.id).provider",
                database: database.name)
            #expect(rows.count == 1)
            #expect(!rows.joined().compactMap { $0 }.contains { $0.contains("horse") })
            let audit = try database.cluster.execute(
                "SELECT action, actor, after::text FROM t_\(tenant.id).audit", database: database.name)
            #expect(audit.map { $0[0] } == ["provider.put"])
            #expect(audit[0][1]?.hasPrefix("key/") == true)
            #expect(audit[0][2]?.contains("horse") == false)

            // Without a password the stored one stays; without a name for AUTH there is none.
            request.provider.smtp.password = ""
            request.provider.smtp.fromName = "Billing"
            request.provider.etag = made.provider.etag
            let changed = try await tenant.channels.putProvider(request).provider
            #expect(changed.smtp.passwordSet && changed.smtp.fromName == "Billing")
            try await failure(.aborted, "ETAG_MISMATCH") { try await tenant.channels.putProvider(request) }
            request.provider.etag = ""
            request.provider.smtp.username = ""
            #expect(try await !tenant.channels.putProvider(request).provider.smtp.passwordSet)
        }
    }

    @Test("a stored password stays with the host, port, protection and user that it was sent for")
    func keeping() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            var first = Self.relay()
            first.provider.smtp.password = ""
            try await failure(.failedPrecondition, "PROVIDER_PASSWORD_REQUIRED", fields: ["provider.smtp.password"]) {
                try await tenant.channels.putProvider(first)
            }
            let made = try await tenant.channels.putProvider(Self.relay()).provider
            let changes: [(inout Carillon_V1_SmtpSettings) -> Void] = [
                { $0.host = "mail.attacker.example" }, { $0.port = 2525 }, { $0.security = .tls },
                {
                    $0.security = .tls
                    $0.port = 587
                },
                { $0.username = "other" },
            ]
            for change in changes {
                for etag in ["", made.etag] {
                    var request = Self.relay()
                    request.provider.smtp.password = ""
                    request.provider.etag = etag
                    change(&request.provider.smtp)
                    try await failure(
                        .failedPrecondition, "PROVIDER_PASSWORD_REQUIRED", fields: ["provider.smtp.password"]
                    ) { try await tenant.channels.putProvider(request) }
                }
            }
            let stored = try await tenant.channels.listProviders(.init()).providers
            #expect(stored == [made], "nothing was changed")
            var request = Self.relay()
            request.provider.smtp.host = "mail.new.example"
            request.provider.smtp.password = "another"
            #expect(try await tenant.channels.putProvider(request).provider.smtp.passwordSet)
            // By way of a folder the password is lost, not carried along.
            var folder = Self.relay()
            folder.provider.maildir.directory = "/var/mail/carillon"
            _ = try await tenant.channels.putProvider(folder)
            request.provider.smtp.password = ""
            try await failure(.failedPrecondition, "PROVIDER_PASSWORD_REQUIRED") {
                try await tenant.channels.putProvider(request)
            }
        }
    }

    @Test("providers are listed by channel, priority and id")
    func listing() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            for (id, priority) in [("c", 5), ("a", 100), ("b", 5), ("d", 0)] as [(String, Int32)] {
                var request = Self.relay(id)
                request.provider.priority = priority
                _ = try await tenant.channels.putProvider(request)
            }
            var request = Carillon_V1_ListProvidersRequest()
            request.pageSize = 3
            let first = try await tenant.channels.listProviders(request)
            #expect(first.providers.map(\.providerID) == ["d", "b", "c"])
            #expect(first.providers.allSatisfy { $0.smtp.password.isEmpty && $0.smtp.passwordSet })
            request.pageToken = first.nextPageToken
            let second = try await tenant.channels.listProviders(request)
            #expect(second.providers.map(\.providerID) == ["a"])
            #expect(second.nextPageToken.isEmpty)
            request = .init()
            request.channel = .sms
            #expect(try await tenant.channels.listProviders(request).providers.isEmpty)
        }
    }

    @Test("what may be set up depends on the limits")
    func policy() async throws {
        try await House.open(limits: {
            $0.allowsMaildir = false
            $0.allowsPrivateRelays = false
        }) { house in
            let tenant = try await house.tenant()
            var request = Self.relay()
            for host in ["localhost", "10.0.0.25", "169.254.169.254", "relay", "::1"] {
                request.provider.smtp.host = host
                try await failure(.invalidArgument, fields: ["provider.smtp.host"]) {
                    try await tenant.channels.putProvider(request)
                }
            }
            request.provider.maildir.directory = "/tmp/mail"
            try await failure(.failedPrecondition, "PROVIDER_NOT_ALLOWED") {
                try await tenant.channels.putProvider(request)
            }
        }
    }

    @Test("wrong fields are named")
    func validation() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            var request = Carillon_V1_PutProviderRequest()
            request.provider.providerID = "a b"
            request.provider.channel = .sms
            request.provider.priority = 1001
            request.provider.smtp.host = "0x7f.1"
            request.provider.smtp.port = 70_000
            request.provider.smtp.security = .none
            request.provider.smtp.password = "x"
            request.provider.smtp.fromName = "a\r\nBcc: b@c.de"
            request.provider.smtp.replyTo = "nobody"
            try await failure(
                .invalidArgument,
                fields: [
                    "provider.provider_id", "provider.priority", "provider.channel", "provider.smtp.host",
                    "provider.smtp.security", "provider.smtp.port", "provider.smtp.from_address",
                    "provider.smtp.from_name", "provider.smtp.reply_to", "provider.smtp.username",
                ]
            ) { try await tenant.channels.putProvider(request) }
            request = .init()
            request.provider.providerID = "a"
            request.provider.channel = .email
            try await failure(.invalidArgument, fields: ["provider.settings"]) {
                try await tenant.channels.putProvider(request)
            }
            request.provider.maildir.directory = "/var/../etc"
            try await failure(.invalidArgument, fields: ["provider.maildir.directory"]) {
                try await tenant.channels.putProvider(request)
            }
        }
    }

    @Test("a tenant has so many providers and no more, also when many are made at once")
    func number() async throws {
        try await House.open(loops: 2, limits: { $0.providersPerTenant = 3 }) { house in
            let tenant = try await house.tenant()
            let made = try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<8 {
                    var one = tenant
                    one.client = try house.client(tenant.key)
                    group.addTask { [one] in
                        do {
                            try await one.relay("relay\(number)")
                            return true
                        } catch let status as Status {
                            #expect(status.code == .resourceExhausted && status.reason == "TOO_MANY_PROVIDERS")
                            #expect(status.metadata["limit"] == "3")
                            return false
                        }
                    }
                }
                return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
            }
            #expect(made == 3)
            let providers = try await tenant.channels.listProviders(.init()).providers
            #expect(providers.count == 3)
            for provider in providers { try await tenant.relay(provider.providerID) }
        }
    }
}
