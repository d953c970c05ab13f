/// Where a tenant's schema is.
package struct TenantPlace: Sendable, Hashable {
    /// The database's name.
    package let database: DatabaseName
    /// What differs from the connection string of the registry's own database; empty for that one.
    package let connection: String

    /// The registry's own database.
    package static let main = TenantPlace(database: .main, connection: "")

    /// Names a place.
    package init(database: DatabaseName, connection: String) {
        self.database = database
        self.connection = connection
    }
}
