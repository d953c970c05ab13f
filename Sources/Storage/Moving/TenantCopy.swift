internal import CarillonNet
internal import Domain
internal import Postgres

/// The copy of a tenant's schema in another database, which is brought up to its original again and again, as often as need be.
///
/// Both sides count and digest their rows by buckets (``TableCut``); buckets that differ are removed from the copy and copied
/// whole. So it does not matter what was changed meanwhile, by whom, or whether an earlier run was broken off: what differs is
/// found. Rows go from one session to the other in pieces, and each side waits for the other.
///
/// Until it is finished, the copy has no foreign keys, so that buckets can be replaced in any order, and the tenant's role is
/// shut out of it: a process that believes the tenant to be there finds nothing.
///
/// Confined to the sessions' loop, and safe as `@unchecked Sendable` for that reason.
final class TenantCopy: @unchecked Sendable {
    /// Octets that are read before they are written.
    private static let piece = 256 * 1024

    private let tenant: TenantID
    private let schema: SchemaName
    private let source: PostgresSession
    private let target: PostgresSession
    /// What tells the copy from all else that may have its name (``TenantMoveRecord/mark``).
    private let mark: String
    /// From there on rows may still be added to what nobody changes (``isAppendOnly(_:)``).
    let recent: UUIDv7
    /// Told of rows as they are copied; what it throws ends the copy.
    private let copied: (Int) throws(PostgresError) -> Void
    private var appendOnly: [ArchivedTable: Bool] = [:]

    init(
        of move: TenantMoveRecord, from source: PostgresSession, to target: PostgresSession, recent: UUIDv7,
        copied: @escaping (Int) throws(PostgresError) -> Void
    ) {
        tenant = move.tenant
        schema = SchemaName(tenant)
        mark = move.mark
        self.source = source
        self.target = target
        self.recent = recent
        self.copied = copied
    }

    // MARK: The schema

    /// Makes role and schema if they are not there, and takes away what a finished copy has. In a transaction at the target that is
    /// left open.
    ///
    /// - Throws: also when the schema that is there is not this move's copy.
    func prepare(now: Instant) async throws(PostgresError) {
        try await target.begin()
        switch try await target.mark(of: schema) {
        case nil:
            let statements =
                TenantSchema.creation(schema, now: now) + ArchiveStatements.clear(tenant)
                + [CopyStatements.mark(schema, mark)]
            for statement in statements { try await target.run(Query(statement)) }
        case mark: try await guardCopy()
        default: throw notOurs
        }
        try await target.run(Query(CopyStatements.shut(schema)))
        for key in try await foreignKeys(target) { try await target.run(Query(key.removal(in: schema))) }
        try await levelMonths()
    }

    /// Begins a transaction at the target that changes the copy.
    ///
    /// - Throws: also when the schema that is there is not this move's copy, or not any more: a run that has overtaken this one has
    ///   opened it.
    func begin() async throws(PostgresError) {
        try await target.begin()
        try await guardCopy()
    }

    /// Whoever opens the copy waits for the end of the transaction from here on, and takes the mark away.
    private func guardCopy() async throws(PostgresError) {
        try await target.run(Query(CopyStatements.guardCopy(schema)))
        guard try await target.mark(of: schema) == mark else { throw notOurs }
    }

    private var notOurs: PostgresError {
        PostgresError(.other, "the schema \(schema) at the target is not the copy of this move")
    }

    /// Gives the copy what it was made without. In the transaction that is open at the target.
    func finish() async throws(PostgresError) {
        for key in try await foreignKeys(source) { try await target.run(Query(key.addition(in: schema))) }
    }

    /// Does what ``finish()`` does and takes it back.
    ///
    /// - Returns: how long that took.
    func rehearseFinish() async throws(PostgresError) -> Duration {
        let began = source.loop.now
        for key in try await foreignKeys(source) {
            try await begin()
            do throws(PostgresError) {
                try await target.run(Query(key.addition(in: schema)))
            } catch {
                // Tables that were copied one after the other while others wrote need not fit yet.
                guard error.code == .foreignKey else { throw error }
            }
            try await target.rollback()
        }
        return began.duration(to: source.loop.now)
    }

    /// Gives the copy the months that the original has, and no others.
    func levelMonths() async throws(PostgresError) {
        let wanted = try await months(source)
        let there = try await months(target)
        for name in there.subtracting(wanted).sorted() {
            for statement in CopyStatements.dropMonth(name, of: schema) { try await target.run(Query(statement)) }
        }
        for name in wanted.subtracting(there).sorted() {
            guard let month = Month(partition: name) else { continue }
            for statement in TenantSchema.partitions(schema, month) { try await target.run(Query(statement)) }
        }
    }

    private func months(_ session: PostgresSession) async throws(PostgresError) -> Set<String> {
        let query = Query(
            ArchiveStatements.months, [.text(schema.text), .textArray(TenantSchema.history.map(\.table))])
        return Set(try await session.run(query).read { row throws(PostgresError) in try row.text(0) })
    }

    private func foreignKeys(_ session: PostgresSession) async throws(PostgresError) -> [ForeignKey] {
        try await session.run(Query(CopyStatements.foreignKeys, [.text(schema.text)])).read(ForeignKey.init(row:))
    }

