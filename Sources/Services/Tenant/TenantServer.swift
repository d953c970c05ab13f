internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Security
internal import Storage
internal import SwiftProtobuf

/// TenantService: onboards tenants and gives them their credentials. Operators only.
struct TenantServer: TenantServiceHandler {
    let core: ServiceCore

    /// The owner's administration, where there is one.
    func requireOwner() throws(Status) -> OwnerAccess {
        guard let owner = core.owner else { throw .noOwner }
        return owner
    }

    func createTenant(
        _ request: Carillon_V1_CreateTenantRequest, _ context: CallContext
    ) async throws -> Carillon_V1_CreateTenantResponse {
        let caller = try await core.platformOperator(context)
        let draft = try await TenantDraft(request, zones: core.zones)
        let owner = try requireOwner()
        let key = APIKey.generate(.live, randomness: core.dependencies.randomness)
        var check = FieldCheck()
        let database = Self.database(request.database, &check)
        try check.check()
        var creation = try creation(draft, key, by: caller)
        creation.database = database
        let now = core.now
        let stamp = core.stamp(context, caller, at: now)
        let outcome =
            database == .main
            ? try await owner.createTenant(creation, stamp: stamp, now: now, until: context.deadline)
            : try await createElsewhere(creation, owner, stamp: stamp, now: now, context)
        switch outcome {
        case .created(let record):
            owner.beginFirstMonths(of: record.id, now: now)
            var response = Carillon_V1_CreateTenantResponse()
            response.tenant = Carillon_V1_Tenant(record)
            if let first = creation.firstKey {
                response.apiKey = Carillon_V1_ApiKey(first, of: record.id, madeAt: record.createdAt)
            }
            response.apiKeySecret = key.text
            response.portalKeys = draft.portalKeys.keys.map { Carillon_V1_PortalKey($0) }
            // This process may have been asked for the tenant before there was one.
            await core.forgetCredentials(of: record.id)
            return response
        case .replayed(let record): return try await replay(record, context)
        case .conflict:
            throw Status(
                .alreadyExists, .tenantExists, "there is a tenant \(draft.id) that was made by another request",
                metadata: ["tenant_id": draft.id.rawValue])
        }
    }

    /// Makes a tenant in another database than the registry's, or finds what there is.
    private func createElsewhere(
        _ creation: TenantCreation, _ owner: OwnerAccess, stamp: AuditStamp, now: Instant, _ context: CallContext
    ) async throws(Status) -> TenantCreationOutcome {
        guard let transfers = core.transfers else { throw .noOwner }
        let made = try await transfers.transfer(.into(creation.database), until: context.deadline) {
            sessions throws(Status) in
            try await transfers.step { () async throws(StorageError) -> TenantRecord? in
                do throws(StorageError) {
                    return try await TenantAdministration.createTenant(
                        creation, stamp: stamp, now: now, sessions: sessions)
                } catch {
                    guard error.code == .alreadyExists else { throw error }
                    return nil
                }
            }
        }
        if let made { return .created(made) }
        // The same question again finds the tenant there, and says whether the same request made it.
        return try await owner.createTenant(creation, stamp: stamp, now: now, until: context.deadline)
    }

    private func creation(
        _ draft: TenantDraft, _ key: APIKey, by caller: Caller
    ) throws(Status) -> TenantCreation {
        let wrapped: [UInt8]
        do throws(SecretError) {
            wrapped = try core.dependencies.keyring.makeDataKey(for: draft.id.rawValue).wrapped
        } catch {
            throw Status(.internalError, .internalError, "a data key cannot be made")
        }
        return TenantCreation(
            id: draft.id, values: draft.values, wrappedDataKey: wrapped, requestHash: draft.hash,
            firstKey: NewAPIKey(
                key, displayName: TenantDraft.firstKeyName, scopes: [AccessScopes.tenantWord], by: caller,
                expiresAt: nil),
            portalKeys: draft.portalKeys.keys.map { PortalKey(kid: $0.id, jwk: $0.json) })
    }

