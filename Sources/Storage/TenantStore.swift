package import Domain
package import Postgres

/// Everything that is read and written inside one tenant's schema, with the tenant's role.
///
/// Each method is one transaction in one pipelined unit: one round trip. Stores are cheap; each loop that serves a
/// tenant has its own, over its own pool. Confined to the pool's loop, on which every method must be called.
///
/// A tenant may be moved to another database at any time. The one that it lived in refuses its role then, or does not know it
/// any more, and has done nothing; whoever can find the tenant (``Search``) lets the unit run once more where it is now.
package final class TenantStore: @unchecked Sendable {
    /// Whose schema.
    package let tenant: TenantID
    /// The pool of the database that the tenant is in, as far as is known.
    package private(set) var pool: PostgresPool
    let schema: SchemaName
    private let affinity: Int
    private let search: Search?

    /// Where a tenant turned out to be.
    package enum Whereabouts: Sendable {
        /// In the database of this pool.
        case at(PostgresPool)
        /// Held for the seconds that the last of a move takes.
        case held
        /// Nobody can say at the moment.
        case unknown
    }
    /// Finds a tenant whose database refuses it. Called on the pool's loop, for each unit that is refused; to be bounded by who
    /// provides it.
    package typealias Search = @Sendable () async -> Whereabouts

    lazy var directory = DirectoryStatements(schema)
    lazy var suppressions = SuppressionStatements(schema)
    lazy var reports = ReportStatements(schema)
    lazy var facts = FactsStatements(schema)
    lazy var people = PeopleStatements(schema)
    lazy var preferences = PreferenceStatements(schema)
    lazy var ownContacts = OwnContactStatements(schema)
    lazy var settings = SettingStatements(schema)
    lazy var capping = CapStatements(schema)
    lazy var providers = ProviderStatements(schema)
    lazy var publishing = PublishStatements(schema)
    lazy var publishingOne = SinglePublishStatements(schema)
    lazy var queue = QueueStatements(schema)
    lazy var arrivals = ArrivalStatements(schema)
    lazy var callingOff = CallOffStatements(schema)
    lazy var gathering = GatheringStatements(schema)
    lazy var inbox = InboxStatements(schema)
    lazy var history = HistoryStatements(schema)
    lazy var auditing = AuditStatements(schema)

    /// The store of one tenant, over a pool that logs in as `carillon_serve`.
    ///
    /// - Parameter search: finds the tenant when it is not there any more; nil where somebody else sees to that.
    package init(tenant: TenantID, pool: PostgresPool, search: Search? = nil) {
        self.tenant = tenant
        self.pool = pool
        self.search = search
        schema = SchemaName(tenant)
        affinity = Self.affinity(of: tenant)
    }

    /// A tenant's work stays on few connections, so that few backends cache its tables. The same for every run of the
    /// program (FNV-1a), unlike Swift's own hashes.
    static func affinity(of tenant: TenantID) -> Int {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in tenant.rawValue.utf8 {
            hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3
        }
        return Int(truncatingIfNeeded: hash >> 1)
    }

    /// The affinity of what is asked for all tenants now and then. Whenever a tenant comes or goes, each backend that takes a
    /// tenant's role makes its list of roles anew, milliseconds for thousands of tenants: one is enough for idle ones.
    static let idleAffinity = 0

    /// Runs queries as one transaction of the tenant's role, for as long as the caller waits (``CallDeadline``).
    ///
    /// - Parameters:
    ///   - affinity: equal numbers prefer the same connection; nil for the tenant's own.
    ///   - plansOnce: see ``Unit/plansOnce``.
    func run(
        _ queries: [Query], affinity: Int? = nil, plansOnce: Bool = false
    ) async throws(PostgresError) -> [ResultSet] {
        let asked = pool
        let affinity = affinity ?? self.affinity
        let unit = Unit(role: schema.text, plansOnce: plansOnce, queries)
        do throws(PostgresError) {
            return try await asked.run(unit, affinity: affinity, deadline: CallDeadline.current)
        } catch {
            guard let search, error.deniesTenant else { throw error }
            switch await search() {
            case .held: throw PostgresError(.withheld, "the tenant is held while it is moved to another database")
            case .unknown: throw error
            case .at(let pool):
                guard pool !== asked else { throw error }
                move(to: pool)
                return try await pool.run(unit, affinity: affinity, deadline: CallDeadline.current)
            }
        }
    }

    /// Uses the pool of another database from now on: the tenant was moved. What is under way ends where it began.
    package func move(to pool: PostgresPool) { self.pool = pool }
}

extension PostgresError {
    /// Whether a database refuses a tenant's role or has no such schema: the tenant was moved away, or is being moved. The unit
    /// has done nothing.
    var deniesTenant: Bool {
        code == .insufficientPrivilege || refusesRole || sqlState == "42P01" || sqlState == "3F000"
    }

    /// Whether there is no such role (22023, invalid_parameter_value, of what stands before all queries).
    var refusesRole: Bool { sqlState == "22023" && queryIndex == nil }
}
