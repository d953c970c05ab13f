internal import Domain
internal import Postgres

/// A tenant that is behind.
struct TenantBehind: Sendable, Hashable {
    /// Which tenant.
    let tenant: TenantID
    /// The version it is at.
    let version: Int32
    /// The database that its schema is in.
    let database: DatabaseName
}

/// Goes through all tenants that are behind a version, in the order of their ids. Holds a page of them at most.
struct TenantCursor {
    private let version: Int32
    private var page: ArraySlice<TenantBehind> = []
    private var last: TenantID?
    private var isAtEnd = false
    private static let pageSize = 64

    /// A cursor before the first tenant.
    init(behind version: Int32) {
        self.version = version
    }

    /// The next tenant; nil after the last.
    ///
    /// - Parameter run: runs a query on the registry.
    mutating func next(
        _ run: (Query) async throws(PostgresError) -> ResultSet
    ) async throws(PostgresError) -> TenantBehind? {
        if page.isEmpty, !isAtEnd {
            let query = Query(
                MigrationStatements.tenantsBehind,
                [.int4(version), .text(last?.rawValue ?? ""), .int8(Int64(Self.pageSize))])
            let rows = try await run(query).read { row throws(PostgresError) in
                TenantBehind(
                    tenant: try row.identifier(0), version: try row.int4(1), database: try row.databaseName(2))
            }
            isAtEnd = rows.count < Self.pageSize
            last = rows.last?.tenant
            page = rows[...]
        }
        return page.popFirst()
    }
}
