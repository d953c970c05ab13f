import CarillonAPI
import CarillonGRPC
import Domain
import Security
import Storage
import SwiftProtobuf
import Testing

@testable import Services

@Suite("API keys by TenantService")
struct APIKeyServiceTests {
    private static func make(
        _ house: House, _ tenant: TestTenant, _ scopes: Carillon_V1_AccessScope..., name: String = "backend"
    ) async throws -> Carillon_V1_CreateApiKeyResponse {
        var request = Carillon_V1_CreateApiKeyRequest()
        request.tenantID = tenant.id
        request.displayName = name
        request.scopes = scopes
        return try await house.operatorClient().createApiKey(request)
    }

    private static func revoke(
        _ house: House, _ tenant: String, _ key: String
    ) async throws -> Carillon_V1_RevokeApiKeyResponse {
        var request = Carillon_V1_RevokeApiKeyRequest()
        (request.tenantID, request.keyID) = (tenant, key)
        return try await house.operatorClient().revokeApiKey(request)
    }

    private static func list(_ house: House, _ tenant: String) async throws -> [Carillon_V1_ApiKey] {
        var request = Carillon_V1_ListApiKeysRequest()
        request.tenantID = tenant
        request.pageSize = 1
        var keys: [Carillon_V1_ApiKey] = []
        repeat {
            let page = try await house.operatorClient().listApiKeys(request)
            #expect(page.apiKeys.count <= 1)
            keys += page.apiKeys
            request.pageToken = page.nextPageToken
        } while !request.pageToken.isEmpty
        return keys
    }

