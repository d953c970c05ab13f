internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Storage
internal import SwiftProtobuf

// What becomes of a tenant after it was made.

extension TenantServer {
    /// How long a deleted tenant can be resumed when nobody says otherwise, and at most: seconds.
    private static let usualGrace: Int64 = 7 * 86_400
    private static let greatestGrace: Int64 = 90 * 86_400

    func updateTenant(
        _ request: Carillon_V1_UpdateTenantRequest, _ context: CallContext
    ) async throws -> Carillon_V1_UpdateTenantResponse {
        let caller = try await core.platformOperator(context)
        let owner = try requireOwner()
        var check = FieldCheck()
        let mask = TenantMask(request.updateMask, of: request.tenant, &check)
        let id = check.identifier(request.tenant.tenantID, "tenant.tenant_id", as: TenantID.self)
        try check.check()
        guard let id else { throw Status.unauthenticated }
        let record = try await read(id, etag: request.tenant.etag, context)
        let merged = mask.merged(request.tenant, into: Carillon_V1_Tenant(record))
        let write = TenantValues(zones: core.zones).read(merged, &check)
        try check.check()
        let now = core.now
        var changed = record
        // What changes nothing leaves no line in the audit, and the etag that everybody knows.
        if write != record.values {
            changed = try await owner.updateTenant(
                record, write, stamp: core.stamp(context, caller, at: now), now: now, until: context.deadline)
            await core.tenantChanged(changed)
        }
        var response = Carillon_V1_UpdateTenantResponse()
        response.tenant = Carillon_V1_Tenant(changed)
        return response
    }

    func suspendTenant(
        _ request: Carillon_V1_SuspendTenantRequest, _ context: CallContext
    ) async throws -> Carillon_V1_SuspendTenantResponse {
        let caller = try await core.platformOperator(context)
        let record = try await read(tenantID(request.tenantID), etag: request.etag, context)
        var response = Carillon_V1_SuspendTenantResponse()
        response.tenant =
            switch record.state {
            case .suspended: Carillon_V1_Tenant(record)
            case .active: Carillon_V1_Tenant(try await turn(record, to: .suspend, caller, context))
            case .deleting:
                throw Status(
                    .failedPrecondition, .tenantDeleting, "the tenant is to be erased; resume it first",
                    metadata: ["tenant_id": record.id.rawValue])
            }
        return response
    }

    func resumeTenant(
        _ request: Carillon_V1_ResumeTenantRequest, _ context: CallContext
    ) async throws -> Carillon_V1_ResumeTenantResponse {
        let caller = try await core.platformOperator(context)
        let record = try await read(tenantID(request.tenantID), etag: request.etag, context)
        var response = Carillon_V1_ResumeTenantResponse()
        response.tenant =
            switch record.state {
            case .active: Carillon_V1_Tenant(record)
            case .deleting where record.eraseAt.map { $0 <= core.now } ?? false:
                throw Status(
                    .failedPrecondition, .tenantDeleting, "the time of the tenant has come: it is being erased",
                    metadata: ["tenant_id": record.id.rawValue])
            case .suspended, .deleting: Carillon_V1_Tenant(try await turn(record, to: .resume, caller, context))
            }
        return response
    }

    func deleteTenant(
        _ request: Carillon_V1_DeleteTenantRequest, _ context: CallContext
    ) async throws -> Carillon_V1_DeleteTenantResponse {
        let caller = try await core.platformOperator(context)
        var check = FieldCheck()
        let id = check.identifier(request.tenantID, "tenant_id", as: TenantID.self)
        if request.etag.isEmpty { check.add("etag", "is required: the one of GetTenant", reason: "REQUIRED") }
        let grace = request.hasGracePeriod ? request.gracePeriod.seconds : Self.usualGrace
        if !(0...Self.greatestGrace).contains(grace) || request.gracePeriod.nanos != 0 {
            check.add("grace_period", "must be whole seconds, from zero to 90 days", reason: "OUT_OF_RANGE")
        }
        try check.check()
        guard let id else { throw Status.unauthenticated }
        let record = try await read(id, etag: request.etag, context)
        // A move that begins after this changes the etag.
        guard try await !requireOwner().isMoving(id, until: context.deadline) else { throw Status.tenantInMove(id) }
        let end = Instant(microseconds: core.now.microseconds + grace * 1_000_000)
        let deleted = try await turn(record, to: .delete(at: end), caller, context)
        if grace == 0 { core.dependencies.maintenanceSignal() }
        var response = Carillon_V1_DeleteTenantResponse()
        response.tenant = Carillon_V1_Tenant(deleted)
        return response
    }

    private func turn(
        _ record: TenantRecord, to turn: TenantTurn, _ caller: Caller, _ context: CallContext
    ) async throws(Status) -> TenantRecord {
        let owner = try requireOwner()
        let now = core.now
        let stamp = core.stamp(context, caller, at: now)
        let changed = try await owner.turn(record, to: turn, stamp: stamp, now: now, until: context.deadline)
        await core.tenantChanged(changed)
        // Whether its work rests or goes on, its worker should hear of it soon.
        core.dependencies.deliverySignal.wake(record.id)
        return changed
    }

    /// A tenant that has the etag that the caller knows, if one was sent.
    ///
    /// - Throws: NOT_FOUND; ABORTED for another etag.
    private func read(_ id: TenantID, etag: String, _ context: CallContext) async throws(Status) -> TenantRecord {
        let expected = try Etag.revision(etag)
        let registry = core[context].registry
        let found = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await registry.tenant(id)
        }
        guard let record = found else { throw .tenantNotFound(id) }
        if let expected, expected != record.revision {
            throw Status(StorageError(.revisionMismatch, "the tenant has another revision"))
        }
        return record
    }
}
