internal import Postgres

/// The statements of `carillon_owner` on where tenants are.
enum PlacementStatements {
    static let columns = "d.name, d.connection, d.accepts_tenants"

    /// $1 name.
    static let database = Statement("SELECT \(columns) FROM carillon.database d WHERE d.name = $1::text")

    /// Drops a tenant's schema with all that is in it.
    static func dropSchema(_ schema: SchemaName) -> Statement {
        Statement("DROP SCHEMA \(schema) CASCADE", prepared: false)
    }
}
