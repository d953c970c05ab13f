import CarillonAPI
import CarillonGRPC
import CarillonNet
import Domain
import Security
import Storage
import Testing

@testable import Services

/// What one process takes back, as another one sees it: two houses on one database.
@Suite("Revocation in other processes")
struct RevocationTests {
    /// Calls until the call is refused.
    private static func refusal(_ call: () async throws -> some Any) async throws -> Status {
        while true {
            do {
                _ = try await call()
                try await ContinuousClock().sleep(for: .milliseconds(5))
            } catch let status as Status {
                return status
            }
        }
    }

    private static func revoke(_ house: House, _ made: Carillon_V1_ApiKey) async throws {
        var request = Carillon_V1_RevokeApiKeyRequest()
        (request.tenantID, request.keyID) = (made.tenantID, made.keyID)
        _ = try await house.operatorClient().revokeApiKey(request)
    }

    private static func further(_ house: House, _ tenant: TestTenant) async throws -> Carillon_V1_CreateApiKeyResponse {
        var request = Carillon_V1_CreateApiKeyRequest()
        (request.tenantID, request.displayName) = (tenant.id, "further")
        return try await house.operatorClient().createApiKey(request)
    }

    private static func register(_ house: House, _ tenant: TestTenant, _ signers: PortalSigner...) async throws {
        var request = Carillon_V1_SetPortalKeysRequest()
        (request.tenantID, request.portalKeysJson) = (tenant.id, PortalSigner.keySet(of: signers))
        _ = try await house.operatorClient().setPortalKeys(request)
    }

    @Test(
        "a key is refused when what is known of it has come of age, without a word from anybody",
        .timeLimit(.minutes(5)))
    func age() async throws {
        try await House.open { first in
            try await House.open(limits: { $0.credentialAge = .milliseconds(400) }) { second in
                let tenant = try await first.tenant()
                let made = try await Self.further(first, tenant)
                let catalog = CatalogServiceClient(try second.client(made.secret))
                _ = try await catalog.listNotificationTypes(.init())
                try await Self.revoke(first, made.apiKey)
                let began = ContinuousClock.now
                let status = try await Self.refusal { try await catalog.listNotificationTypes(.init()) }
                #expect(status.code == .unauthenticated && status.reason == "CREDENTIALS_INVALID")
                #expect(ContinuousClock.now - began < .seconds(10))
            }
        }
    }

    @Test("a key is refused within seconds by a process that hears of it", .timeLimit(.minutes(5)))
    func hearing() async throws {
        try await House.open { first in
            try await House.open(loops: 2) { second in
                try await second.keepingCredentials {
                    let tenant = try await first.tenant()
                    let made = try await Self.further(first, tenant)
                    let catalogs = try (0..<3).map { _ in CatalogServiceClient(try second.client(made.secret)) }
                    for catalog in catalogs { _ = try await catalog.listNotificationTypes(.init()) }
                    try await Self.revoke(first, made.apiKey)
                    for catalog in catalogs {
                        let status = try await Self.refusal { try await catalog.listNotificationTypes(.init()) }
                        #expect(status.code == .unauthenticated)
                    }
                }
            }
        }
    }

    @Test("streams end at once in the process that takes their key back, and others go on", .timeLimit(.minutes(5)))
    func streams() async throws {
        try await House.open(loops: 2) { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let old = tenant.portal
            let new = PortalSigner(kid: "next")
            try await Self.register(house, tenant, old, new)
            func stream(_ signer: PortalSigner) async throws -> WatchedStream {
                let token = try signer.token("ann", of: tenant.id, at: house.clock.now)
                var stream = try await WatchedStream(InboxServiceClient(house.client(token)))
                _ = try await stream.next()
                return stream
            }
            var ended: [WatchedStream] = []
            for _ in 0..<3 { ended.append(try await stream(old)) }
            var kept = try await stream(new)
            try await Self.register(house, tenant, new)
            for place in ended.indices {
                let status = try await ended[place].end()
                #expect(status.code == .unauthenticated && status.reason == "CREDENTIALS_INVALID")
            }
            _ = try await tenant.deliveries.publish(invoice("k1"))
            #expect(try await kept.next().hasPrefix("item"))
            try await failure(.unauthenticated) { try await tenant.inbox("ann").getCounts(.init()) }
            // Another key of the same name is another key.
            let impostor = PortalSigner(kid: "next")
            try await Self.register(house, tenant, impostor)
            #expect(try await kept.end().code == .unauthenticated)
        }
    }

    @Test("streams end in other processes too, heard of or not", .timeLimit(.minutes(5)), arguments: [true, false])
    func distantStreams(isHeard: Bool) async throws {
        try await House.open { first in
            // Either the word comes first, or the look at open streams.
            try await House.open(limits: { $0.credentialAge = isHeard ? .seconds(600) : .milliseconds(500) }) {
                second in
                let tenant = try await first.tenant()
                try await second.keepingCredentials {
                    let token = try tenant.portal.token("ann", of: tenant.id, at: second.clock.now)
                    var stream = try await WatchedStream(InboxServiceClient(second.client(token)))
                    _ = try await stream.next()
                    try await Self.register(first, tenant)
                    let status = try await stream.end()
                    #expect(status.code == .unauthenticated && status.reason == "CREDENTIALS_INVALID")
                }
            }
        }
    }

    @Test("rounds over open streams are often enough for the promise")
    func rounds() {
        let check = StreamCheck(ServiceLimits())
        let age = ServiceLimits().credentialAge
        // A stream begins on what is `age - margin` old; then come a whole pause and what the round goes by.
        #expect(age - check.margin + check.pause <= age)
        #expect(check.knowledge + check.pause <= age - check.pause / 2)
    }
}

