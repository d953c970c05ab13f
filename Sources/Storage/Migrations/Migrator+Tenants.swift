package import Domain
internal import Postgres

extension Migrator {
    /// Brings all tenants to the current version, several at a time, suspended ones too; those that are being erased are
    /// let be. A tenant that takes long holds up no other, and one that fails does not end the run.
    ///
    /// - Parameter now: the time of migration.
    /// - Returns: what became of them. Only what happens before the first tenant is thrown.
    package func migrateTenants(now: Instant) async throws(StorageError) -> MigrationReport {
        let stored = try await versions()
        do throws(RetryFailure) {
            try await open(stored.tenant, now: now)
            return try await migrateAllBehind()
        } catch .stopped {
            var report = MigrationReport()
            report.isStopped = true
            return report
        } catch {
            throw error.storageError
        }
    }

    /// Brings tenants to the current version that were left behind it, after ``migrateTenants(now:)`` has opened it. Asks
    /// one small question if there are none.
    ///
    /// - Throws: ``StorageError/Code/notReady`` if the version is not open, or a newer program has migrated the database.
    package func migrateStragglers() async throws(StorageError) -> MigrationReport {
        let stored = try await versions()
        if let problem = tenantHistory.problem(stored.tenant) { throw StorageError(.notReady, problem) }
        do throws(RetryFailure) {
            return try await migrateAllBehind()
        } catch {
            throw error.storageError
        }
    }

    private func migrateAllBehind() async throws(RetryFailure) -> MigrationReport {
        let target = tenantHistory.version
        var report = MigrationReport()
        report.total = try await countBehind(target)
        tell(report)
        guard report.total > 0 else { return report }
        await withTaskGroup(of: (TenantID, TenantMigrationOutcome).self) { group in
            var cursor = TenantCursor(behind: target)
            var running = 0
            while true {
                while running < options.parallel, let next = await advance(&cursor, &report) {
                    running += 1
                    group.addTask { (next.tenant, await self.migrate(next)) }
                }
                guard let (tenant, outcome) = await group.next() else { return }
                running -= 1
                report.note(outcome, of: tenant)
                if case .failed(let error) = outcome { options.onEvent(.failed(tenant, error)) }
                tell(report)
            }
        }
        return report
    }

    private func tell(_ report: MigrationReport) {
        // More may have been made meanwhile by programs of the version before.
        let total = max(report.total, report.done)
        options.onEvent(.progress(ProgressCount(done: report.done, failed: report.failed, total: total)))
    }

    /// Says which versions tenants may have from now on.
    private func open(_ stored: StoredVersion?, now: Instant) async throws(RetryFailure) {
        let target = tenantHistory.version
        _ = try await patiently { () async throws(PostgresError) in
            try await run([recording(target, of: tenantHistory, now: now)])
        }
        try await announce(tenantHistory.servesFrom(at: target), of: tenantHistory, stored: stored)
    }

    private func countBehind(_ version: Int32) async throws(RetryFailure) -> Int {
        try await patiently { () async throws(PostgresError) in
            let results = try await run([Query(MigrationStatements.countBehind, [.int4(version)])])
            return Int(try results[0].readFirst { row throws(PostgresError) in try row.int8(0) } ?? 0)
        }
    }

    /// The next tenant; nil after the last, and when the run is to end.
    private func advance(_ cursor: inout TenantCursor, _ report: inout MigrationReport) async -> TenantBehind? {
        guard report.brokenOff == nil, !report.isStopped else { return nil }
        do throws(RetryFailure) {
            return try await patiently { () async throws(PostgresError) in
                try await cursor.next { query async throws(PostgresError) in try await run([query])[0] }
            }
        } catch .stopped {
            report.isStopped = true
        } catch {
            report.brokenOff = error.storageError
        }
        return nil
    }

    // MARK: One tenant

    private func migrate(_ behind: TenantBehind) async -> TenantMigrationOutcome {
        var behind = behind
        var hasMigrated = false
        do throws(RetryFailure) {
            while let migration = tenantHistory.migrations(after: behind.version).first {
                if try await carryOut(migration, on: behind) {
                    hasMigrated = true
                    behind = TenantBehind(
                        tenant: behind.tenant, version: migration.version, database: behind.database)
                } else {
                    guard let current = try await current(behind.tenant), current != behind else { return .passedOver }
                    behind = current
                }
            }
            return hasMigrated ? .migrated : .passedOver
        } catch .stopped {
            return .stopped
        } catch .away(let error) {
            return .away(StorageError(error))
        } catch {
            return .failed(error.storageError)
        }
    }

    /// - Returns: false if the tenant is not where it was any more.
    private func carryOut(
        _ migration: Migration, on behind: TenantBehind
    ) async throws(RetryFailure) -> Bool {
        let tenant = behind.tenant
        guard let pool = pool(of: behind.database) else {
            throw .refused(PostgresError(.other, "the database \(behind.database) is not known here"))
        }
        let hold = [
            Query(AdministrationStatements.lockTenant, [.text(tenant)]),
            Query(MigrationStatements.assertVersion, [.text(tenant), .int4(behind.version)]),
            Query(MigrationStatements.assertUnmoved, [.text(tenant)]),
        ]
        let record = [Query(MigrationStatements.recordTenantVersion, [.text(tenant), .int4(migration.version)])]
        let values = ["schema": SchemaName(tenant).text]
        do throws(RetryFailure) {
            if pool === registry {
                try await carryOut(migration.script.steps, script: values, record: record) {
                    queries async throws(PostgresError) in
                    try await self.transact(hold + queries, on: pool)
                }
            } else {
                // Two databases have no transaction in common: what was done and not recorded is done again.
                _ = try await patiently { () async throws(PostgresError) in try await transact(hold, on: registry) }
                try await carryOut(migration.script.steps, script: values, record: []) {
                    queries async throws(PostgresError) in
                    try await self.transact(queries, on: pool)
                }
                _ = try await patiently { () async throws(PostgresError) in
                    try await transact(hold + record, on: registry)
                }
            }
            return true
        } catch {
            // 22012, division_by_zero: an assertion.
            guard case .refused(let cause) = error, cause.sqlState == "22012" else { throw error }
            switch cause.queryIndex {
            case 2: return false
            case 3:
                throw .refused(
                    PostgresError(.other, "it is being moved to another database; it is migrated when that is over"))
            default: throw error
            }
        }
    }

    private func transact(_ queries: [Query], on pool: PostgresPool) async throws(PostgresError) -> [ResultSet] {
        try await pool.run(Unit([Query(AdministrationStatements.shortLockTimeout)] + queries))
    }

    /// Where a tenant is now; nil if it is gone or being erased.
    private func current(_ tenant: TenantID) async throws(RetryFailure) -> TenantBehind? {
        try await patiently { () async throws(PostgresError) in
            try await run([Query(MigrationStatements.tenantVersion, [.text(tenant)])])[0].readFirst {
                row throws(PostgresError) in
                TenantBehind(tenant: tenant, version: try row.int4(0), database: try row.databaseName(1))
            }
        }
    }
}
