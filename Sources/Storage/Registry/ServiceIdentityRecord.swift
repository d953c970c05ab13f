package import Domain
internal import Postgres

/// An internal service that is known by its certificate.
package struct ServiceIdentityRecord: Sendable, Hashable {
    /// The SPIFFE id in its certificate.
    package let id: String
    /// What to call it.
    package let displayName: String
    /// What it may do.
    package let scopes: [String]
    /// Whether it may act for every tenant.
    package let allTenants: Bool
    /// The tenants it may act for, without ``allTenants``.
    package let tenants: [TenantID]
    /// Grows with each change: the etag.
    package let revision: Int64
    /// Who registered it.
    package let createdBy: String
    /// When it was registered.
    package let createdAt: Instant
    /// When it was changed last.
    package let updatedAt: Instant
}

/// What an internal service shall be.
package struct ServiceIdentityWrite: Sendable, Hashable {
    /// The SPIFFE id in its certificate.
    package var id: String
    /// What to call it.
    package var displayName: String
    /// What it may do.
    package var scopes: [String]
    /// Whether it may act for every tenant.
    package var allTenants: Bool
    /// The tenants it may act for, without ``allTenants``.
    package var tenants: [TenantID]

    /// Describes a service.
    package init(id: String, displayName: String, scopes: [String], allTenants: Bool, tenants: [TenantID]) {
        self.id = id
        self.displayName = displayName
        self.scopes = scopes
        self.allTenants = allTenants
        self.tenants = tenants
    }
}

extension ServiceIdentityWrite {
    /// What an audit says of it.
    var audited: String {
        var writer = JSONWriter()
        writer.object {
            $0.key("display_name")
            $0.string(displayName)
            $0.key("scopes")
            $0.array(scopes) { $0.string($1) }
            $0.key("all_tenants")
            $0.bool(allTenants)
            $0.key("tenant_ids")
            $0.array(tenants) { $0.string($1.rawValue) }
        }
        return writer.text
    }
}

/// What became of taking a service off the registry.
package enum ServiceIdentityDeletion: Sendable, Hashable {
    /// It is gone.
    case done
    /// It was not there.
    case noSuchService
}

extension ServiceIdentityRecord {
    /// Reads ``ServiceStatements/columns`` from column 0.
    init(row: Row) throws(PostgresError) {
        id = try row.text(0)
        displayName = try row.text(1)
        scopes = try row.textArray(2)
        allTenants = try row.bool(3)
        var tenants: [TenantID] = []
        for text in try row.textArray(4) {
            guard let tenant = TenantID(text) else {
                throw PostgresError(.decoding, "a service acts for a tenant whose id is malformed")
            }
            tenants.append(tenant)
        }
        self.tenants = tenants
        revision = try row.int8(5)
        createdBy = try row.text(6)
        createdAt = try row.instant(7)
        updatedAt = try row.instant(8)
    }
}
