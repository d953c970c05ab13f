internal import Postgres

/// What a migration would do to a database.
package struct MigrationPlan: Sendable, Hashable {
    /// A version that a schema would be brought to.
    package struct Version: Sendable, Hashable {
        /// Which version.
        package let number: Int32
        /// What it is for.
        package let title: String
        /// What it does, each step a transaction.
        package let steps: [Step]
        /// The oldest programs that can go on afterwards; nil if all can that could before.
        package let servesFrom: Int32?
    }

    /// A transaction, or a statement that is one again and again.
    package struct Step: Sendable, Hashable {
        /// What it is for; empty if nobody said.
        package let title: String
        /// Whether it is repeated until it touches no row.
        package let isRepeated: Bool
        /// Its statements; in those for tenants `t_<id>` stands for the schema.
        package let statements: [String]
    }

    /// How many tenants are at a version.
    package struct Standing: Sendable, Hashable {
        /// The version.
        package let version: Int32
        /// Whether they are served, suspended or being erased.
        package let state: TenantState
        /// How many.
        package let count: Int
    }

    /// The registry's version; 0 for none.
    package let registry: Int32
    /// Where it would be brought, in order.
    package let registryVersions: [Version]
    /// The version that tenants' schemas would have.
    package let tenantTarget: Int32
    /// Where tenants would be brought, from the version of the one that is farthest behind.
    package let tenantVersions: [Version]
    /// All tenants, by version and state.
    package let standings: [Standing]
    /// Whether the database is still to be told that tenants may be of ``tenantTarget``.
    package let opensVersion: Bool

    /// Tenants that would be migrated.
    package var behind: Int {
        standings.filter { $0.state != .deleting && $0.version < tenantTarget }.reduce(0) { $0 + $1.count }
    }

    /// Whether there is nothing to do.
    package var isEmpty: Bool { registryVersions.isEmpty && behind == 0 && !opensVersion }
}

extension Migrator {
    /// What ``migrateRegistry(now:)`` and ``migrateTenants(now:)`` would do. Changes nothing: the server is asked in
    /// transactions that may only read.
    ///
    /// - Throws: ``StorageError/Code/notReady`` if a newer program has migrated the database.
    package func plan() async throws(StorageError) -> MigrationPlan {
        let stored = try await versions()
        let registry = stored.registry?.version ?? 0
        let standings = registry == 0 ? [] : try await census()
        let target = tenantHistory.version
        let first = standings.filter { $0.state != .deleting }.map(\.version).min() ?? target
        return MigrationPlan(
            registry: registry,
            registryVersions: registryHistory.migrations(after: registry).map {
                MigrationPlan.Version($0, values: [:])
            },
            tenantTarget: target,
            tenantVersions: tenantHistory.migrations(after: first).map {
                MigrationPlan.Version($0, values: ["schema": "t_<id>"])
            },
            standings: standings, opensVersion: (stored.tenant?.version ?? 0) < target)
    }

    private func census() async throws(StorageError) -> [MigrationPlan.Standing] {
        try await storing { () async throws(PostgresError) in
            try await look(MigrationStatements.census).read { row throws(PostgresError) in
                MigrationPlan.Standing(
                    version: try row.int4(0), state: try row.value(1), count: Int(try row.int8(2)))
            }
        }
    }
}

extension MigrationPlan.Version {
    fileprivate init(_ migration: Migration, values: [String: String]) {
        number = migration.version
        title = migration.title
        servesFrom = migration.servesFrom
        steps = migration.script.steps.map { step in
            MigrationPlan.Step(
                title: step.title, isRepeated: step.kind == .batches,
                statements: step.script.statements(values).map(\.text))
        }
    }
}