    /// The answer to a request that was answered before: what there is now, and no secret. Whoever lost the answer, and the first
    /// key with it, makes another key.
    private func replay(
        _ record: TenantRecord, _ context: CallContext
    ) async throws(Status) -> Carillon_V1_CreateTenantResponse {
        let registry = core[context].registry
        let (keys, registered) = try await stored(until: context.deadline) { () async throws(StorageError) in
            (try await registry.apiKeys(of: record.id), try await registry.portalKeys(of: record.id))
        }
        var response = Carillon_V1_CreateTenantResponse()
        response.tenant = Carillon_V1_Tenant(record)
        response.replayed = true
        // It may have ended long ago, and been forgotten. A key that was made later is none of this request's.
        let first = keys.first { $0.createdAt == record.createdAt && $0.displayName == TenantDraft.firstKeyName }
        if let first { response.apiKey = Carillon_V1_ApiKey(first) }
        let portalKeys = (try? await PortalKeySet.parse(stored: registered.map(\.jwk))) ?? .empty
        response.portalKeys = portalKeys.keys.map { Carillon_V1_PortalKey($0) }
        return response
    }

    func getTenant(
        _ request: Carillon_V1_GetTenantRequest, _ context: CallContext
    ) async throws -> Carillon_V1_GetTenantResponse {
        _ = try await core.platformOperator(context)
        let id = try tenantID(request.tenantID)
        let registry = core[context].registry
        let found = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await registry.tenantWithUsage(id)
        }
        guard let (record, usage) = found else { throw Status.tenantNotFound(id) }
        var response = Carillon_V1_GetTenantResponse()
        response.tenant = Carillon_V1_Tenant(record)
        if let usage { response.usage = Carillon_V1_TenantUsage(usage) }
        return response
    }

    func listTenants(
        _ request: Carillon_V1_ListTenantsRequest, _ context: CallContext
    ) async throws -> Carillon_V1_ListTenantsResponse {
        _ = try await core.platformOperator(context)
        var check = FieldCheck()
        let size = check.pageSize(request.pageSize)
        let list = ["tenants"]
        let after = PageToken.readID(request.pageToken, of: list, &check, as: TenantID.self)
        try check.check()
        let registry = core[context].registry
        let page = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await registry.tenants(after: after, size: size)
        }
        var response = Carillon_V1_ListTenantsResponse()
        response.tenants = page.elements.map { Carillon_V1_Tenant($0) }
        response.nextPageToken = PageToken.make(page.next?.rawValue, of: list)
        return response
    }

    func setPortalKeys(
        _ request: Carillon_V1_SetPortalKeysRequest, _ context: CallContext
    ) async throws -> Carillon_V1_SetPortalKeysResponse {
        let caller = try await core.platformOperator(context)
        let id = try tenantID(request.tenantID)
        var check = FieldCheck()
        let keys = await TenantDraft.portalKeys(request.portalKeysJson, isRequired: true, &check)
        try check.check()
        let registry = core[context].registry
        let registered = keys.keys.map { PortalKey(kid: $0.id, jwk: $0.json) }
        let now = core.now
        let stamp = core.stamp(context, caller, at: now)
        if registered.isEmpty {
            // Without a row to insert, nothing would refer to the tenant and miss it.
            let found = try await stored(until: context.deadline) { () async throws(StorageError) in
                try await registry.tenant(id)
            }
            if found == nil { throw Status.tenantNotFound(id) }
        }
        try await stored(until: context.deadline, missing: .tenantNotFound(id)) { () async throws(StorageError) in
            try await registry.setPortalKeys(of: id, registered, stamp: stamp, now: now)
        }
        await core.forgetCredentials(of: id)
        var response = Carillon_V1_SetPortalKeysResponse()
        response.portalKeys = keys.keys.map { Carillon_V1_PortalKey($0) }
        return response
    }

    func tenantID(_ text: String) throws(Status) -> TenantID {
        var check = FieldCheck()
        let id = check.identifier(text, "tenant_id", as: TenantID.self)
        try check.check()
        guard let id else { throw .unauthenticated }
        return id
    }
}

extension Carillon_V1_PortalKey {
    fileprivate init(_ key: PortalKeySet.Key) {
        self.init()
        keyID = key.id
        algorithm = key.algorithm
    }
}
