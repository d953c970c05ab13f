package import CarillonNet
package import Domain
package import Postgres

/// Takes what is dead out of the registry's files, after tenants were erased.
///
/// PostgreSQL leaves deleted rows where they are until vacuum, and their octets in the free space of a page behind it. So the
/// tables that hold names, keys and words of tenants are written anew, each under its lock for as long as that takes: some tens of
/// milliseconds for thousands of tenants. What was already written to the log (WAL) and to backups is not touched.
///
/// Rows that some open transaction may still see would be carried along. So a tenant counts as swept only by a sweep that began
/// ``settling`` after its erasure, with no older transaction of the owner's login, such as an export, still open; transactions of the
/// other logins do not last that long.
package enum RegistrySweep {
    /// The tables with what is told of tenants in words. The others hold ids, numbers and times.
    static let tables = ["tenant", "api_key", "portal_key", "audit", "service_identity"]
    /// How long transactions of the service that saw a tenant may go on behind its erasure; their sessions end them by then.
    package static let settling = Duration.seconds(20)
    /// How often a table is tried while others hold it, half a second apart at most.
    private static let tries = 20

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
    /// - Returns: the tenants that were swept.
    /// - Throws: ``StorageError/Code/aborted`` when a table was not to be had; the next call tries again.
    package static func run(
        _ administration: TenantAdministration, _ configuration: PostgresConfiguration, on loop: EventLoop, now: Instant
    ) async throws(StorageError) -> [TenantID] {
        let settled = Instant(microseconds: now.microseconds - settling.components.seconds * 1_000_000)
        let reserved = Instant(
            microseconds: now.microseconds - TenantAdministration.idReservation.components.seconds * 1_000_000)
        return try await storing { () async throws(PostgresError) in
            let due = try (try await administration.run([Query(SweepStatements.due, [.timestamp(settled)])]))[0].read {
                row throws(PostgresError) in try row.identifier(0, as: TenantID.self)
            }
            if !due.isEmpty { try await rewrite(configuration, on: loop, administration.pause) }
            _ = try await administration.run([
                Query(SweepStatements.swept, [.textArray(due.map(\.rawValue)), .timestamp(settled)]),
                Query(SweepStatements.forget, [.timestamp(reserved)]),
            ])
            return due
        }
    }

    private static func rewrite(
        _ configuration: PostgresConfiguration, on loop: EventLoop, _ pause: TenantAdministration.Pause
    ) async throws(PostgresError) {
        var configuration = configuration
        configuration.applicationName = "carillon sweep"
        configuration.statementTimeout = .zero
        // Whoever comes behind a waiting lock waits too: not for long.
        configuration.lockTimeout = .milliseconds(200)
        let session = try await PostgresSession.open(on: loop, configuration: configuration)
        defer { session.close() }
        for table in tables {
            for attempt in 1...tries {
                do throws(PostgresError) {
                    try await session.run(Query(SweepStatements.rewrite(table)))
                    break
                } catch {
                    guard error.code == .lockTimeout, attempt < tries else { throw error }
                }
                do { try await pause(.milliseconds(500)) } catch {
                    throw PostgresError(.cancelled, "cancelled while waiting for a lock")
                }
            }
        }
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
        WHERE NOT e.is_swept AND e.erased_at <= $1::timestamptz AND NOT EXISTS (
            SELECT 1
            FROM pg_catalog.pg_stat_activity a
            WHERE a.datname = pg_catalog.current_database() AND a.usename = session_user
                AND a.pid <> pg_catalog.pg_backend_pid() AND a.backend_xmin IS NOT NULL
                AND a.xact_start <= e.erased_at + interval '10 seconds'
        )
        ORDER BY e.tenant_id
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
