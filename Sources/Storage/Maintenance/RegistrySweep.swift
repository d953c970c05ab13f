package import CarillonNet
package import Domain
package import Postgres

/// Takes what is dead out of the registry's files, after tenants were erased.
///
/// PostgreSQL leaves deleted rows where they are until vacuum, and their octets in the free space of a page behind it. So the
/// tables that hold names, keys and words of tenants are written anew, each under its lock for as long as that takes: some tens of
/// milliseconds for thousands of tenants. What was already written to the log (WAL) and to backups is not touched.
///
/// Rows that some open transaction may still see would be carried along. So a sweep begins ``settling`` after an erasure, looks
/// which transactions are open in the database, whoever's they are, and waits for a moment until these have ended: those that begin
/// later do not see the tenant. Where one goes on, such as an export, an import or a dump, which go on for hours and may hold locks on
/// these very tables, nothing is locked and nothing is written: whoever comes behind a lock that is waited for would wait too. The
/// caller comes again much later (``SweepPace``).
package enum RegistrySweep {
    /// The tables with what is told of tenants in words. The others hold ids, numbers and times.
    static let tables = ["tenant", "api_key", "portal_key", "audit", "service_identity"]
    /// How long a sweep waits behind an erasure. By then the service's units that saw the tenant have ended: one may last for
    /// the 30 seconds of a unit and for one more statement.
    package static let settling = Duration.seconds(60)
    /// How often it is looked whether the transactions have ended that were open, and how long between two looks.
    static let looks = (count: 10, pause: Duration.milliseconds(100))
    /// How long a table's lock is waited for; whoever comes behind waits as long.
    static let lockTimeout = Duration.milliseconds(50)
    /// The pauses between the tries to lock a table.
    static let pauses: [Duration] = [.seconds(1), .seconds(3)]

    /// What a call came to.
    package enum Outcome: Sendable, Hashable {
        /// These tenants were swept; none when none was due.
        case swept([TenantID])
        /// A transaction is open for long, or holds a table: nothing counts as swept.
        case busy
    }

    /// Looks whether any tenant was erased and not swept yet, whether its time has come or not.
    package static func isDue(_ administration: TenantAdministration) async throws(StorageError) -> Bool {
        try await storing { () async throws(PostgresError) in
            try (try await administration.run([Query(SweepStatements.isAnythingLeft)]))[0]
                .readFirst { row throws(PostgresError) in try row.bool(0) } ?? false
        }
    }

    /// Sweeps if tenants wait for it, and forgets those that nothing is waited for any more. On the administration's loop.
    ///
    /// - Parameters:
    ///   - administration: the owner's.
    ///   - configuration: how the owner logs in; the sweep has a session of its own, since vacuum runs in no transaction.
    ///   - loop: the loop.
    ///   - now: the time.
    /// - Returns: the tenants that were swept, or that others were in the way.
    package static func run(
        _ administration: TenantAdministration, _ configuration: PostgresConfiguration, on loop: EventLoop, now: Instant
    ) async throws(StorageError) -> Outcome {
        let settled = Instant(microseconds: now.microseconds - settling.components.seconds * 1_000_000)
        let reserved = Instant(
            microseconds: now.microseconds - TenantAdministration.idReservation.components.seconds * 1_000_000)
        return try await storing { () async throws(PostgresError) in
            let due = try (try await administration.run([Query(SweepStatements.due, [.timestamp(settled)])]))[0].read {
                row throws(PostgresError) in try row.identifier(0, as: TenantID.self)
            }
            if !due.isEmpty {
                guard try await olderOnesEnd(administration) else { return .busy }
                do throws(PostgresError) {
                    try await rewrite(configuration, on: loop, administration.pause)
                } catch {
                    guard error.code == .lockTimeout else { throw error }
                    return .busy
                }
            }
            _ = try await administration.run([
                Query(SweepStatements.swept, [.textArray(due.map(\.rawValue)), .timestamp(settled)]),
                Query(SweepStatements.forget, [.timestamp(reserved)]),
            ])
            return .swept(due)
        }
    }

    /// Whether every transaction that is open in the database now has ended within a moment.
    private static func olderOnesEnd(_ administration: TenantAdministration) async throws(PostgresError) -> Bool {
        func open() async throws(PostgresError) -> Set<String> {
            Set(
                try (try await administration.run([Query(SweepStatements.openTransactions)]))[0].read {
                    row throws(PostgresError) in try row.text(0)
                })
        }
        var older = try await open()
        for _ in 0..<looks.count where !older.isEmpty {
            try await wait(looks.pause, administration.pause)
            older.formIntersection(try await open())
        }
        return older.isEmpty
    }

    private static func wait(_ time: Duration, _ pause: TenantAdministration.Pause) async throws(PostgresError) {
        do { try await pause(time) } catch { throw PostgresError(.cancelled, "cancelled during a sweep") }
    }

    /// Writes all tables anew.
    ///
    /// - Throws: `lockTimeout` when a table is held; those before it are written.
    static func rewrite(
        _ configuration: PostgresConfiguration, on loop: EventLoop, _ pause: TenantAdministration.Pause
    ) async throws(PostgresError) {
        var configuration = configuration
        configuration.applicationName = "carillon sweep"
        configuration.statementTimeout = .zero
        configuration.lockTimeout = lockTimeout
        let session = try await PostgresSession.open(on: loop, configuration: configuration)
        defer { session.close() }
        for table in tables {
            var pauses = pauses.makeIterator()
            while true {
                do throws(PostgresError) {
                    try await session.run(Query(SweepStatements.rewrite(table)))
                    break
                } catch {
                    guard error.code == .lockTimeout, let next = pauses.next() else { throw error }
                    try await wait(next, pause)
                }
            }
        }
    }
}

