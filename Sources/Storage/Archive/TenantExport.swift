package import Domain
internal import Postgres

/// Reads a tenant out, part by part, as it was at one moment; it is served on meanwhile.
///
/// Nothing is read ahead: between two parts the database waits for the reader. The transaction that holds the moment is open
/// for as long, so whoever reads must have a deadline (`PostgresSession.deadline`).
///
/// Confined to the sessions' loop, and safe as `@unchecked Sendable` for that reason; parts are asked for by one task.
package final class TenantExport: @unchecked Sendable {
    /// The most octets of rows that a part gathers; a longer row is cut.
    package static let pieceLength = 256 * 1024

    private let sessions: OwnerSessions
    private let record: TenantRecord
    private let wrappedDataKey: [UInt8]
    private let now: Instant
    private let program: String
    private var isBegun = false
    private var tables = ArchivedTable.all[...]
    private var current: (table: ArchivedTable, digest: RowsDigest)?
    private var pieces: [[UInt8]] = []
    private var digest = ArchiveDigest()
    private var isOver = false

    /// An export that was not begun.
    ///
    /// - Parameters:
    ///   - record: the tenant, as the registry knows it. Its schema must have the version of this program.
    ///   - wrappedDataKey: the tenant's data key wrapped with the transfer key; empty to leave out what it sealed.
    ///   - sessions: the owner's; closed by the caller.
    ///   - program: the name and version of this program.
    ///   - now: the time.
    package init(
        _ record: TenantRecord, wrappedDataKey: [UInt8], sessions: OwnerSessions, program: String, now: Instant
    ) {
        self.record = record
        self.wrappedDataKey = wrappedDataKey
        self.sessions = sessions
        self.program = program
        self.now = now
    }

    /// Notes in the registry's audit that a tenant is being exported, in a transaction of its own before the export's: what
    /// leaves is known even if nobody hears of the end.
    package static func note(
        _ tenant: TenantID, withSecrets: Bool, sessions: OwnerSessions, stamp: AuditStamp
    ) async throws(StorageError) {
        var after = JSONWriter()
        after.object {
            $0.key("with_secrets")
            $0.bool(withSecrets)
        }
        let line = RegistryAudit.queries(
            chain: tenant, stamp: stamp, action: "tenant.export", object: "tenant/\(tenant)", before: nil,
            after: after.text)
        try await storing { () async throws(PostgresError) in
            try await sessions.registry.begin()
            for query in line { try await sessions.registry.run(query) }
            try await sessions.registry.commit()
        }
    }

    /// The next part; nil behind the trailer.
    ///
    /// - Throws: ``StorageError/Code/archiveRefused`` when the tenant's schema is not of this program's version.
    package func next() async throws(StorageError) -> ArchivePart? {
        guard record.schemaVersion == TenantSchema.version else {
            throw .refused(
                "the tenant's schema has version \(record.schemaVersion), not \(TenantSchema.version): migrate it")
        }
        let part = try await storing { () async throws(PostgresError) in try await read() }
        if let part { digest.add(part) }
        return part
    }

    private func read() async throws(PostgresError) -> ArchivePart? {
        guard isBegun else {
            isBegun = true
            return try await begin()
        }
        if let piece = pieces.popLast() { return .rows(piece) }
        guard let (table, _) = current else { return try await beginTable() }
        guard let rows = try await sessions.session(for: table).copiedRows(limit: Self.pieceLength / 2) else {
            defer { current = nil }
            return current.map { .tableEnd($0.digest.count) }
        }
        current?.digest.add(rows.octets)
        guard rows.octets.count > Self.pieceLength else { return .rows(rows.octets) }
        // Taken from the end.
        pieces = stride(from: 0, to: rows.octets.count, by: Self.pieceLength).reversed().map { start in
            Array(rows.octets[start..<min(start + Self.pieceLength, rows.octets.count)])
        }
        return pieces.popLast().map { .rows($0) }
    }

    private func begin() async throws(PostgresError) -> ArchivePart {
        for session in sessions.all { try await session.begin(.snapshot) }
        let schema = SchemaName(record.id)
        let names = try await sessions.tenant.run(
            Query(
                ArchiveStatements.months, [.text(schema.text), .textArray(TenantSchema.history.map(\.table))]))
        let months = try names.read { row throws(PostgresError) in try row.text(0) }
        let secrets = try await sessions.tenant.run(Query(ArchiveStatements.providersWithSecret(schema)))
        return .header(
            ArchiveHeader(
                tenant: record.id, displayName: record.displayName, schemaVersion: record.schemaVersion,
                createdAt: now, program: program, wasSuspended: record.state == .suspended,
                months: months.compactMap { Month(partition: $0) }, wrappedDataKey: wrappedDataKey,
                providersWithSecret: try secrets.read { row throws(PostgresError) in try row.text(0) }))
    }

    private func beginTable() async throws(PostgresError) -> ArchivePart? {
        guard let table = tables.popFirst() else {
            guard !isOver else { return nil }
            isOver = true
            for session in sessions.all { try await session.commit() }
            return .trailer(digest: digest.octets)
        }
        let statement = ArchiveStatements.copyOut(table, of: record.id, withSecrets: !wrappedDataKey.isEmpty)
        try await sessions.session(for: table).beginCopyOut(statement)
        current = (table, RowsDigest())
        return .table(ArchiveTable(name: table.name, columns: table.columns))
    }
}

extension Month {
    /// The month that a partition is named by, `YYYYMM`; nil for other text.
    package init?(partition text: String) {
        guard text.utf8.count == 6, text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let year = Int(text.prefix(4)), let month = Int(text.suffix(2))
        else { return nil }
        self.init(year: year, month: month)
    }
}
