package import Domain

/// What a migration of the tenants tells while it runs.
package enum MigrationEvent: Sendable {
    /// It has begun, or a tenant is done with.
    case progress(ProgressCount)
    /// A tenant was given up. Another run takes it up again.
    case failed(TenantID, StorageError)
    /// Programs that this migration cannot serve any more are given this long to notice.
    case contracting(servesFrom: Int32, Duration)
}

/// What became of a migration of the tenants.
package struct MigrationReport: Sendable {
    /// Tenants that were behind at the beginning.
    package internal(set) var total = 0
    /// Tenants that this run brought to the current version.
    package internal(set) var migrated = 0
    /// Tenants that others brought there meanwhile, or that are being erased.
    package internal(set) var passedOver = 0
    /// Tenants that are still behind.
    package internal(set) var failed = 0
    /// The first hundred of them, and why.
    package internal(set) var failures: [(tenant: TenantID, error: StorageError)] = []
    /// Whether it was stopped before it was done.
    package internal(set) var isStopped = false
    /// Why it could not go on; nil if it could.
    package internal(set) var brokenOff: StorageError?

    /// Tenants that are done with.
    package var done: Int { migrated + passedOver + failed }

    static let failuresKept = 100

    mutating func note(_ outcome: TenantMigrationOutcome, of tenant: TenantID) {
        switch outcome {
        case .migrated: migrated += 1
        case .passedOver: passedOver += 1
        case .stopped: isStopped = true
        case .away(let error): brokenOff = brokenOff ?? error
        case .failed(let error):
            failed += 1
            if failures.count < Self.failuresKept { failures.append((tenant, error)) }
        }
    }
}

/// What became of one tenant.
enum TenantMigrationOutcome: Sendable {
    /// It is at the current version.
    case migrated
    /// Somebody else has brought it there, or it is being erased.
    case passedOver
    /// It was let be because the migration is to end.
    case stopped
    /// The database is away and stays away.
    case away(StorageError)
    /// It is still behind.
    case failed(StorageError)
}
