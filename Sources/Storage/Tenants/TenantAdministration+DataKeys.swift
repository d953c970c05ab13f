package import Domain
internal import Postgres

/// A tenant's data key as the registry keeps it: wrapped by a key that the database does not know.
package struct WrappedDataKey: Sendable, Hashable {
    /// Whose key.
    package let tenant: TenantID
    /// The key, sealed by the caller.
    package let octets: [UInt8]

    /// Names a wrapped key.
    package init(tenant: TenantID, octets: [UInt8]) {
        self.tenant = tenant
        self.octets = octets
    }
}

extension TenantAdministration {
    /// The wrapped data keys of all tenants, whatever their state, in the order of their ids.
    ///
    /// - Parameters:
    ///   - after: the last tenant of the page before.
    ///   - size: the most keys that are returned.
    package func dataKeys(after: TenantID?, size: Int) async throws(StorageError) -> [WrappedDataKey] {
        try await storing { () async throws(PostgresError) in
            let query = Query(DataKeyStatements.page, [.text(after?.rawValue ?? ""), .int8(Int64(size))])
            return try (try await run([query]))[0].read { row throws(PostgresError) in
                WrappedDataKey(tenant: try row.identifier(0), octets: try row.bytes(1))
            }
        }
    }

    /// Stores data keys that were wrapped anew, in one transaction. A key that is not any more as it was read stays as it is:
    /// somebody else has wrapped it meanwhile.
    ///
    /// - Parameter keys: each as it was read and as it shall be, in the order of the tenants' ids, so that two that do this at
    ///   the same time do not lock each other out.
    /// - Returns: how many were stored.
    package func replaceDataKeys(
        _ keys: [(read: WrappedDataKey, wrapped: [UInt8])]
    ) async throws(StorageError) -> Int {
        guard !keys.isEmpty else { return 0 }
        return try await storing { () async throws(PostgresError) in
            try await persistently { () async throws(PostgresError) in
                let results = try await run(
                    [Query(AdministrationStatements.shortLockTimeout)]
                        + keys.map { key in
                            Query(
                                DataKeyStatements.replace,
                                [.text(key.read.tenant), .bytes(key.read.octets), .bytes(key.wrapped)])
                        })
                return results.dropFirst().count { $0.first != nil }
            }
        }
    }

    /// How many data keys each key-encryption key wrapped, by the 8 octets that name it.
    package func dataKeysByWrapper() async throws(StorageError) -> [[UInt8]: Int] {
        try await storing { () async throws(PostgresError) in
            let rows = try (try await run([Query(DataKeyStatements.countByWrapper)]))[0].read {
                row throws(PostgresError) in (try row.bytes(0), Int(try row.int8(1)))
            }
            return Dictionary(rows) { $0 + $1 }
        }
    }
}
