import CarillonAPI
import CarillonGRPC
import Domain
import Security
import Storage
import Support
import SwiftProtobuf
import Testing

@testable import Services

@Suite("TenantService")
struct TenantServiceTests {
    private static func request(_ id: String) -> Carillon_V1_CreateTenantRequest {
        var request = Carillon_V1_CreateTenantRequest()
        request.tenant.tenantID = id
        request.tenant.displayName = "Northwind Supply"
        request.tenant.portalURL = "https://portal.example.com"
        return request
    }

    @Test("a tenant is made with a key that works at once, and the same request tells everything but the key again")
    func creation() async throws {
        try await House.open { house in
            let tenants = try house.operatorClient()
            var request = Self.request(House.tenantID())
            request.portalKeysJson = PortalSigner().keySet
            let made = try await tenants.createTenant(request)
            #expect(!made.replayed)
            #expect(made.tenant.state == .active)
            #expect(made.tenant.timeZone == "UTC")
            #expect(made.tenant.locale == "en")
            #expect(made.tenant.enabledWithoutSubscription == .optIn)
            #expect(made.portalKeys.map(\.algorithm) == ["EdDSA"])
            #expect(APIKey(Array(made.apiKeySecret.utf8))?.keyID == made.apiKey.keyID)

            let again = try await tenants.createTenant(request)
            #expect(again.replayed)
            #expect(again.apiKeySecret.isEmpty)
            #expect(again.apiKey == made.apiKey)
            #expect(again.tenant == made.tenant)
            #expect(again.portalKeys == made.portalKeys)

            var spelledOut = request
            spelledOut.tenant.timeZone = "UTC"
            spelledOut.tenant.locale = "en"
            #expect(try await tenants.createTenant(spelledOut).replayed, "defaults may be spelled out")

            request.tenant.displayName = "Somebody else"
            let status = try await failure(.alreadyExists, "TENANT_EXISTS") { try await tenants.createTenant(request) }
            #expect(status.metadata["tenant_id"] == request.tenant.tenantID)

            let accounts = AccountServiceClient(try house.client(made.apiKeySecret))
            var account = Carillon_V1_UpsertAccountRequest()
            account.account.accountID = "acme"
            #expect(try await accounts.upsertAccount(account).created)
        }
    }

    @Test("the same request again, after keys were changed, tells those that there are and makes none")
    func replayAfterChanges() async throws {
        try await House.open { house in
            let tenants = try house.operatorClient()
            var request = Self.request(House.tenantID())
            request.portalKeysJson = PortalSigner().keySet
            let made = try await tenants.createTenant(request)
            house.clock.advance(seconds: 1)
            var further = Carillon_V1_CreateApiKeyRequest()
            further.tenantID = made.tenant.tenantID
            further.displayName = TenantDraft.firstKeyName
            _ = try await tenants.createApiKey(further)
            var revoke = Carillon_V1_RevokeApiKeyRequest()
            revoke.tenantID = made.tenant.tenantID
            revoke.keyID = made.apiKey.keyID
            let revoked = try await tenants.revokeApiKey(revoke).apiKey
            var portal = Carillon_V1_SetPortalKeysRequest()
            portal.tenantID = made.tenant.tenantID
            portal.portalKeysJson = PortalSigner(kid: "later").keySet
            _ = try await tenants.setPortalKeys(portal)

            let again = try await tenants.createTenant(request)
            #expect(again.replayed && again.apiKeySecret.isEmpty)
            #expect(again.apiKey == revoked && again.apiKey.hasRevokeTime)
            #expect(again.portalKeys.map(\.keyID) == ["later"])

            // A first key that is forgotten is not stood in for by a later one.
            let database = try await TestDatabase.shared()
            try database.cluster.execute(
                "DELETE FROM carillon.api_key WHERE key_id = '\(made.apiKey.keyID)'", database: database.name)
            #expect(try await !tenants.createTenant(request).hasApiKey)
        }
    }

