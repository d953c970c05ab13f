import CarillonNet
import Postgres
import Support
import Testing

/// A fresh database of the shared cluster.
func makeDatabase() throws -> (cluster: PrivateCluster, name: String, connectionInfo: String) {
    let cluster = try PrivateCluster.shared()
    let name = try cluster.makeDatabase()
    return (cluster, name, cluster.connectionInfo(database: name))
}

extension Unit {
    /// A unit of one query that is prepared.
    init(_ sql: String, _ parameters: Parameter..., role: String? = nil) {
        self.init(role: role, [Query(Statement(sql), parameters)])
    }

    /// A unit of commands that run once, such as DDL.
    init(commands: String...) {
        self.init(commands.map { Query(Statement($0, prepared: false)) })
    }
}

extension PostgresPool {
    /// The first value of the first row of a unit's only query, as text.
    func text(_ sql: String, affinity: Int = 0) async throws -> String {
        let results = try await run(Unit(sql), affinity: affinity)
        return try #require(results.first?.first).text(0)
    }

    /// The first value of the first row of a unit's only query, as an integer.
    func integer(_ sql: String, affinity: Int = 0) async throws -> Int {
        let results = try await run(Unit(sql), affinity: affinity)
        return Int(try #require(results.first?.first).int8(0))
    }

    /// The error that a unit ends with; nil for none.
    func outcome(_ unit: Unit) async throws -> PostgresError? {
        do throws(PostgresError) {
            _ = try await run(unit)
            return nil
        } catch {
            return error
        }
    }

    /// The error that a unit is expected to end with.
    func error(_ unit: Unit, affinity: Int = 0, deadline: MonotonicTime? = nil) async throws -> PostgresError {
        do throws(PostgresError) {
            _ = try await run(unit, affinity: affinity, deadline: deadline)
        } catch {
            return error
        }
        Issue.record("the unit succeeded")
        throw PostgresError(.other, "the unit succeeded")
    }
}

/// What a pool told, in order, to wait for without polling.
struct EventLog: Sendable {
    private let stream: AsyncStream<PostgresEvent>
    private let continuation: AsyncStream<PostgresEvent>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream()
    }

    var observer: @Sendable (PostgresEvent) -> Void {
        { [continuation] in continuation.yield($0) }
    }

    /// Waits for the next event that fits, and forgets those before it.
    func next<Value>(_ select: (PostgresEvent) -> Value?) async throws -> Value {
        for await event in stream {
            if let value = select(event) { return value }
        }
        throw PostgresError(.other, "no such event came")
    }

    func connected() async throws {
        try await next { if case .connected = $0 { () } else { nil } }
    }

    func disconnected() async throws -> PostgresError {
        try await next { if case .disconnected(_, let error, _) = $0 { error } else { nil } }
    }

    func connectFailed() async throws -> PostgresError {
        try await next { if case .connectFailed(_, let error, _) = $0 { error } else { nil } }
    }
}

/// An advisory lock that a session of its own holds: a way to keep units waiting for exactly as long as a test wants.
struct HeldLock: Sendable {
    private let pool: PostgresPool

    /// Runs a test while the lock is held; it is released at the end, or before by ``release()``. On the loop.
    static func hold(
        _ connectionInfo: String, on loop: EventLoop, _ body: (HeldLock) async throws -> Void
    ) async throws {
        var configuration = PostgresConfiguration(connectionInfo: connectionInfo)
        configuration.connections = 1
        configuration.connectTimeout = .seconds(60)
        let lock = HeldLock(pool: PostgresPool(loop: loop, configuration: configuration))
        let result: Result<Void, any Error>
        do {
            _ = try await lock.pool.run(Unit("SELECT pg_advisory_lock(1)"))
            result = .success(try await body(lock))
        } catch {
            result = .failure(error)
        }
        await lock.release()
        try result.get()
    }

    /// Lets the waiting units go on. Harmless if that was done.
    func release() async {
        await pool.close()
    }

    /// A unit that waits for the lock.
    static let wait = Unit("SELECT pg_advisory_xact_lock(1)")
}
