package import Domain
internal import Postgres

/// One line of a tenant's audit.
package struct AuditEntry: Sendable, Hashable {
    /// The line's id, which carries the time.
    package let id: UUIDv7
    /// Who made the change.
    package let actor: String
    /// What was done, such as `provider.put`.
    package let action: String
    /// To what, such as `provider/main`.
    package let object: String
    /// What was there before, as JSON; nil when there was nothing.
    package let before: String?
    /// What was asked for, as JSON. Secrets are never in it.
    package let after: String?
}

extension TenantStore {
    /// The tenant's audit, newest first.
    ///
    /// - Parameters:
    ///   - after: the last line of the page before.
    ///   - size: the most lines that are returned.
    package func audit(after: UUIDv7? = nil, size: Int) async throws(StorageError) -> Page<AuditEntry, UUIDv7> {
        try await storing { () async throws(PostgresError) in
            let before = after.map { UUIDBytes($0) } ?? UUIDBytes(high: .max, low: .max)
            let results = try await run([Query(auditing.page, [.uuid(before), .int8(Int64(size) + 1)])])
            let rows = try results[0].read { row throws(PostgresError) in
                AuditEntry(
                    id: try row.uuidv7(0), actor: try row.text(1), action: try row.text(2), object: try row.text(3),
                    before: try row.optionalText(4), after: try row.optionalText(5))
            }
            return Page(overread: rows, size: size) { $0.id }
        }
    }
}
