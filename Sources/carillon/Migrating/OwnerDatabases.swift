internal import CarillonNet
internal import Postgres
internal import Storage

/// The owner's ways to the databases that tenants are in, by name, as the registry named them when it was asked.
///
/// Safe as `@unchecked Sendable` because it is confined to the loop of its pools.
final class OwnerDatabases: @unchecked Sendable {
    private let pools: DatabasePools
    private let places: [DatabaseName: TenantPlace]

    /// Asks the registry. One that cannot be asked, or is of before there were several, has none but its own.
    init(_ administration: TenantAdministration, _ pools: DatabasePools) async {
        self.pools = pools
        let named = (try? await administration.databases()) ?? []
        places = Dictionary(named.map { ($0.name, $0.place) }, uniquingKeysWith: { first, _ in first })
    }

    /// The pool of a database; nil for one that is not named.
    func pool(of database: DatabaseName) -> PostgresPool? {
        places[database].map { pools.pool(of: $0) }
    }
}
