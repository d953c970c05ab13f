package import Domain
internal import Postgres

extension Migrator {
    /// Brings the registry to the version of this program; from nothing, makes it.
    ///
    /// - Parameter now: the time of migration.
    /// - Returns: the version it had before; 0 for none.
    /// - Throws: ``StorageError/Code/notReady`` if a newer program has migrated it, or a login role is missing.
    package func migrateRegistry(now: Instant) async throws(StorageError) -> Int32 {
        let stored = try await versions()
        let before = stored.registry?.version ?? 0
        do throws(RetryFailure) {
            for migration in registryHistory.migrations(after: before) {
                if let servesFrom = migration.servesFrom {
                    try await announce(servesFrom, of: registryHistory, stored: stored.registry)
                }
                try await carryOut(migration, now: now)
            }
            if before == 0 { try await recordBeginning(now: now) }
        } catch {
            // 42704, undefined_object: the one thing that a migration names and does not make is a role of the bootstrap.
            if case .refused(let cause) = error, cause.sqlState == "42704" {
                throw StorageError(
                    .notReady,
                    "a login role is missing: let a superuser run `carillon migrate --print-bootstrap | psql`")
            }
            throw error.storageError
        }
        return before
    }

    private func carryOut(_ migration: Migration, now: Instant) async throws(RetryFailure) {
        let record = recording(migration.version, of: registryHistory, now: now)
        try await carryOut(migration.script.steps, script: [:], record: [record]) {
            queries async throws(PostgresError) in
            try await run([Query(AdministrationStatements.shortLockTimeout)] + queries)
        }
    }

    /// Carries out the steps of a migration.
    ///
    /// - Parameters:
    ///   - script: what the scripts take.
    ///   - record: what records that all is done; part of the last transaction.
    ///   - transaction: runs queries as one transaction.
    func carryOut(
        _ steps: [MigrationStep], script: [String: String], record: [Query],
        _ transaction: ([Query]) async throws(PostgresError) -> [ResultSet]
    ) async throws(RetryFailure) {
        var isRecorded = false
        for (index, step) in steps.enumerated() {
            let statements = step.script.statements(script).map { Query($0) }
            switch step.kind {
            case .transaction:
                isRecorded = index == steps.count - 1
                let queries = statements + (isRecorded ? record : [])
                _ = try await patiently { () async throws(PostgresError) in try await transaction(queries) }
            case .batches:
                var touched = 1
                while touched > 0 {
                    touched = try await patiently { () async throws(PostgresError) in
                        try await transaction(statements).last?.affectedRows ?? 0
                    }
                }
            }
        }
        guard !isRecorded else { return }
        _ = try await patiently { () async throws(PostgresError) in try await transaction(record) }
    }

    /// A new registry has no tenants, so that they are all of this program's version.
    private func recordBeginning(now: Instant) async throws(RetryFailure) {
        let queries = [recording(tenantHistory.version, of: tenantHistory, now: now)]
        let raises = [registryHistory, tenantHistory].compactMap { history -> Query? in
            let servesFrom = history.servesFrom(at: history.version)
            guard servesFrom > 1 else { return nil }
            return raising(servesFrom, of: history)
        }
        _ = try await patiently { () async throws(PostgresError) in try await run(queries + raises) }
    }
}

extension TenantAdministration {
    /// Brings the registry to the version of this program; see ``Migrator/migrateRegistry(now:)``.
    package func migrateRegistry(now: Instant) async throws(StorageError) -> Int32 {
        try await Migrator(registry: pool, pause: pause).migrateRegistry(now: now)
    }
}
