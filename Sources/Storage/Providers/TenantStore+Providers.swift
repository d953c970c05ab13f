package import Domain
internal import Postgres

extension TenantStore {
    /// Makes a provider, or changes one.
    ///
    /// - Parameters:
    ///   - provider: what it shall be.
    ///   - limit: how many there may be; those that there are can be changed all the same. 0 where nothing more may be stored.
    ///   - expectedRevision: the revision it must have; throws ``StorageError/Code/revisionMismatch`` if it has not.
    ///   - stamp: who makes the change.
    ///   - now: the time of the change.
    /// - Throws: ``StorageError/Code/tooManyProviders`` when it would be one too many.
    package func putProvider(
        _ provider: ProviderWrite, limit: Int = 1_000, expectedRevision: Int64? = nil, stamp: AuditStamp, now: Instant
    ) async throws(StorageError) -> Upserted<ProviderRecord> {
        let (fate, secret) = provider.secret.columns
        let values: [Parameter] = [
            .text(provider.id), .text(provider.channel.rawValue), .text(provider.kind), .text(provider.displayName),
            .int4(provider.priority), .bool(provider.isEnabled), .json(provider.config), .text(fate),
        ]
        // The head of the audit is what two who make providers at the same time meet at: the second one counts the first one's.
        var queries = audited(auditing.provider, values + [.int8(Int64(limit))], stamp: stamp)
        if let expectedRevision {
            queries.append(Query(providers.assertRevision, [.text(provider.id), .int8(expectedRevision)]))
        }
        let put = queries.count
        queries.append(Query(providers.put, values + [.bytes(secret), .timestamp(now), .int8(Int64(limit))]))
        queries.append(Query(providers.touchSupplier, [.text(provider.id)]))
        let read = try await storing { () async throws(PostgresError) in
            let results = try await run(queries)
            return try results[put].readFirst { row throws(PostgresError) in
                try ProviderRecord(row: row, secret: nil)
            }
        }
        guard let record = read else {
            throw StorageError(.tooManyProviders, "there are as many providers as there may be")
        }
        return Upserted(record: record, created: record.revision == 1)
    }

    /// A provider without its secret; nil if there is no such one.
    package func provider(_ id: ProviderID) async throws(StorageError) -> ProviderRecord? {
        try await storing { () async throws(PostgresError) in
            let results = try await run([Query(providers.one, [.text(id)])])
            return try results[0].readFirst { row throws(PostgresError) in
                try ProviderRecord(row: row, secret: nil)
            }
        }
    }

    /// Providers in the order of their ids, without their secrets.
    ///
    /// - Parameters:
    ///   - channel: which channel they carry; nil for any.
    ///   - after: the last provider of the page before.
    ///   - size: the most providers that are returned.
    package func providers(
        channel: Channel? = nil, after: ProviderID? = nil, size: Int
    ) async throws(StorageError) -> Page<ProviderRecord, ProviderID> {
        try await storing { () async throws(PostgresError) in
            let results = try await run([
                Query(
                    providers.page,
                    [.text(channel?.rawValue), .text(after?.rawValue ?? ""), .int8(Int64(size) + 1)])
            ])
            let records = try results[0].read { row throws(PostgresError) in
                try ProviderRecord(row: row, secret: nil)
            }
            return Page(overread: records, size: size) { $0.id }
        }
    }

    /// The enabled providers of a channel with their sealed secrets, the one to try first first. For senders only.
    package func sendingProviders(for channel: Channel) async throws(StorageError) -> [ProviderRecord] {
        try await storing { () async throws(PostgresError) in
            let results = try await run([Query(providers.enabled, [.text(channel.rawValue)])])
            return try results[0].read { row throws(PostgresError) in
                try ProviderRecord(row: row, secret: try row.optionalBytes(ProviderRecord.columnCount))
            }
        }
    }
}

extension ProviderWrite.Secret {
    fileprivate var columns: (fate: String, secret: [UInt8]?) {
        switch self {
        case .keep: ("keep", nil)
        case .remove: ("remove", nil)
        case .set(let sealed): ("set", sealed)
        }
    }
}

extension ProviderRecord {
    /// How many columns ``init(row:secret:)`` reads.
    fileprivate static let columnCount = 11

    /// Reads ``ProviderStatements/columns`` from column 0.
    fileprivate init(row: Row, secret: [UInt8]?) throws(PostgresError) {
        id = try row.identifier(0)
        channel = try row.value(1)
        kind = try row.text(2)
        displayName = try row.text(3)
        priority = try row.int4(4)
        isEnabled = try row.bool(5)
        config = try row.text(6)
        hasSecret = try row.bool(7)
        sealedSecret = secret
        revision = try row.int8(8)
        createdAt = try row.instant(9)
        updatedAt = try row.instant(10)
    }
}
