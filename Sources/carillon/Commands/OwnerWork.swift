internal import ArgumentParser
internal import CarillonNet
internal import Logging
internal import Postgres
internal import Storage

/// What a command does as the owner of the databases, over pools of its own that are closed when it is done.
///
/// Confined to its loop, as its pools are.
struct OwnerWork: Sendable {
    /// The loop that all of it runs on.
    let loop: EventLoop
    /// With the registry's database.
    let registry: PostgresPool
    /// With the others that tenants are in, made when they are asked for.
    let databases: DatabasePools
    /// Over both.
    let administration: TenantAdministration

    /// Runs work as the owner.
    ///
    /// - Parameters:
    ///   - login: the owner's connection string for the registry's database.
    ///   - name: what the database's administrators see that it is, such as `carillon audit`.
    ///   - loop: the loop that all of it runs on.
    ///   - log: told of connections.
    ///   - adapt: changes what is usual: a connection to each database, and the usual limits.
    ///   - body: the work, on the loop.
    static func run<Value: Sendable>(
        as login: String, _ name: String, on loop: EventLoop, log: Logger,
        adapt: @Sendable (inout PostgresConfiguration) -> Void = { _ in },
        _ body: @escaping @Sendable (OwnerWork) async throws(StorageError) -> Value
    ) async -> Result<Value, StorageError> {
        var configuration = PostgresConfiguration(connectionInfo: login)
        configuration.applicationName = name
        configuration.connections = 1
        configuration.onEvent = { log.report($0, login: "owner") }
        adapt(&configuration)
        let adapted = configuration
        return await loop.run {
            let registry = PostgresPool(loop: loop, configuration: adapted)
            let databases = DatabasePools(loop: loop, main: registry, configuration: adapted)
            let administration = TenantAdministration(pool: registry, databases: databases) {
                pause throws(CancellationError) in
                try await loop.sleep(for: pause)
            }
            let work = OwnerWork(loop: loop, registry: registry, databases: databases, administration: administration)
            let result: Result<Value, StorageError>
            do throws(StorageError) {
                result = .success(try await body(work))
            } catch {
                result = .failure(error)
            }
            await databases.close()
            await registry.close()
            return result
        }
    }

    /// Runs work as the owner on a loop of its own, or says why it failed and ends the command.
    ///
    /// - Parameters:
    ///   - login: the owner's connection string for the registry's database.
    ///   - name: the command's, such as `audit`.
    ///   - level: what is logged.
    ///   - body: the work, on the loop.
    static func command<Value: Sendable>(
        as login: String, _ name: String, level: Logger.Level,
        _ body: @escaping @Sendable (OwnerWork) async throws(StorageError) -> Value
    ) async throws -> Value {
        let loop = EventLoop(name: name)
        let result = await run(as: login, "carillon \(name)", on: loop, log: .lines(level: level), body)
        await loop.shutDown()
        do throws(StorageError) {
            return try result.get()
        } catch {
            throw Console.fail(words(error), with: error.code == .unavailable ? .unavailable : .failure)
        }
    }

    /// Why it failed, with the server's own words: the owner's statements hold no data of tenants.
    static func words(_ error: StorageError) -> String {
        error.cause?.debugDescription ?? error.message
    }
}
