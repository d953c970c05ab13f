import CarillonAPI
import CarillonGRPC
import Domain
import Security
import Testing

@testable import Services

@Suite("Credentials")
struct CredentialTests {
    /// A well-formed key: CRC32 of what stands before the last underscore, in six characters.
    private static func withChecksum(_ body: some StringProtocol) -> String {
        var sum = UInt32.max
        for octet in body.utf8 {
            sum ^= UInt32(octet)
            for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xedb8_8320 : sum >> 1 }
        }
        let alphabet = Array("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
        var rest = Int(~sum)
        var digits = ""
        for _ in 0..<6 {
            digits = String(alphabet[rest % 62]) + digits
            rest /= 62
        }
        let key = "\(body)_\(digits)"
        precondition(APIKey(Array(key.utf8)) != nil, "the test makes keys of another form")
        return key
    }

    @Test("everything that is no credential is refused alike")
    func uniformity() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            let stranger = APIKey.generate(.live, randomness: ServiceDependencies.systemRandomness)
            let strangeOperator = APIKey.generate(.admin, randomness: ServiceDependencies.systemRandomness)
            var wrongSecret = Array(tenant.key.utf8)
            wrongSecret[30] = wrongSecret[30] == UInt8(ascii: "a") ? UInt8(ascii: "b") : UInt8(ascii: "a")
            let otherSecret = Self.withChecksum(
                tenant.key.prefix(19) + String(repeating: "0", count: 31) + "1")
            let now = house.clock.now
            let headers: [String?] = [
                nil, "", "Bearer", "Bearer nonsense", "Basic \(tenant.key)", "Bearer \(stranger.text)",
                "Bearer \(strangeOperator.text)", "Bearer \(String(decoding: wrongSecret, as: UTF8.self))",
                "Bearer \(otherSecret)",
                "Bearer \(try PortalSigner().token("ann", of: tenant.id, at: now))",
                "Bearer \(try tenant.portal.token("ann", of: "nobody", at: now))",
                "Bearer \(try tenant.portal.token("ann", of: tenant.id, at: now, audience: "other"))",
                "Bearer \(try tenant.portal.token("ann", of: tenant.id, at: now, seconds: -61))",
                "Bearer \(try tenant.portal.token("ann", of: tenant.id, at: now, seconds: 3601))",
            ]
            var answers: Set<Status> = []
            for header in headers {
                let client = try house.client(metadata: header.map { [("authorization", $0)] } ?? [])
                for _ in 0..<2 {
                    answers.insert(
                        try await failure(.unauthenticated, "CREDENTIALS_INVALID") {
                            try await AccountServiceClient(client).listUsers(.init())
                        })
                }
                answers.insert(
                    try await failure(.unauthenticated) { try await TenantServiceClient(client).listTenants(.init()) })
                answers.insert(
                    try await failure(.unauthenticated) { try await InboxServiceClient(client).getCounts(.init()) })
                let watch = try await InboxServiceClient(client).watchInbox(.init())
                answers.insert(
                    try await failure(.unauthenticated) {
                        for try await _ in watch {}
                        return 0
                    })
            }
            #expect(answers.count == 1, "\(answers)")
        }
    }

    @Test("a good credential of the wrong sort is PERMISSION_DENIED")
    func sorts() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let portal = try tenant.portalClient("ann")
            let platform = try house.client(house.operatorKey.text)
            for client in [tenant.client, portal] {
                try await failure(.permissionDenied, "CREDENTIAL_NOT_ALLOWED") {
                    try await TenantServiceClient(client).listTenants(.init())
                }
                try await failure(.permissionDenied) { try await TenantServiceClient(client).createTenant(.init()) }
            }
            for client in [portal, platform] {
                try await failure(.permissionDenied) { try await AccountServiceClient(client).listUsers(.init()) }
                try await failure(.permissionDenied) {
                    try await CatalogServiceClient(client).listNotificationTypes(.init())
                }
                try await failure(.permissionDenied) { try await DeliveryServiceClient(client).publish(.init()) }
                try await failure(.permissionDenied) { try await ChannelServiceClient(client).listProviders(.init()) }
            }
            for client in [tenant.client, platform] {
                try await failure(.permissionDenied) { try await InboxServiceClient(client).listInbox(.init()) }
            }
            var check = Carillon_V1_CheckPreferenceRequest()
            check.notificationType = "invoice.created"
            check.userID = "ann"
            _ = try await PreferenceServiceClient(portal).checkPreference(check)
            check.userID = "bob"
            try await failure(.permissionDenied) { try await PreferenceServiceClient(portal).checkPreference(check) }
            try await failure(.permissionDenied) { try await PreferenceServiceClient(platform).checkPreference(check) }
        }
    }

    @Test("two credentials are none, whichever comes first")
    func twice() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            let good = (name: "authorization", value: "Bearer \(tenant.key)")
            let bad = (name: "authorization", value: "Bearer nonsense")
            for fields in [[good, good], [good, bad], [bad, good]] {
                let catalog = CatalogServiceClient(try house.client(metadata: fields))
                try await failure(.unauthenticated, "CREDENTIALS_INVALID") {
                    try await catalog.listNotificationTypes(.init())
                }
            }
            _ = try await CatalogServiceClient(house.client(metadata: [good])).listNotificationTypes(.init())
        }
    }

    @Test("a connection may change its credential with each call")
    func changing() async throws {
        try await House.open { house in
            let first = try await house.tenant()
            let second = try await house.tenant()
            try await first.account("mine")
            let client = try house.client(nil)
            let accounts = AccountServiceClient(client)
            var get = Carillon_V1_GetAccountRequest()
            get.accountID = "mine"
            for _ in 0..<3 {
                func options(_ key: String) -> CallOptions {
                    CallOptions(metadata: [("authorization", "Bearer \(key)")])
                }
                _ = try await accounts.getAccount(get, options: options(first.key))
                try await failure(.notFound) { try await accounts.getAccount(get, options: options(second.key)) }
                try await failure(.unauthenticated) { try await accounts.getAccount(get) }
            }
        }
    }

    @Test("a key that was refused is looked up again after its time")
    func refusedKeys() async throws {
        try await House.open(limits: { $0.credentialAge = .zero }) { house in
            // With no time to live, every call asks the registry: a key that is made later works.
            let tenant = try await house.tenant()
            var request = Carillon_V1_CreateApiKeyRequest()
            request.tenantID = tenant.id
            request.displayName = "later"
            let made = try await house.operatorClient().createApiKey(request)
            _ = try await CatalogServiceClient(house.client(made.secret)).listNotificationTypes(.init())
        }
    }
}
