package import Postgres

extension TenantStore {
    /// The queries that a change begins with.
    ///
    /// The chain's head is the first lock of every change that leaves a line, so that changes of all kinds wait for each
    /// other there and nowhere else.
    ///
    /// - Parameters:
    ///   - line: which line, of ``AuditStatements``.
    ///   - parameters: its parameters from $4.
    ///   - stamp: who makes the change.
    func audited(_ line: Statement, _ parameters: [Parameter], stamp: AuditStamp) -> [Query] {
        [
            Query(auditing.lock),
            Query(line, [.uuid(stamp.id), .text(stamp.actor), .text(stamp.origin)] + parameters),
            Query(auditing.advance),
        ]
    }

    /// The tenant's audit, newest first.
    ///
    /// - Parameters:
    ///   - after: the last line of the page before.
    ///   - size: the most lines that are returned.
    package func audit(
        after: UUIDBytes? = nil, size: Int
    ) async throws(StorageError) -> Page<AuditEntry, UUIDBytes> {
        try await storing { () async throws(PostgresError) in
            let before = after ?? UUIDBytes(high: .max, low: .max)
            let results = try await run([Query(auditing.page, [.uuid(before), .int8(Int64(size) + 1)])])
            return Page(overread: try results[0].read(AuditEntry.init(row:)), size: size) { $0.id }
        }
    }
}