/// When a sweep is tried again that found others in its way: after minutes, and then twice as late each time.
package struct SweepPace: Sendable {
    /// The first and the longest pause.
    package static let bounds = Duration.seconds(300)...Duration.seconds(3_600)
    private var next = bounds.lowerBound

    /// Nothing was in the way yet.
    package init() {}

    /// The pause behind a call, or nil when the next one may come at any time.
    package mutating func pause(after outcome: RegistrySweep.Outcome) -> Duration? {
        guard outcome == .busy else {
            next = Self.bounds.lowerBound
            return nil
        }
        defer { next = min(next * 2, Self.bounds.upperBound) }
        return next
    }
}

/// The statements of a sweep.
enum SweepStatements {
    /// Whether any tenant was erased and not swept yet.
    static let isAnythingLeft = Statement(
        "SELECT EXISTS (SELECT 1 FROM carillon.erased_tenant e WHERE NOT e.is_swept)", prepared: false)
    /// $1 the latest time of erasure: those that a sweep counts for that begins now. The clocks of program and database may differ
    /// by some seconds.
    static let due = Statement(
        """
        SELECT e.tenant_id
        FROM carillon.erased_tenant e
        WHERE NOT e.is_swept AND e.erased_at <= $1::timestamptz
        ORDER BY e.tenant_id
        """, prepared: false)
    /// The transactions that are open in the database, each by a name that no other gets while the server runs. When those of other
    /// logins began is not for the owner to see; that they are there, and which they are, is. Vacuum's own workers, which have no
    /// user, keep no row alive.
    static let openTransactions = Statement(
        """
        SELECT DISTINCT l.virtualxid
        FROM pg_catalog.pg_locks l
        JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
        WHERE l.locktype = 'virtualxid' AND l.granted AND l.mode = 'ExclusiveLock'
            AND a.datname = pg_catalog.current_database() AND a.usesysid IS NOT NULL
            AND a.pid <> pg_catalog.pg_backend_pid()
        """, prepared: false)
    /// $1 tenants, $2 the latest time of erasure: they are swept.
    static let swept = Statement(
        """
        UPDATE carillon.erased_tenant e
        SET is_swept = true
        WHERE e.tenant_id = ANY ($1::text[]) AND e.erased_at <= $2::timestamptz
        """, prepared: false)
    /// $1 since when ids are reserved: nothing is to be done or waited for with the others.
    static let forget = Statement(
        "DELETE FROM carillon.erased_tenant e WHERE e.is_swept AND e.erased_at <= $1::timestamptz", prepared: false)

    /// Writes a table of the registry anew, without what is dead.
    static func rewrite(_ table: String) -> Statement {
        Statement("VACUUM (FULL) carillon.\(table)", prepared: false)
    }
}
