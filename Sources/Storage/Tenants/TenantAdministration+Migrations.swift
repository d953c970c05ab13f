package import Domain
internal import Postgres

/// How far a migration of the tenants has come.
package struct MigrationProgress: Sendable, Hashable {
    /// Tenants that were done, or given up.
    package let done: Int
    /// Tenants that were behind at the beginning.
    package let total: Int
}

/// What became of a migration of the tenants.
package struct MigrationReport: Sendable {
    /// Tenants that are at the current version now.
    package let migrated: Int
    /// Tenants that are not, and why. Another run takes them up again.
    package let failed: [(tenant: TenantID, error: StorageError)]
}

extension TenantAdministration {
    /// Brings the registry to the current version; from nothing, makes it.
    ///
    /// - Parameter now: the time of migration.
    /// - Returns: the version it had before; 0 for none.
    package func migrateRegistry(now: Instant) async throws(StorageError) -> Int32 {
        try await migrateRegistry(RegistrySchema.migrations, now: now)
    }

    func migrateRegistry(_ migrations: [Migration], now: Instant) async throws(StorageError) -> Int32 {
        try await storing { () async throws(PostgresError) in
            let before = try await registryVersion()
            for migration in migrations where migration.version > before {
                try await persistently { () async throws(PostgresError) in
                    _ = try await run(
                        [Query(AdministrationStatements.shortLockTimeout)]
                            + migration.script.statements().map { Query($0) }
                            + [
                                Query(
                                    AdministrationStatements.recordRegistryVersion,
                                    [.int4(migration.version), .timestamp(now)])
                            ])
                }
            }
            return before
        }
    }

    private func registryVersion() async throws(PostgresError) -> Int32 {
        let exists = try (try await run([Query(AdministrationStatements.registryExists)]))[0].readFirst {
            row throws(PostgresError) in try row.bool(0)
        }
        guard exists == true else { return 0 }
        return try (try await run([Query(AdministrationStatements.registryVersion)]))[0].readFirst {
            row throws(PostgresError) in try row.int4(0)
        } ?? 0
    }

    /// Brings all tenants to the current version, several at a time. May be broken off and begun again at any moment:
    /// each step of each tenant is a transaction that ends with its version.
    ///
    /// - Parameter progress: told after each tenant.
    package func migrateTenants(
        progress: (MigrationProgress) -> Void = { _ in }
    ) async throws(StorageError) -> MigrationReport {
        try await migrateTenants(TenantSchema.migrations, progress: progress)
    }

    func migrateTenants(
        _ migrations: [Migration], progress: (MigrationProgress) -> Void
    ) async throws(StorageError) -> MigrationReport {
        guard let target = migrations.last?.version else { return MigrationReport(migrated: 0, failed: []) }
        let total = try await countBehind(target)
        var migrated = 0
        var failed: [(tenant: TenantID, error: StorageError)] = []
        var after: TenantID?
        while true {
            let batch = try await tenantsBehind(target, after: after, limit: 4)
            guard let last = batch.last else { return MigrationReport(migrated: migrated, failed: failed) }
            after = last.tenant
            await withTaskGroup(of: (TenantID, StorageError?).self) { group in
                for (tenant, version) in batch {
                    group.addTask {
                        do throws(StorageError) {
                            try await self.migrate(tenant, from: version, migrations)
                            return (tenant, nil)
                        } catch {
                            return (tenant, error)
                        }
                    }
                }
                for await (tenant, error) in group {
                    if let error { failed.append((tenant, error)) } else { migrated += 1 }
                    progress(MigrationProgress(done: migrated + failed.count, total: total))
                }
            }
        }
    }

    private func migrate(
        _ tenant: TenantID, from version: Int32, _ migrations: [Migration]
    ) async throws(StorageError) {
        try await storing { () async throws(PostgresError) in
            for migration in migrations where migration.version > version {
                try await persistently { () async throws(PostgresError) in
                    _ = try await run(
                        [
                            Query(AdministrationStatements.shortLockTimeout),
                            Query(AdministrationStatements.lockTenant, [.text(tenant)]),
                        ]
                            + migration.script.statements(["schema": SchemaName(tenant).text]).map { Query($0) }
                            + [
                                Query(
                                    AdministrationStatements.recordTenantVersion,
                                    [.text(tenant), .int4(migration.version)])
                            ],
                        affinity: TenantStore.affinity(of: tenant))
                }
            }
        }
    }

    private func countBehind(_ version: Int32) async throws(StorageError) -> Int {
        try await storing { () async throws(PostgresError) in
            let results = try await run([Query(AdministrationStatements.countBehind, [.int4(version)])])
            return Int(try results[0].readFirst { row throws(PostgresError) in try row.int8(0) } ?? 0)
        }
    }

    private func tenantsBehind(
        _ version: Int32, after: TenantID?, limit: Int64
    ) async throws(StorageError) -> [(tenant: TenantID, version: Int32)] {
        try await storing { () async throws(PostgresError) in
            let query = Query(
                AdministrationStatements.tenantsBehind,
                [.int4(version), .text(after?.rawValue ?? ""), .int8(limit)])
            return try (try await run([query]))[0].read { row throws(PostgresError) in
                (try row.identifier(0), try row.int4(1))
            }
        }
    }
}
