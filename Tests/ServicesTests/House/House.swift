import CarillonAPI
import CarillonGRPC
import CarillonNet
import Domain
import Foundation
import Postgres
import Prometheus
import Security
import Storage
import Support
import Synchronization
import Testing

@testable import Services

/// The services behind a real server over TLS, with clients for them: everything but the executable.
final class House: Sendable {
    let clock = TestClock()
    let services: Services
    let signal = RecordedSignal()
    let operatorKey: APIKey
    /// The tenants of which it was said that events are refused for want of a month.
    let alarms = Alarms()
    /// What its services count.
    let metrics = MetricRegistry([])
    private let loops: [EventLoop]
    private let clientLoop = EventLoop(name: "client")
    private let server: RPCServer
    private let pools: PerLoop<PostgresPool>
    private let owner: PostgresPool
    private let clients = Mutex<[RPCClient]>([])
    private static let numbers = Atomic<Int>(0)

    /// Runs a test with a house of its own on the shared database.
    static func open(
        loops: Int = 1, database: TestDatabase? = nil, ownsSchemas: Bool = true,
        limits change: (inout ServiceLimits) -> Void = { _ in },
        _ body: @Sendable (House) async throws -> Void
    ) async throws {
        var limits = ServiceLimits()
        limits.allowsMaildir = true
        limits.allowsPrivateRelays = true
        change(&limits)
        let shared: TestDatabase
        if let database { shared = database } else { shared = try await TestDatabase.shared() }
        let house = try await House(shared, loops: loops, ownsSchemas: ownsSchemas, limits)
        do {
            try await body(house)
            await house.close()
        } catch {
            await house.close()
            throw error
        }
    }