    /// About how many rows there are to copy.
    func estimate() async throws(PostgresError) -> Int64 {
        let found = try await source.run(Query(CopyStatements.estimate, [.text(schema.text)]))
        return try found.readFirst { row throws(PostgresError) in try row.int8(0) } ?? 0
    }

    /// Lets the planner know what was copied.
    func analyze() async throws(PostgresError) {
        for table in ArchivedTable.tenant { try await target.run(Query(CopyStatements.analyze(table, of: schema))) }
    }

    // MARK: The rows

    /// What a pass over all tables came to.
    struct Pass: Sendable {
        /// How many rows were copied.
        var rows: Int64 = 0
        /// Whether what nobody can change was the same already, but for its recent part.
        var isSettled = true
        /// How long it took over what is done again while the tenant is held: comparing what can change, and copying.
        var repeated: Duration = .zero
    }

    /// Brings the copy up to the original, table by table, each in a transaction of its own, while others go on writing.
    func level() async throws(PostgresError) -> Pass {
        var pass = Pass()
        for table in ArchivedTable.tenant {
            let isFixed = try await isAppendOnly(table)
            var began = source.loop.now
            let difference = try await compare(table, where: nil)
            if isFixed { began = source.loop.now }
            if !difference.isEmpty {
                if isFixed, !difference.buckets.allSatisfy(TableCut.isRecent) { pass.isSettled = false }
                try await begin()
                pass.rows += try await replace(difference, of: table)
                try await target.commit()
            }
            pass.repeated += began.duration(to: source.loop.now)
        }
        return pass
    }

    /// Brings the copy up to the original, which nobody changes meanwhile, and makes sure that both have the same rows. In the
    /// transaction that is open at the target.
    ///
    /// Of what nobody can change only the recent part is compared again: the rest was the same before (``level()``).
    ///
    /// - Returns: how many rows were copied.
    /// - Throws: ``mismatch`` when a table differs after it was copied.
    func levelForGood() async throws(PostgresError) -> Int64 {
        try await levelMonths()
        var rows: Int64 = 0
        for table in ArchivedTable.tenant {
            let part = try await isAppendOnly(table) ? TableCut(table).recentOnly(recent) : nil
            let difference = try await compare(table, where: part)
            guard !difference.isEmpty else { continue }
            rows += try await replace(difference, of: table)
            let condition = TableCut(table).condition(difference.buckets, recent: recent)
            guard try await compare(table, where: condition).isEmpty else { throw Self.mismatch(table) }
        }
        return rows
    }

    /// A table whose copy is not the same.
    private static func mismatch(_ table: ArchivedTable) -> PostgresError {
        PostgresError(.other, "the checksums of the table \(table.name) differ after it was copied")
    }

    /// Whether what a table has of days ago stays as it is: the tenant's role can only read rows and add them, and none comes with
    /// an old id. An attempt, which has the id of its notification, can be at an old one. The owner drops whole months.
    private func isAppendOnly(_ table: ArchivedTable) async throws(PostgresError) -> Bool {
        guard table.comesInOrder else { return false }
        if let known = appendOnly[table] { return known }
        let query = Query(CopyStatements.mayChange, [.text(schema.text), .text("\(schema).\(table.name)")])
        let mayChange = try await source.run(query).readFirst { row throws(PostgresError) in try row.bool(0) }
        appendOnly[table] = mayChange == false
        return mayChange == false
    }

    /// Compares both sides, which count at the same time.
    private func compare(
        _ table: ArchivedTable, where condition: String?
    ) async throws(PostgresError) -> BucketDigests.Difference {
        let query = Query(CopyStatements.digests(table, of: schema, recent: recent, where: condition))
        let counted = await withTaskGroup(of: (Bool, Result<BucketDigests, PostgresError>).self) { group in
            for (isSource, session) in [(true, source), (false, target)] {
                group.addTask {
                    do throws(PostgresError) {
                        return (isSource, .success(try BucketDigests(try await session.run(query))))
                    } catch {
                        return (isSource, .failure(error))
                    }
                }
            }
            var results: [Bool: Result<BucketDigests, PostgresError>] = [:]
            for await (isSource, result) in group { results[isSource] = result }
            return results
        }
        guard let original = try counted[true]?.get(), let copy = try counted[false]?.get() else {
            throw PostgresError(.other, "a table was not counted")
        }
        return original.difference(from: copy)
    }

    private func replace(
        _ difference: BucketDigests.Difference, of table: ArchivedTable
    ) async throws(PostgresError) -> Int64 {
        let condition =
            difference.isEverything ? nil : TableCut(table).condition(difference.buckets, recent: recent)
        if difference.isOverwriting, let condition {
            try await target.run(Query(CopyStatements.clear(table, of: schema, where: condition)))
        }
        try await source.beginCopyOut(CopyStatements.copyOut(table, of: schema, where: condition))
        try await target.beginCopyIn(ArchiveStatements.copyIn(table, of: tenant))
        while let rows = try await source.copiedRows(limit: Self.piece) {
            try await target.copy(rows.octets)
            try copied(rows.count)
        }
        return Int64(try await target.endCopyIn())
    }
}

extension PostgresSession {
    /// The mark of a schema (``CopyStatements/markOf``); nil if there is no such schema.
    func mark(of schema: SchemaName) async throws(PostgresError) -> String? {
        try await run(Query(CopyStatements.markOf, [.text(schema.text)])).readFirst { row throws(PostgresError) in
            try row.text(0)
        }
    }
}
