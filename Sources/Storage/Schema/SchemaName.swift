package import Domain

/// The name of a tenant's schema, and of its role: `t_<tenant id>`.
///
/// It is the only thing that is ever put into the text of a statement. A ``Domain/TenantID`` has passed
/// `^[a-z][a-z0-9]{2,24}$`, so the name needs no quoting; it is checked once more here, where it matters.
package struct SchemaName: Hashable, Sendable, CustomStringConvertible {
    /// The name as it stands in SQL.
    package let text: String

    /// The schema of a tenant.
    package init(_ tenant: TenantID) {
        precondition(TenantID.isValid(tenant.rawValue.utf8), "a tenant id outside its pattern must never become SQL")
        text = "t_" + tenant.rawValue
    }

    /// The name as it stands in SQL.
    package var description: String { text }
}