    @Test("a key is for its scopes, and the refusal names what is missing")
    func scopes() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            let made = try await Self.make(house, tenant, .publish, .check)
            #expect(made.apiKey.scopes == [.publish, .check])
            let client = try house.client(made.secret)
            _ = try await DeliveryServiceClient(client).publish(invoice("k1"))
            var check = Carillon_V1_CheckPreferenceRequest()
            (check.userID, check.notificationType) = ("ann", "invoice.created")
            // The second time from memory, without a task.
            for _ in 0..<2 { _ = try await PreferenceServiceClient(client).checkPreference(check) }
            let status = try await failure(.permissionDenied, "SCOPE_MISSING") {
                try await AccountServiceClient(client).listUsers(.init())
            }
            #expect(status.metadata["scope"] == "read accounts")
            #expect(status.message.contains("read or accounts"))
            for _ in 0..<2 {
                let reader = PreferenceServiceClient(
                    try house.client(try await Self.make(house, tenant, .providers).secret))
                try await failure(.permissionDenied, "SCOPE_MISSING") { try await reader.checkPreference(check) }
            }
            // Reading is for all that is read and nothing that is changed.
            let reader = try house.client(try await Self.make(house, tenant, .read).secret)
            _ = try await AccountServiceClient(reader).listUsers(.init())
            _ = try await ChannelServiceClient(reader).listProviders(.init())
            try await failure(.permissionDenied, "SCOPE_MISSING") {
                try await DeliveryServiceClient(reader).publish(invoice("k2"))
            }
            try await failure(.permissionDenied, "SCOPE_MISSING") {
                try await AccountServiceClient(reader).upsertAccount(.init())
            }
        }
    }

    @Test("a portal token is for its scopes")
    func portalScopes() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await tenant.people()
            func client(_ scope: String?) throws -> RPCClient {
                try house.client(tenant.portal.token("ann", of: tenant.id, at: house.clock.now, scope: scope))
            }
            var page = Carillon_V1_GetPreferencesRequest()
            page.userID = "ann"
            for scope in [nil, "inbox preferences"] as [String?] {
                _ = try await InboxServiceClient(client(scope)).getCounts(.init())
                _ = try await PreferenceServiceClient(client(scope)).getPreferences(page)
            }
            _ = try await InboxServiceClient(client("inbox")).getCounts(.init())
            try await failure(.permissionDenied, "SCOPE_MISSING") {
                try await PreferenceServiceClient(client("inbox")).getPreferences(page)
            }
            _ = try await PreferenceServiceClient(client("preferences")).getPreferences(page)
            for scope in ["preferences", "", "publish operator"] {
                try await failure(.permissionDenied, "SCOPE_MISSING") {
                    try await InboxServiceClient(client(scope)).getCounts(.init())
                }
                var stream = try await WatchedStream(InboxServiceClient(client(scope)))
                #expect(try await stream.end().reason == "SCOPE_MISSING")
            }
        }
    }

    @Test("keys are listed with what may be known of them, in pages")
    func listing() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            let made = try await Self.make(house, tenant, .read, name: "reports")
            let keys = try await Self.list(house, tenant.id)
            #expect(keys.count == 2 && keys.map(\.keyID) == keys.map(\.keyID).sorted())
            #expect(keys.contains(made.apiKey))
            let first = try #require(keys.first { $0.keyID != made.apiKey.keyID })
            #expect(first.scopes == [.tenant] && first.lastFour == tenant.key.dropLast(7).suffix(4))
            #expect(first.createdBy == "operator/\(house.operatorKey.keyID)")
            #expect(!first.hasLastUsedTime && !first.hasRevokeTime)
            try await failure(.notFound, "TENANT_NOT_FOUND") { try await Self.list(house, "nobody") }
        }
    }

    @Test("a revoked key is refused at once, on connections that it was good on before")
    func revocation() async throws {
        try await House.open(loops: 2) { house in
            let tenant = try await house.tenant()
            let other = try await house.tenant()
            let made = try await Self.make(house, tenant)
            let catalogs = try (0..<4).map { _ in CatalogServiceClient(try house.client(made.secret)) }
            for catalog in catalogs { _ = try await catalog.listNotificationTypes(.init()) }
            try await failure(.notFound, "API_KEY_NOT_FOUND") {
                try await Self.revoke(house, other.id, made.apiKey.keyID)
            }
            try await failure(.notFound, "API_KEY_NOT_FOUND") { try await Self.revoke(house, tenant.id, "0123456789") }
            try await failure(.notFound, "API_KEY_NOT_FOUND") {
                try await Self.revoke(house, "nobody", made.apiKey.keyID)
            }
            for catalog in catalogs { _ = try await catalog.listNotificationTypes(.init()) }
            let revoked = try await Self.revoke(house, tenant.id, made.apiKey.keyID).apiKey
            #expect(revoked.revokeTime.seconds == house.clock.now.seconds)
            for catalog in catalogs {
                try await failure(.unauthenticated, "CREDENTIALS_INVALID") {
                    try await catalog.listNotificationTypes(.init())
                }
            }
            house.clock.advance(seconds: 5)
            #expect(try await Self.revoke(house, tenant.id, made.apiKey.keyID).apiKey == revoked)
            // The other key of the tenant, which the new one was to replace, goes on.
            _ = try await tenant.catalog.listNotificationTypes(.init())
        }
    }

    @Test("a tenant has so many keys at once and no more")
    func limit() async throws {
        try await House.open(limits: { $0.keysPerTenant = 3 }) { house in
            let tenant = try await house.tenant()
            let second = try await Self.make(house, tenant)
            _ = try await Self.make(house, tenant)
            let status = try await failure(.resourceExhausted, "TOO_MANY_KEYS") { try await Self.make(house, tenant) }
            #expect(status.metadata["limit"] == "3")
            _ = try await Self.revoke(house, tenant.id, second.apiKey.keyID)
            _ = try await Self.make(house, tenant)
        }
    }

    @Test("scopes that a key cannot have, and unknown ones, are refused with their places")
    func wrongScopes() async throws {
        try await House.open { house in
            let tenant = try await house.tenant()
            try await failure(.invalidArgument, fields: ["scopes[1]", "scopes[2]", "scopes[3]", "scopes[4]"]) {
                try await Self.make(house, tenant, .read, .inbox, .operator, .unspecified, .UNRECOGNIZED(99))
            }
            #expect(try await Self.make(house, tenant, .read, .read, .tenant).apiKey.scopes == [.tenant])
        }
    }

    @Test("the last use is recorded now and then, and when the process ends")
    func lastUse() async throws {
        try await House.open(loops: 2) { house in
            let tenant = try await house.tenant()
            let used = try await Self.make(house, tenant)
            for _ in 0..<3 {
                let client = CatalogServiceClient(try house.client(used.secret))
                for _ in 0..<3 { _ = try await client.listNotificationTypes(.init()) }
            }
            func lastUse() async throws -> Int64 {
                let key = try await Self.list(house, tenant.id).first { $0.keyID == used.apiKey.keyID }
                return key?.hasLastUsedTime == true ? key?.lastUsedTime.seconds ?? 0 : 0
            }
            #expect(try await lastUse() == 0)
            let first = house.clock.now.seconds
            await house.endKeeping()
            #expect(try await lastUse() == first)
            // Within the pause nothing is written, behind it the newest use is.
            for (seconds, recorded) in [(60, first), (300, first + 360)] as [(Int64, Int64)] {
                house.clock.advance(seconds: seconds)
                _ = try await CatalogServiceClient(house.client(used.secret)).listNotificationTypes(.init())
                await house.endKeeping()
                #expect(try await lastUse() == recorded)
            }
        }
    }
}
