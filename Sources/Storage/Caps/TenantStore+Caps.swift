package import Domain
internal import Postgres

/// How many messages one person may get, as stored.
package struct StoredCaps: Sendable, Hashable {
    /// The caps, in the order in which they were given.
    package let caps: [FrequencyCap]
    /// Grows with each change of them or of what else is the supplier's: their etag.
    package let revision: Int64
}

extension TenantStore {
    /// How many messages one person may get.
    package func caps() async throws(StorageError) -> StoredCaps {
        try await storing { () async throws(PostgresError) in
            try (try await run([Query(capping.caps)]))[0].readCaps()
        }
    }

    /// Says how many messages one person may get.
    ///
    /// - Parameters:
    ///   - caps: all that shall hold; none for no bound.
    ///   - expectedRevision: the revision that they must have; throws ``StorageError/Code/revisionMismatch`` if they have not.
    ///   - stamp: who makes the change.
    ///   - now: the time of the change.
    package func putCaps(
        _ caps: [FrequencyCap], expectedRevision: Int64? = nil, stamp: AuditStamp, now: Instant
    ) async throws(StorageError) -> StoredCaps {
        let value: Parameter = caps.isEmpty ? .null : .json(FrequencyCap.json(caps))
        var queries = audited(auditing.caps, [value], stamp: stamp)
        if let expectedRevision { queries.append(Query(capping.assertRevision, [.int8(expectedRevision)])) }
        queries.append(Query(capping.put, [value, .timestamp(now)]))
        return try await storing { () async throws(PostgresError) in
            let results = try await run(queries)
            return try results[results.count - 1].readCaps()
        }
    }
}

extension ResultSet {
    fileprivate func readCaps() throws(PostgresError) -> StoredCaps {
        let found = try readFirst { row throws(PostgresError) in
            StoredCaps(caps: FrequencyCap.list(json: try row.optionalText(0)), revision: try row.int8(1))
        }
        return found ?? StoredCaps(caps: [], revision: 0)
    }
}
