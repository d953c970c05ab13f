internal import CarillonNet
internal import Logging
internal import Postgres
internal import Storage

/// The owner's connections of a serving process. Work of each kind has its own, with the limits that it needs, so that no caller
/// waits behind a migration, and no migration ends by what is right for a call.
///
/// Safe as `@unchecked Sendable` because it is confined to the loop of its pools.
final class OwnerPools: @unchecked Sendable {
    /// The ways of one kind of work.
    struct Ways {
        /// With the registry's database.
        let main: PostgresPool
        /// With the others.
        let databases: DatabasePools
        /// Over both.
        let administration: TenantAdministration

        fileprivate init(_ configuration: PostgresConfiguration, on loop: EventLoop) {
            main = PostgresPool(loop: loop, configuration: configuration)
            databases = DatabasePools(loop: loop, main: main, configuration: configuration)
            administration = TenantAdministration(pool: main, databases: databases) { pause throws(CancellationError) in
                try await loop.sleep(for: pause)
            }
        }

        fileprivate func close() async {
            await databases.close()
            await main.close()
        }
    }

    /// Making and changing tenants, and the months that somebody waits for: many statements, each of them short.
    let calls: Ways
    /// Maintenance: statements that look at every tenant, or drop one whole. It sees all tenants, so its session is replaced now
    /// and then.
    let upkeep: Ways
    /// Migrations of single tenants: a statement may take as long as it takes; it is its lock that must not be waited for.
    let stragglers: Ways

    private init(_ database: String, on loop: EventLoop, _ log: Logger) {
        var configuration = PostgresConfiguration(connectionInfo: database)
        // One attempt at a time does not press the database.
        configuration.reconnectPause = .milliseconds(50)...(.milliseconds(500))
        configuration.onEvent = { log.report($0, login: "owner") }
        // A long creation does not keep a short change waiting.
        configuration.connections = 2
        configuration.statementTimeout = .seconds(10)
        configuration.unitsPerSession = Server.tenantsPerSession
        calls = Ways(configuration, on: loop)

        configuration.connections = 1
        configuration.applicationName = "carillon maintenance"
        configuration.statementTimeout = .seconds(300)
        configuration.unitLimit = .seconds(600)
        upkeep = Ways(configuration, on: loop)

        configuration.applicationName = "carillon migrate"
        configuration.statementTimeout = .zero
        configuration.unitLimit = .seconds(3600)
        stragglers = Ways(configuration, on: loop)
    }

    /// Makes the pools and begins to connect.
    static func make(_ database: String, on loop: EventLoop, _ log: Logger) async -> OwnerPools {
        await loop.run { OwnerPools(database, on: loop, log) }
    }

    /// How sessions of their own log in. Exporting and importing are long statements; what ends them is the caller's deadline.
    static func session(_ database: String) -> PostgresConfiguration {
        var configuration = PostgresConfiguration(connectionInfo: database)
        configuration.applicationName = "carillon transfer"
        configuration.statementTimeout = .zero
        configuration.lockTimeout = .seconds(10)
        // A transaction waits between two tables while its reader is slow.
        configuration.idleInTransactionTimeout = .zero
        configuration.noticeVanishedClient()
        return configuration
    }

    /// Closes all of them.
    func close() async {
        for ways in [calls, upkeep, stragglers] { await ways.close() }
    }
}