    @Test("every wrong field is named at once, and nothing is made")
    func validation() async throws {
        try await House.open { house in
            let tenants = try house.operatorClient()
            var request = Self.request("Not An Id")
            request.tenant.displayName = "a\u{0}b"
            request.tenant.portalURL = "http://portal.example.com"
            request.tenant.timeZone = "Europe/Atlantis"
            request.tenant.locale = "en_US"
            request.portalKeysJson = #"{"keys": [{"kty": "oct", "kid": "x", "k": "c2VjcmV0"}]}"#
            let status = try await failure(.invalidArgument, "FIELD_INVALID") {
                try await tenants.createTenant(request)
            }
            #expect(
                status.fields == [
                    "tenant.tenant_id", "tenant.display_name", "tenant.portal_url", "tenant.time_zone", "tenant.locale",
                    "portal_keys_json",
                ])
            let id = House.tenantID()
            var half = Self.request(id)
            half.tenant.displayName = ""
            try await failure(.invalidArgument) { try await tenants.createTenant(half) }
            var get = Carillon_V1_GetTenantRequest()
            get.tenantID = id
            try await failure(.notFound, "TENANT_NOT_FOUND") { try await tenants.getTenant(get) }
        }
    }

    @Test("two at once make one tenant")
    func race() async throws {
        try await House.open(loops: 2) { house in
            let request = Self.request(House.tenantID())
            let clients = try (0..<4).map { _ in try house.operatorClient() }
            let answers = try await withThrowingTaskGroup(of: Carillon_V1_CreateTenantResponse.self) { group in
                for client in clients { group.addTask { try await client.createTenant(request) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.count { !$0.replayed } == 1)
            #expect(Set(answers.map(\.apiKey.keyID)).count == 1)
        }
    }

    @Test("tenants are read and listed in order")
    func reading() async throws {
        try await House.open { house in
            let tenants = try house.operatorClient()
            let ids = [House.tenantID(), House.tenantID(), House.tenantID()]
            for id in ids { _ = try await tenants.createTenant(Self.request(id)) }
            var get = Carillon_V1_GetTenantRequest()
            get.tenantID = ids[1]
            #expect(try await tenants.getTenant(get).tenant.displayName == "Northwind Supply")
            var list = Carillon_V1_ListTenantsRequest()
            list.pageSize = 2
            var seen: [String] = []
            repeat {
                let page = try await tenants.listTenants(list)
                #expect(page.tenants.count <= 2)
                seen += page.tenants.map(\.tenantID)
                list.pageToken = page.nextPageToken
            } while !list.pageToken.isEmpty
            #expect(seen == seen.sorted())
            #expect(Set(ids).isSubset(of: seen))
            list.pageToken = "nonsense"
            try await failure(.invalidArgument, fields: ["page_token"]) { try await tenants.listTenants(list) }
        }
    }

    @Test("further keys work, until they expire")
    func keys() async throws {
        try await House.open(limits: { $0.credentialAge = .zero }) { house in
            let tenant = try await house.tenant()
            let tenants = try house.operatorClient()
            var request = Carillon_V1_CreateApiKeyRequest()
            request.tenantID = tenant.id
            request.displayName = "portal backend"
            request.expireTime = .init(seconds: house.clock.now.seconds + 60)
            let made = try await tenants.createApiKey(request)
            #expect(made.apiKey.displayName == "portal backend")
            #expect(made.apiKey.tenantID == tenant.id)
            let catalog = CatalogServiceClient(try house.client(made.secret))
            _ = try await catalog.listNotificationTypes(.init())
            house.clock.advance(seconds: 60)
            try await failure(.unauthenticated) { try await catalog.listNotificationTypes(.init()) }
            // The first key lasts.
            _ = try await tenant.catalog.listNotificationTypes(.init())

            try await failure(.invalidArgument) { try await tenants.createApiKey(request) }
            request.clearExpireTime()
            request.tenantID = "nobody"
            try await failure(.notFound, "TENANT_NOT_FOUND") { try await tenants.createApiKey(request) }
        }
    }

    @Test("portal keys are replaced at once, and an empty set ends all tokens")
    func portalKeys() async throws {
        try await House.open(loops: 2) { house in
            let tenant = try await house.tenant()
            let tenants = try house.operatorClient()
            let inbox = try tenant.inbox("ann")
            _ = try await inbox.getCounts(.init())
            var request = Carillon_V1_SetPortalKeysRequest()
            request.tenantID = tenant.id
            request.portalKeysJson = PortalSigner().keySet
            #expect(try await tenants.setPortalKeys(request).portalKeys.map(\.keyID) == ["portal"])
            // The keys are others now; a connection that was let in before is looked at again within a minute.
            try await failure(.unauthenticated) { try await tenant.inbox("ann").getCounts(.init()) }
            request.portalKeysJson = #"{"keys": []}"#
            #expect(try await tenants.setPortalKeys(request).portalKeys.isEmpty)
            request.portalKeysJson = ""
            try await failure(.invalidArgument, fields: ["portal_keys_json"]) {
                try await tenants.setPortalKeys(request)
            }
            request.portalKeysJson = #"{"keys": []}"#
            request.tenantID = "nobody"
            try await failure(.notFound, "TENANT_NOT_FOUND") { try await tenants.setPortalKeys(request) }
        }
    }
}
