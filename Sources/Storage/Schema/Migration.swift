/// One step from a version of a schema to the next.
///
/// Each statement must be idempotent, and leave a schema that programs of the version before can still use: first
/// expand, and contract one release later.
struct Migration: Sendable {
    /// The version that the step leads to.
    let version: Int32
    /// What it does. Scripts for tenants take `schema`.
    let script: SQLScript
}

/// The registry's history.
enum RegistrySchema {
    /// The version that ``migrations`` lead to.
    static let version: Int32 = 2

    /// All steps in order, from nothing.
    static let migrations = [
        Migration(version: 1, script: .registry), Migration(version: 2, script: .registry2),
    ]
}

extension TenantSchema {
    /// All steps in order, from version 1. New tenants are made from ``SQLScript/tenant``, which already holds them.
    static let migrations = [Migration(version: 2, script: .tenant2)]
}
