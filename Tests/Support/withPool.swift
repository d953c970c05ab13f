package import CarillonNet
package import Postgres

/// Runs a test on a loop of its own with a pool on a database, and closes both at its end, however that comes.
///
/// - Parameters:
///   - connectionInfo: the database, such as `cluster.connectionInfo(database: cluster.makeDatabase())`.
///   - configure: changes the pool's usual configuration, whose timeouts are longer than a service's.
///   - body: the test; it runs on the pool's loop, which it reaches as its second argument.
package func withPool<Value: Sendable>(
    _ connectionInfo: String,
    configure: (inout PostgresConfiguration) -> Void = { _ in },
    _ body: @escaping @Sendable (PostgresPool, EventLoop) async throws -> Value
) async throws -> Value {
    var configuration = PostgresConfiguration(connectionInfo: connectionInfo)
    // A busy machine is no reason to fail.
    configuration.connectTimeout = .seconds(60)
    configuration.statementTimeout = .seconds(60)
    configuration.lockTimeout = .seconds(60)
    configure(&configuration)
    let loop = EventLoop(name: "test")
    let result: Result<Value, any Error> = await loop.run { [configuration] in
        let pool = PostgresPool(loop: loop, configuration: configuration)
        let result: Result<Value, any Error>
        do { result = .success(try await body(pool, loop)) } catch { result = .failure(error) }
        await pool.close()
        return result
    }
    await loop.shutDown()
    return try result.get()
}
