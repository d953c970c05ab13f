internal import CarillonAPI
internal import CarillonGRPC
internal import Domain
internal import Security
internal import Storage

// Exporting and importing: the parts go between the caller and the database one by one, and each side waits for the other.
extension TenantServer {
    func exportTenant(
        _ request: Carillon_V1_ExportTenantRequest, _ responses: ResponseWriter<Carillon_V1_ExportTenantResponse>,
        _ context: CallContext
    ) async throws {
        let caller = try await core.platformOperator(context)
        var check = FieldCheck()
        let id = check.identifier(request.tenantID, "tenant_id", as: TenantID.self)
        let transferKey = Self.transferKey(Array(request.transferKey), &check)
        try check.check()
        guard let id else { throw Status.unauthenticated }
        let registry = core[context].registry
        let found = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await registry.tenant(id)
        }
        guard let record = found else { throw Status.tenantNotFound(id) }
        guard let transfers = core.transfers else { throw Status.noOwner }
        let wrapped = try transferKey.map { key throws(Status) in
            try Self.rewrap(record.wrappedDataKey, of: id, from: core.dependencies.keyring, to: key)
        }
        let (now, program) = (core.now, core.dependencies.program)
        let watch = TransferWatch(context, limit: core.limits.transferIdle)
        let stamp = core.stamp(context, caller, at: now)
        try await transfers.transfer(.of(record), until: context.deadline) { sessions throws(Status) in
            try await transfers.step { () async throws(StorageError) in
                try await TenantExport.note(id, withSecrets: wrapped != nil, sessions: sessions, stamp: stamp)
            }
            let export = TenantExport(
                record, wrappedDataKey: wrapped ?? [], sessions: sessions, program: program, now: now)
            while let part = try await transfers.step({ () async throws(StorageError) in try await export.next() }) {
                var response = Carillon_V1_ExportTenantResponse()
                response.part = Carillon_V1_TenantArchivePart(part)
                try await watch.wait { [response] () async throws(Status) in try await responses.send(response) }
            }
        }
    }

    func importTenant(
        _ requests: RequestReader<Carillon_V1_ImportTenantRequest>, _ context: CallContext
    ) async throws -> Carillon_V1_ImportTenantResponse {
        let caller = try await core.platformOperator(context)
        var reader = requests.makeAsyncIterator()
        guard let first = try await reader.next(), case .header(let header) = try ArchivePart(first.part) else {
            throw Status.archiveRefused("the first part of an archive is its header")
        }
        var check = FieldCheck()
        let transferKey = Self.transferKey(Array(first.transferKey), &check)
        let database = Self.database(first.database, &check)
        try check.check()
        do throws(StorageError) {
            try TenantImport.check(header)
        } catch {
            throw Status(error)
        }
        guard let transfers = core.transfers else { throw Status.noOwner }
        let wrapped = try wrappedDataKey(header, transferKey)
        let now = core.now
        let stamp = core.stamp(context, caller, at: now)
        let values = TenantValues(zones: core.zones)
        let rows = try await transfers.transfer(.into(database), until: context.deadline) { sessions throws(Status) in
            let work = TenantImport(into: database, sessions: sessions, stamp: stamp, now: now)
            try await step(transfers, header.tenant) { () async throws(StorageError) in
                try await work.begin(header, wrappedDataKey: wrapped)
            }
            let watch = TransferWatch(context, limit: core.limits.transferIdle)
            while let request = try await watch.wait({ () async throws(Status) in try await reader.next() }) {
                guard let part = try ArchivePart(request.part) else {
                    throw Status.archiveRefused("the archive has a part that this program does not know")
                }
                try await step(transfers, header.tenant) { () async throws(StorageError) in try await work.take(part) }
            }
            // Only now: whoever is refused for something behind the trailer finds nothing that stayed.
            try values.check(try await transfers.step { () async throws(StorageError) in try await work.tenant() })
            try await step(transfers, header.tenant) { () async throws(StorageError) in try await work.commit() }
            return work.rows
        }
        // This process may have been asked for the tenant, or by its keys, before there was one.
        await core.forgetAbsence(of: header.tenant)
        let registry = core[context].registry
        let record = try await stored(until: context.deadline) { () async throws(StorageError) in
            try await registry.tenant(header.tenant)
        }
        guard let record else { throw Status.tenantNotFound(header.tenant) }
        var response = Carillon_V1_ImportTenantResponse()
        response.tenant = Carillon_V1_Tenant(record)
        response.tables = rows.map { row in
            var table = Carillon_V1_ImportedTable()
            table.name = row.table
            table.rows = row.count
            return table
        }
        if transferKey == nil { response.providersWithoutSecret = header.providersWithSecret }
        response.wasSuspended = header.wasSuspended
        return response
    }

    /// A step of an import. Whatever of it exists already is told as the tenant that exists.
    private func step(
        _ transfers: TransferDesk, _ tenant: TenantID,
        _ body: @escaping @Sendable () async throws(StorageError) -> Void
    ) async throws(Status) {
        try await transfers.step { () async throws(StorageError) -> Result<Void, Status> in
            do throws(StorageError) {
                return .success(try await body())
            } catch {
                guard error.code == .alreadyExists else { throw error }
                return .failure(
                    Status(
                        .alreadyExists, .tenantExists, "there is a tenant \(tenant), or one of the archive's API keys",
                        metadata: ["tenant_id": tenant.rawValue]))
            }
        }.get()
    }

    /// The tenant's data key as this installation wraps it: the archive's, or a fresh one.
    private func wrappedDataKey(
        _ header: ArchiveHeader, _ transferKey: KeyEncryptionKey?
    ) throws(Status) -> [UInt8] {
        guard let transferKey else {
            guard header.wrappedDataKey.isEmpty else {
                throw .archiveRefused("the archive holds secrets: give the transfer key that it was exported with")
            }
            do throws(SecretError) {
                return try core.dependencies.keyring.makeDataKey(for: header.tenant.rawValue).wrapped
            } catch {
                throw Status(.internalError, .internalError, "a data key cannot be made")
            }
        }
        guard !header.wrappedDataKey.isEmpty else {
            throw .archiveRefused("the archive was exported without a transfer key")
        }
        do throws(SecretError) {
            let key = try Keyring(transferKey).unwrap(header.wrappedDataKey, for: header.tenant.rawValue)
            return try core.dependencies.keyring.wrap(key)
        } catch {
            throw .archiveRefused("the transfer key is not the one that the archive was exported with")
        }
    }

    private static func rewrap(
        _ wrapped: [UInt8], of tenant: TenantID, from keyring: Keyring, to transferKey: KeyEncryptionKey
    ) throws(Status) -> [UInt8] {
        do throws(SecretError) {
            return try Keyring(transferKey).wrap(try keyring.unwrap(wrapped, for: tenant.rawValue))
        } catch {
            throw Status(.internalError, .internalError, "the tenant's key cannot be opened; the operator has to act")
        }
    }

    /// The database that a tenant is to be put into; the registry's own when none is named.
    static func database(_ name: String, _ check: inout FieldCheck) -> DatabaseName {
        if name.isEmpty { return .main }
        guard let database = DatabaseName(name) else {
            check.add("database", "is not the name of a database", reason: "MALFORMED")
            return .main
        }
        return database
    }

    /// A key of 32 octets; nil when there are none.
    private static func transferKey(_ octets: [UInt8], _ check: inout FieldCheck) -> KeyEncryptionKey? {
        guard !octets.isEmpty else { return nil }
        let key = KeyEncryptionKey(octets: octets)
        if key == nil { check.add("transfer_key", "has other than 32 octets", reason: "MALFORMED") }
        return key
    }
}
