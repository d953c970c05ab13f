package import Domain
internal import Postgres

/// Writes a tenant in from the parts of an archive: all of it, or nothing. It is suspended until somebody resumes it.
///
/// ```
/// new ─header─▶ between tables ⇄ in a table ─trailer─▶ whole ─commit─▶ over
/// ```
/// Nothing of it stays before ``commit()``, which whoever gives the parts calls when there are no more of them.
///
/// The tenant's line in the registry is written first and committed last. Until then nobody sees it, and nobody else can make
/// a tenant of the id. When its schema lies in another database than the registry, that is committed right before; what is
/// left there if the registry's commit fails is a schema that no line names, which the next import of the id removes.
///
/// Confined to the sessions' loop, and safe as `@unchecked Sendable` for that reason; parts are given by one task.
package final class TenantImport: @unchecked Sendable {
    /// Months of history that an archive may have.
    static let monthLimit = 1_200

    private enum State {
        case new
        case betweenTables
        case inTable(ArchivedTable, RowsDigest, RowCompletion?)
        case whole
        case over

        /// Whether parts are being taken.
        var isBegun: Bool {
            switch self {
            case .new, .whole, .over: false
            case .betweenTables, .inTable: true
            }
        }
    }

    private let sessions: OwnerSessions
    private let database: DatabaseName
    private let stamp: AuditStamp
    private let now: Instant
    private var state = State.new
    private var header: ArchiveHeader?
    private var text = CopyTextGuard()
    private var suffixes: [String: String] = [:]
    private var tables = ArchivedTable.all[...]
    private var digest = ArchiveDigest()
    /// The rows of each table so far, in the order of the archive.
    package private(set) var rows: [(table: String, count: Int64)] = []

    /// An import that was not begun.
    ///
    /// - Parameters:
    ///   - database: where the tenant shall be; the sessions' tenant side is with it.
    ///   - sessions: the owner's; closed by the caller.
    ///   - stamp: who imports.
    ///   - now: the time.
    package init(into database: DatabaseName, sessions: OwnerSessions, stamp: AuditStamp, now: Instant) {
        self.database = database
        self.sessions = sessions
        self.stamp = stamp
        self.now = now
    }

    /// Refuses an archive that this program cannot read.
    ///
    /// - Throws: ``StorageError/Code/archiveRefused``.
    package static func check(_ header: ArchiveHeader) throws(StorageError) {
        guard header.format == ArchiveHeader.currentFormat else {
            throw .refused(
                "the archive has form \(header.format); this program reads form \(ArchiveHeader.currentFormat)")
        }
        guard header.schemaVersion <= TenantSchema.version else {
            throw .refused(
                "the archive has schema version \(header.schemaVersion), this installation \(TenantSchema.version): "
                    + "bring the installation to the archive's version first")
        }
        guard header.schemaVersion == TenantSchema.version else {
            throw .refused(
                "the archive has schema version \(header.schemaVersion), this installation \(TenantSchema.version): "
                    + "migrate the tenant where it is and export it again")
        }
        guard header.months.count <= monthLimit else { throw .refused("the archive has too many months") }
    }

    /// Takes the header: makes the tenant's role, schema and months.
    ///
    /// - Parameter wrappedDataKey: the tenant's data key as this installation wraps it.
    /// - Throws: ``StorageError/Code/alreadyExists`` if there is a tenant of the id.
    package func begin(_ header: ArchiveHeader, wrappedDataKey: [UInt8]) async throws(StorageError) {
        guard case .new = state else { throw .refused("the archive has two headers") }
        try Self.check(header)
        self.header = header
        digest.add(.header(header))
        let last = (TenantSchema.firstMonths(now: now) + header.months).max() ?? Month(containing: now)
        let tenant = header.tenant.rawValue
        let key = wrappedDataKey.map { octet in
            String(octet >> 4, radix: 16) + String(octet & 15, radix: 16)
        }
        suffixes = [
            "tenant_id": tenant, "chain": tenant, "state": TenantState.suspended.rawValue,
            "wrapped_data_key": "\\\\x" + key.joined(), "schema_version": String(header.schemaVersion),
            "months_through": last.firstDay,
            // Greater than any that a tenant of this id has had here: who remembers that one must not take this for older.
            "revision": String(now.microseconds), "database": database.rawValue,
        ]
        try await storing { () async throws(PostgresError) in
            for session in sessions.all { try await session.begin() }
        }
        state = .betweenTables
    }

    /// Makes the schema. Called when the registry's line is written, so that of two imports one waits before it makes anything.
    private func makeSchema(_ header: ArchiveHeader) async throws(PostgresError) {
        let schema = SchemaName(header.tenant)
        let session = sessions.tenant
        // In the registry's own database line and schema are committed together: what is there is somebody's.
        if database != .main { try await session.makeRoom(for: schema) }
        let months = Set(header.months).union(TenantSchema.firstMonths(now: now)).sorted()
        let statements =
            TenantSchema.creation(schema, now: now) + months.flatMap { TenantSchema.partitions(schema, $0) }
            + ArchiveStatements.clear(header.tenant)
        for statement in statements { try await session.run(Query(statement)) }
    }

    /// Takes a part behind the header.
    ///
    /// - Throws: ``StorageError/Code/archiveRefused`` when it does not fit, or what it says is not what was read.
    package func take(_ part: ArchivePart) async throws(StorageError) {
        switch (part, state) {
        case (.table(let table), .betweenTables): try await begin(table)
        case (.rows(let octets), .inTable(let table, var digest, let completion)):
            guard text.admits(octets) else { throw .refused("the rows of \(table.name) are not in COPY's text form") }
            digest.add(octets)
            state = .inTable(table, digest, completion)
            let session = sessions.session(for: table)
            try await storingRows { () async throws(PostgresError) in
                try await session.copy(completion?.complete(octets) ?? octets)
            }
        case (.tableEnd(let count), .inTable(let table, let digest, _)):
            let session = sessions.session(for: table)
            let stored = try await storingRows { () async throws(PostgresError) in try await session.endCopyIn() }
            guard count == digest.count, count.rows == Int64(stored) else {
                throw .refused("the rows of \(table.name) are not those that were exported")
            }
            rows.append((table.name, count.rows))
            state = .betweenTables
            if table == ArchivedTable.registry.first { try await beginTenant(count) }
        case (.trailer(let octets), .betweenTables): try end(octets)
        default: throw .refused("the parts of the archive are not in their order")
        }
        if state.isBegun { digest.add(part) }
    }

    private func storingRows<Result>(
        _ body: () async throws(PostgresError) -> Result
    ) async throws(StorageError) -> Result {
        do throws(StorageError) {
            return try await storing(body)
        } catch {
            guard error.code == .monthMissing else { throw error }
            throw .refused("the archive has rows of a month that its header does not name")
        }
    }

    private func begin(_ table: ArchiveTable) async throws(StorageError) {
        guard let header, let expected = tables.popFirst(), expected.name == table.name else {
            throw .refused("the tables of the archive are not in their order")
        }
        guard expected.columns == table.columns else {
            throw .refused("the columns of \(expected.name) are not those of this program")
        }
        let values = expected.completed.map { suffixes[$0] ?? "" }
        let session = sessions.session(for: expected)
        try await storing { () async throws(PostgresError) in
            try await session.beginCopyIn(ArchiveStatements.copyIn(expected, of: header.tenant))
        }
        text = CopyTextGuard()
        state = .inTable(expected, RowsDigest(), values.isEmpty ? nil : RowCompletion(values))
    }

    /// The tenant's line is written: it is ours.
    private func beginTenant(_ count: ArchiveCount) async throws(StorageError) {
        guard count.rows == 1, let header else { throw .refused("the archive has no line of the tenant") }
        do throws(PostgresError) {
            try await sessions.registry.run(TenantAdministration.notReserved(header.tenant, now: now))
        } catch {
            throw StorageError(making: error)
        }
        try await storing { () async throws(PostgresError) in try await makeSchema(header) }
    }

    private func end(_ octets: [UInt8]) throws(StorageError) {
        guard tables.isEmpty else { throw .refused("the archive is not complete") }
        guard octets == digest.octets else { throw .refused("the archive was changed after it was written") }
        state = .whole
    }

    /// The tenant as it shall be, when the trailer was taken.
    ///
    /// - Throws: ``StorageError/Code/archiveRefused`` for one that no program can read.
    package func tenant() async throws(StorageError) -> TenantRecord {
        let header = try wholeHeader()
        do throws(PostgresError) {
            let found = try await sessions.registry.run(Query(RegistryStatements.tenant, [.text(header.tenant)]))
            guard let record = try found.readFirst(TenantRecord.init(row:)) else { throw .corrupt(0) }
            return record
        } catch {
            guard error.code == .decoding else { throw StorageError(error) }
            throw .refused("the line of the tenant holds what this program cannot read")
        }
    }

    /// Lets it be.
    package func commit() async throws(StorageError) {
        let header = try wholeHeader()
        let line = RegistryAudit.queries(
            chain: header.tenant, stamp: stamp, action: "tenant.import", object: "tenant/\(header.tenant)",
            before: nil, after: header.audited)
        try await storing { () async throws(PostgresError) in
            for query in line { try await sessions.registry.run(query) }
            try await sessions.registry.run(RegistryStore.credentialsChanged(header.tenant, now: now))
            // The registry's line last: what it names is there.
            for session in sessions.all.reversed() { try await session.commit() }
        }
        state = .over
    }

    private func wholeHeader() throws(StorageError) -> ArchiveHeader {
        guard case .whole = state, let header else { throw .refused("the archive is not complete") }
        return header
    }

    /// Whether everything is committed.
    package var isOver: Bool { if case .over = state { true } else { false } }
}

/// Appends columns to rows in COPY's text form. What an archive says can so never decide whose a row of the registry is.
struct RowCompletion: Sendable {
    private let suffix: [UInt8]

    /// - Parameter values: in COPY's text form.
    init(_ values: [String]) {
        suffix = Array(values.map { "\t" + $0 }.joined().utf8)
    }

    /// Puts the columns before each line feed, which ends a row.
    func complete(_ octets: [UInt8]) -> [UInt8] {
        var completed: [UInt8] = []
        completed.reserveCapacity(octets.count + suffix.count)
        for octet in octets {
            if octet == UInt8(ascii: "\n") { completed += suffix }
            completed.append(octet)
        }
        return completed
    }
}

extension ArchiveHeader {
    /// What the audit says of an import, as JSON.
    var audited: String {
        var writer = JSONWriter()
        writer.object {
            $0.key("archive_created_at_microseconds")
            $0.integer(createdAt.microseconds)
            $0.key("program")
            $0.string(program)
            $0.key("schema_version")
            $0.integer(Int64(schemaVersion))
        }
        return writer.text
    }
}

extension StorageError {
    /// An archive that is not taken, and why.
    static func refused(_ why: String) -> StorageError { StorageError(.archiveRefused, why) }
}
