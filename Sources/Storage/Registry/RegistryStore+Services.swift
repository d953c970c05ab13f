package import Domain
internal import Postgres

/// An internal service with a tenant that it acts for.
package struct ServiceCredential: Sendable, Hashable {
    /// The service.
    package let service: ServiceIdentityRecord
    /// The tenant; nil when there is none of that name, the service may not act for it, or it has to name one.
    package let tenant: TenantRecord?
    /// What that tenant has stored; nil when that was not counted yet.
    package let usage: TenantUsage?
}

extension RegistryStore {
    /// A service with the tenant that it names, or with its only one; nil if there is no such service.
    package func service(
        _ id: String, actingFor tenant: TenantID?
    ) async throws(StorageError) -> ServiceCredential? {
        try await storing { () async throws(PostgresError) in
            let results = try await run([
                Query(ServiceStatements.one, [.text(id)]),
                Query(ServiceStatements.tenant, [.text(id), .text(tenant?.rawValue)]),
                Query(ServiceStatements.usage, [.text(id), .text(tenant?.rawValue)]),
            ])
            guard let service = try results[0].readFirst(ServiceIdentityRecord.init(row:)) else { return nil }
            return ServiceCredential(
                service: service, tenant: try results[1].readFirst(TenantRecord.init(row:)),
                usage: try results[2].readFirst(TenantUsage.init(row:)))
        }
    }

    /// The services in the order of their ids.
    ///
    /// - Parameters:
    ///   - after: the last service of the page before.
    ///   - size: the most services that are returned.
    package func services(
        after: String? = nil, size: Int
    ) async throws(StorageError) -> Page<ServiceIdentityRecord, String> {
        try await storing { () async throws(PostgresError) in
            let query = Query(ServiceStatements.page, [.text(after ?? ""), .int8(Int64(size) + 1)])
            let records = try (try await run([query]))[0].read(ServiceIdentityRecord.init(row:))
            return Page(overread: records, size: size) { $0.id }
        }
    }

    /// What tells whether a service has changed: its revision and the time of the change, since one that was taken off and
    /// registered again begins anew.
    package struct ServiceVersion: Sendable, Hashable {
        let revision: Int64
        let updatedAt: Instant
    }

    /// The versions of the services, as many as `limit`.
    package func serviceVersions(limit: Int) async throws(StorageError) -> [String: ServiceVersion] {
        try await storing { () async throws(PostgresError) in
            let results = try await run([Query(ServiceStatements.versions, [.int8(Int64(limit))])])
            var versions: [String: ServiceVersion] = [:]
            for row in results[0] {
                versions[try row.text(0)] = ServiceVersion(revision: try row.int8(1), updatedAt: try row.instant(2))
            }
            return versions
        }
    }

    /// Registers a service, or changes one. When it is so already nothing is changed, neither its revision nor the audit.
    ///
    /// - Parameters:
    ///   - service: what it shall be.
    ///   - expectedRevision: the revision it must have; throws ``StorageError/Code/revisionMismatch`` if it has not.
    ///   - stamp: who makes the change.
    ///   - now: the time of the change.
    package func putService(
        _ service: ServiceIdentityWrite, expectedRevision: Int64?, stamp: AuditStamp, now: Instant
    ) async throws(StorageError) -> Upserted<ServiceIdentityRecord> {
        // Greater than any that a service of this id has had: an etag of one that was taken off fits no other.
        let first = now.microseconds
        var queries =
            RegistryAudit.queries(
                ServiceStatements.auditPut, [.text(service.id), .json(service.audited)], chain: nil, stamp: stamp)
            + Self.assertions(service.id, expectedRevision)
        queries.append(
            Query(
                ServiceStatements.put,
                [
                    .text(service.id), .text(service.displayName), .textArray(service.scopes),
                    .bool(service.allTenants),
                    .textArray(service.tenants.map(\.rawValue)), .text(stamp.actor), .timestamp(now),
                    .int8(first),
                ]))
        queries.append(Query(ServiceStatements.one, [.text(service.id)]))
        return try await storing { () async throws(PostgresError) in
            let results = try await run(queries)
            guard let record = try results[results.count - 1].readFirst(ServiceIdentityRecord.init(row:)) else {
                throw PostgresError(.decoding, "an upsert left no row")
            }
            let isWritten = results[results.count - 2].affectedRows > 0
            return Upserted(record: record, created: isWritten && record.revision == first)
        }
    }

    /// Takes a service off the registry.
    ///
    /// - Throws: ``StorageError/Code/revisionMismatch`` if it has not the expected revision, or is not there and was
    ///   expected to be.
    package func deleteService(
        _ id: String, expectedRevision: Int64?, stamp: AuditStamp
    ) async throws(StorageError) -> ServiceIdentityDeletion {
        let queries =
            RegistryAudit.queries(ServiceStatements.auditDelete, [.text(id)], chain: nil, stamp: stamp)
            + Self.assertions(id, expectedRevision) + [Query(ServiceStatements.delete, [.text(id)])]
        return try await storing { () async throws(PostgresError) in
            let results = try await run(queries)
            return results[results.count - 1].affectedRows == 0 ? .noSuchService : .done
        }
    }

    private static func assertions(_ id: String, _ revision: Int64?) -> [Query] {
        revision.map { [Query(ServiceStatements.assertRevision, [.text(id), .int8($0)])] } ?? []
    }
}
