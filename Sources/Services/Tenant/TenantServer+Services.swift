internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage
internal import SwiftProtobuf

// The platform's own services, which are known by their certificates.
extension TenantServer {
    func putServiceIdentity(
        _ request: Carillon_V1_PutServiceIdentityRequest, _ context: CallContext
    ) async throws -> Carillon_V1_PutServiceIdentityResponse {
        let caller = try await core.platformOperator(context)
        let draft = try ServiceIdentityDraft(request)
        let registry = core[context].registry
        let tenants = Set(draft.write.tenants)
        let present = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await registry.present(tenants)
        }
        guard present == tenants else {
            throw Status(.notFound, .tenantNotFound, "there is no tenant of one of the tenant_ids")
        }
        let now = core.now
        let stamp = core.stamp(context, caller, at: now)
        let upserted = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await registry.putService(
                draft.write, expectedRevision: draft.revision, stamp: stamp, now: now)
        }
        await core.forgetService(draft.write.id)
        var response = Carillon_V1_PutServiceIdentityResponse()
        response.serviceIdentity = Carillon_V1_ServiceIdentity(upserted.record)
        response.created = upserted.created
        return response
    }

    func listServiceIdentities(
        _ request: Carillon_V1_ListServiceIdentitiesRequest, _ context: CallContext
    ) async throws -> Carillon_V1_ListServiceIdentitiesResponse {
        _ = try await core.platformOperator(context)
        var check = FieldCheck()
        let size = check.pageSize(request.pageSize)
        let list = ["services"]
        let token = PageToken.read(request.pageToken, of: list, &check)
        try check.check()
        let registry = core[context].registry
        let page = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await registry.services(after: token?.key, size: size)
        }
        var response = Carillon_V1_ListServiceIdentitiesResponse()
        response.serviceIdentities = page.elements.map { Carillon_V1_ServiceIdentity($0) }
        response.nextPageToken = PageToken.make(page.next, of: list)
        return response
    }

    func deleteServiceIdentity(
        _ request: Carillon_V1_DeleteServiceIdentityRequest, _ context: CallContext
    ) async throws -> Carillon_V1_DeleteServiceIdentityResponse {
        let caller = try await core.platformOperator(context)
        var check = FieldCheck()
        let id = check.spiffeID(request.spiffeID, "spiffe_id")
        try check.check()
        let revision = try Etag.revision(request.etag)
        let registry = core[context].registry
        let stamp = core.stamp(context, caller, at: core.now)
        let outcome = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await registry.deleteService(id, expectedRevision: revision, stamp: stamp)
        }
        await core.forgetService(id)
        guard outcome == .done else {
            throw Status(
                .notFound, .serviceIdentityNotFound, "there is no service of this SPIFFE id",
                metadata: ["spiffe_id": id])
        }
        return Carillon_V1_DeleteServiceIdentityResponse()
    }
}

extension Carillon_V1_ServiceIdentity {
    fileprivate init(_ record: ServiceIdentityRecord) {
        self.init()
        spiffeID = record.id
        displayName = record.displayName
        scopes = Carillon_V1_AccessScope.scopes(words: record.scopes)
        allTenants = record.allTenants
        tenantIds = record.tenants.map(\.rawValue)
        createdBy = record.createdBy
        createTime = Google_Protobuf_Timestamp(record.createdAt)
        updateTime = Google_Protobuf_Timestamp(record.updatedAt)
        etag = Etag.of(record.revision)
    }
}