    private init(
        _ database: TestDatabase, loops count: Int, ownsSchemas: Bool, _ limits: ServiceLimits
    ) async throws {
        let loops = (0..<count).map { EventLoop(name: "server-\($0)") }
        var made: [PostgresPool] = []
        for loop in loops {
            made.append(await loop.run { Self.pool(database.serve, connections: 2, on: loop) })
        }
        let places = made
        let pools = PerLoop(loops) { loop in places[loops.firstIndex { $0 === loop } ?? 0] }
        let owner = await loops[0].run { Self.pool(database.owner, connections: 1, on: loops[0]) }
        let administration = TenantAdministration(pool: owner) { pause throws(CancellationError) in
            try await loops[0].sleep(for: pause)
        }
        var session = PostgresConfiguration(connectionInfo: database.owner)
        session.connectTimeout = .seconds(60)
        let operatorKey = APIKey.generate(.admin, randomness: ServiceDependencies.systemRandomness)
        let clock = clock
        let keyring = Keyring(try #require(KeyEncryptionKey(octets: [UInt8](repeating: 7, count: 32))))
        var dependencies = ServiceDependencies(
            pools: pools,
            owner: ownsSchemas ? .init(loop: loops[0], administration: administration, session: session) : nil,
            operatorKey: operatorKey, keyring: keyring, deliverySignal: signal, clock: { clock.now }, limits: limits)
        dependencies.metrics = metrics
        dependencies.monthMissing = { [alarms] tenant in alarms.append(tenant.rawValue) }
        let services = Services(dependencies)
        let files = ServerCertificate.files
        server = try await RPCServer.start(
            on: loops, host: "127.0.0.1", port: 0,
            tls: try TLSContext(serverCertificateChain: files.certificate, privateKey: files.key),
            methods: services.methods, report: { _ in })
        self.loops = loops
        self.services = services
        self.pools = pools
        self.owner = owner
        self.operatorKey = operatorKey
    }

    private static func pool(_ info: String, connections: Int, on loop: EventLoop) -> PostgresPool {
        var configuration = PostgresConfiguration(connectionInfo: info)
        configuration.connections = connections
        configuration.connectTimeout = TestDatabase.patience
        configuration.reconnectPause = .milliseconds(10)...(.milliseconds(50))
        return PostgresPool(loop: loop, configuration: configuration)
    }

    private func close() async {
        for client in clients.withLock({ $0 }) { await client.close() }
        await services.beginDrain()
        await server.drain(grace: .seconds(5))
        for (loop, pool) in pools.all { await loop.run { await pool.close() } }
        await loops[0].run { [owner] in await owner.close() }
        for loop in loops + [clientLoop] { await loop.shutDown() }
    }

    /// Keeps credentials in step with the registry for the time of a closure, as a serving process does.
    func keepingCredentials(_ body: () async throws -> Void) async throws {
        let loop = loops[0]
        let keeping = loop.spawn { [services] in await services.keepCredentials(on: loop) }
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        keeping.cancel()
        await keeping.value
        try result.get()
    }

    /// Hears of facts that other processes change for the time of a closure, as a serving process does.
    func hearing(_ body: () async throws -> Void) async throws {
        let loop = loops[0]
        let hearing = loop.spawn { [services] in await services.keepFacts(on: loop) }
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        hearing.cancel()
        await hearing.value
        try result.get()
    }

    /// Runs a closure on the first loop, with what the services keep there.
    func onLoop<Value: Sendable>(_ body: @escaping @Sendable (LoopState) async throws -> Value) async throws -> Value {
        let core = services.core
        return try await loops[0].run { [loops] in
            guard let (_, state) = core.all.first(where: { $0.0 === loops[0] }) else { throw CancellationError() }
            return try await body(state)
        }
    }

    /// Ends what keeping credentials has to end before the pools are closed.
    func endKeeping() async {
        await loops[0].run { [services] in await services.endKeeping() }
    }

    /// Begins the end, as SIGTERM does.
    func drain() async {
        await services.beginDrain()
    }

    /// Returns when every pool has a connection, or none has.
    func isReady(_ isReady: Bool = true) async throws {
        for (loop, pool) in pools.all {
            try await loop.run {
                while (pool.status.connections > 0) != isReady { try await loop.sleep(for: .milliseconds(2)) }
            }
        }
    }

    // MARK: Clients

    /// A client on a connection of its own that sends this credential with every call.
    func client(_ credential: String?) throws -> RPCClient {
        let metadata = credential.map { [(name: "authorization", value: "Bearer \($0)")] } ?? []
        return try client(metadata: metadata)
    }

    /// A client on a connection of its own with these header fields.
    func client(metadata: [(name: String, value: String)]) throws -> RPCClient {
        let client = RPCClient(
            loop: clientLoop,
            configuration: .init(
                host: "localhost", port: server.port,
                tls: try TLSContext(trustedCertificates: ServerCertificate.files.certificate), metadata: metadata))
        clients.withLock { $0.append(client) }
        return client
    }

    func operatorClient() throws -> TenantServiceClient {
        TenantServiceClient(try client(operatorKey.text))
    }

    /// A name that no other test has.
    static func tenantID() -> String {
        // The number of the process keeps test runs on one cluster apart.
        "svc\(numbers.add(1, ordering: .relaxed).newValue)"
    }

    /// Makes a tenant with a portal key, and clients for its key.
    func tenant() async throws -> TestTenant {
        let portal = PortalSigner()
        var request = Carillon_V1_CreateTenantRequest()
        request.tenant.tenantID = Self.tenantID()
        request.tenant.displayName = "Northwind Supply"
        request.tenant.portalURL = "https://portal.example.com"
        request.portalKeysJson = portal.keySet
        let response = try await operatorClient().createTenant(request)
        return TestTenant(
            id: response.tenant.tenantID, key: response.apiKeySecret, portal: portal,
            client: try client(response.apiKeySecret), house: self)
    }
}

/// Remembers the tenants that an alarm named.
final class Alarms: Sendable {
    private let tenants = Mutex<[String]>([])

    func append(_ tenant: String) { tenants.withLock { $0.append(tenant) } }

    var all: [String] { tenants.withLock { $0 } }
}

/// Remembers the tenants that work was announced for.
final class RecordedSignal: DeliverySignal {
    private let woken = Mutex<[TenantID]>([])

    func wake(_ tenant: TenantID) { woken.withLock { $0.append(tenant) } }

    func count(of tenant: String) -> Int { woken.withLock { $0.count { $0.rawValue == tenant } } }
}