/// Wrong credentials, again and again.
@Suite("Failing credentials")
struct FailingCredentialTests {
    @Test("after too many wrong ones, the unknown are refused for a while and the known are not")
    func rates() async throws {
        try await House.open(limits: { ($0.failures, $0.failuresPerSecond) = (4, 0) }) { house in
            let tenant = try await house.tenant()
            let (late, latest) = (try await house.tenant(), try await house.tenant())
            _ = try await tenant.catalog.listNotificationTypes(.init())
            let catalog = CatalogServiceClient(try house.client("cr_live_nonsense"))
            for _ in 0..<4 {
                try await failure(.unauthenticated, "CREDENTIALS_INVALID") {
                    try await catalog.listNotificationTypes(.init())
                }
            }
            let status = try await failure(.resourceExhausted, "TOO_MANY_FAILURES") {
                try await catalog.listNotificationTypes(.init())
            }
            #expect(status.retryDelay == .seconds(10))
            // Good and known, also on a new connection.
            _ = try await tenant.catalog.listNotificationTypes(.init())
            _ = try await CatalogServiceClient(house.client(tenant.key)).listNotificationTypes(.init())
            // Garbage has asked the registry nothing, so it keeps nobody from being looked up.
            _ = try await late.catalog.listNotificationTypes(.init())
            for _ in 0..<4 {
                let guess = APIKey.generate(.live, randomness: ServiceDependencies.systemRandomness)
                let guessing = CatalogServiceClient(try house.client(guess.text))
                // The second time it is known to be wrong, and asks nothing.
                for _ in 0..<2 {
                    try await failure(.resourceExhausted) { try await guessing.listNotificationTypes(.init()) }
                }
            }
            // Never seen by this process: it cannot be told from one more guess without asking.
            try await failure(.resourceExhausted, "TOO_MANY_FAILURES") {
                try await latest.catalog.listNotificationTypes(.init())
            }
            // Without any credential nothing can be guessed.
            try await failure(.unauthenticated) {
                try await CatalogServiceClient(house.client(nil)).listNotificationTypes(.init())
            }
        }
    }

    @Test("a known key is looked up again, whatever comes from its address")
    func knownKeys() async throws {
        try await House.open(
            limits: {
                ($0.failures, $0.failuresPerSecond) = (1, 0)
                $0.credentialAge = .zero
            }
        ) { house in
            let tenant = try await house.tenant()
            _ = try await tenant.catalog.listNotificationTypes(.init())
            let wrong = CatalogServiceClient(try house.client("nonsense"))
            try await failure(.unauthenticated) { try await wrong.listNotificationTypes(.init()) }
            try await failure(.resourceExhausted) { try await wrong.listNotificationTypes(.init()) }
            for _ in 0..<3 { _ = try await tenant.catalog.listNotificationTypes(.init()) }
        }
    }

    @Test("a credential may name its own tenant and no other")
    func claims() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            let other = try await house.tenant()
            try await tenant.people()
            let token = try tenant.portal.token("ann", of: tenant.id, at: house.clock.now)
            func call(_ credential: String, _ claims: String...) async throws {
                let fields = [(name: "authorization", value: "Bearer \(credential)")]
                let client = try house.client(metadata: fields + claims.map { (name: "carillon-tenant", value: $0) })
                var check = Carillon_V1_CheckPreferenceRequest()
                (check.userID, check.notificationType) = ("ann", "invoice.created")
                for _ in 0..<2 { _ = try await PreferenceServiceClient(client).checkPreference(check) }
            }
            var answers: Set<Status> = []
            for credential in [tenant.key, token] {
                try await call(credential, tenant.id)
                for claims in [
                    [other.id], ["nobody"], [""], ["Not An Id"], [tenant.id, other.id], [tenant.id, tenant.id],
                ] {
                    answers.insert(
                        try await failure(.permissionDenied, "TENANT_NOT_ALLOWED") {
                            if claims.count == 1 {
                                try await call(credential, claims[0])
                            } else {
                                try await call(credential, claims[0], claims[1])
                            }
                        })
                }
            }
            #expect(answers.count == 1)
            let platform = try house.client(metadata: [
                ("authorization", "Bearer \(house.operatorKey.text)"), ("carillon-tenant", tenant.id),
            ])
            try await failure(.permissionDenied, "TENANT_NOT_ALLOWED") {
                try await TenantServiceClient(platform).listTenants(.init())
            }
        }
    }

    @Test("a change that is told again and again within the overlap of questions is heard once")
    func heardOnce() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            let core = house.services.core
            let keeper = CredentialKeeper(core: core)
            let (loop, state) = core.all[0]
            let id = try #require(TenantID(tenant.id))
            // Whether this tenant's credentials were forgotten: other tests change those of other tenants.
            func hear() async -> Bool {
                await loop.run {
                    state.authenticator.refusedPortals.insert(Known(answer: (), readAt: loop.now), for: id)
                    _ = await keeper.hear(since: house.clock.now, on: loop)
                    return state.authenticator.refusedPortals.find(id) == nil
                }
            }
            func change() async throws {
                let now = house.clock.now
                try await loop.run { try await state.registry.signal([id], credentials: true, now: now) }
            }
            _ = await hear()
            #expect(await !hear())
            try await change()
            #expect(await hear())
            #expect(await !hear())
            house.clock.advance(seconds: 1)
            #expect(await !hear())
            try await change()
            #expect(await hear(), "it has changed again")
            // Also by a process whose clock is behind.
            try await change()
            #expect(await hear(), "at the same time, it is another change")
        }
    }
}
