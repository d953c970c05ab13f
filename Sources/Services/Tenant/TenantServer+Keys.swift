internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Security
internal import Storage

// The API keys of tenants.
extension TenantServer {
    func createApiKey(
        _ request: Carillon_V1_CreateApiKeyRequest, _ context: CallContext
    ) async throws -> Carillon_V1_CreateApiKeyResponse {
        let caller = try await core.platformOperator(context)
        let now = core.now
        var check = FieldCheck()
        let id = check.identifier(request.tenantID, "tenant_id", as: TenantID.self)
        check.line(request.displayName, "display_name", limit: 200, isRequired: true)
        var expiry: Instant?
        if request.hasExpireTime {
            expiry = Instant(request.expireTime)
            if expiry.map({ $0 <= now }) ?? true {
                check.add("expire_time", "is not a point in time in the future", reason: "OUT_OF_RANGE")
            }
        }
        let named = check.scopes(request.scopes, "scopes", except: [.inbox, .operator])
        try check.check()
        guard let id else { throw Status.unauthenticated }
        let key = APIKey.generate(.live, randomness: core.dependencies.randomness)
        let scopes = named.isEmpty || named.contains(AccessScopes.tenantWord) ? [AccessScopes.tenantWord] : named
        let new = NewAPIKey(key, displayName: request.displayName, scopes: scopes, by: caller, expiresAt: expiry)
        let registry = core[context].registry
        let limit = core.limits.keysPerTenant
        let stamp = core.stamp(context, caller, at: now)
        let stored = try await stored(until: context.deadline, missing: .tenantNotFound(id)) {
            () async throws(StorageError) in
            try await registry.createAPIKey(new, tenant: id, limit: limit, stamp: stamp, now: now)
        }
        guard let record = stored else {
            throw Status(
                .resourceExhausted, .tooManyKeys,
                "the tenant has \(limit) keys in force already; revoke one that is no longer used first",
                metadata: ["limit": String(limit)])
        }
        var response = Carillon_V1_CreateApiKeyResponse()
        response.apiKey = Carillon_V1_ApiKey(record)
        response.secret = key.text
        return response
    }

    func listApiKeys(
        _ request: Carillon_V1_ListApiKeysRequest, _ context: CallContext
    ) async throws -> Carillon_V1_ListApiKeysResponse {
        _ = try await core.platformOperator(context)
        var check = FieldCheck()
        let id = check.identifier(request.tenantID, "tenant_id", as: TenantID.self)
        let size = check.pageSize(request.pageSize)
        let list = ["api keys", request.tenantID]
        let token = PageToken.read(request.pageToken, of: list, &check)
        try check.check()
        guard let id else { throw Status.unauthenticated }
        let registry = core[context].registry
        let page = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await registry.apiKeys(of: id, after: token?.key, size: size)
        }
        if page.elements.isEmpty {
            // A tenant without keys is an empty list; one that does not exist is an error.
            let found = try await stored(until: context.deadline) { () async throws(StorageError) in
                try await registry.tenant(id)
            }
            if found == nil { throw Status.tenantNotFound(id) }
        }
        var response = Carillon_V1_ListApiKeysResponse()
        response.apiKeys = page.elements.map { Carillon_V1_ApiKey($0) }
        response.nextPageToken = PageToken.make(page.next, of: list)
        return response
    }

    func revokeApiKey(
        _ request: Carillon_V1_RevokeApiKeyRequest, _ context: CallContext
    ) async throws -> Carillon_V1_RevokeApiKeyResponse {
        let caller = try await core.platformOperator(context)
        var check = FieldCheck()
        let id = check.identifier(request.tenantID, "tenant_id", as: TenantID.self)
        let key = check.line(request.keyID, "key_id", limit: 64, isRequired: true)
        try check.check()
        guard let id else { throw Status.unauthenticated }
        let now = core.now
        let registry = core[context].registry
        let stamp = core.stamp(context, caller, at: now)
        let revoked = try await stored(until: context.deadline) { () async throws(StorageError) in
            // What there is not leaves no trace, not even an audit's beginning.
            guard try await registry.credential(key)?.key.tenant == id else { return nil as APIKeyRecord? }
            return try await registry.revokeAPIKey(key, of: id, stamp: stamp, now: now)
        }
        guard let record = revoked else {
            throw Status(.notFound, .apiKeyNotFound, "the tenant has no such key")
        }
        await core.forgetKey(record.id)
        var response = Carillon_V1_RevokeApiKeyResponse()
        response.apiKey = Carillon_V1_ApiKey(record)
        return response
    }
}
