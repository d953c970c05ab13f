import CarillonAPI
import CarillonGRPC
import CarillonNet
import Support
import Synchronization

@testable import StandardServices

/// A real server over TLS with nothing but the standard services, and clients for it.
struct StandardServer: Sendable {
    let isServing: Switch
    let health: HealthService
    private let reflection: ReflectionService
    private let loops: [EventLoop]
    private let clientLoop = EventLoop(name: "client")
    private let server: RPCServer
    private let clients = Clients()

    /// What the test says of the server's health.
    final class Switch: Sendable {
        private let value = Atomic<Bool>(true)
        var isOn: Bool {
            get { value.load(ordering: .relaxed) }
            set { value.store(newValue, ordering: .relaxed) }
        }
    }

    private final class Clients: Sendable {
        let all = Mutex<[RPCClient]>([])
    }

    /// Runs a test with a server of its own.
    static func run(
        loops: Int = 1, services: [String] = ["carillon.v1.InboxService"],
        limits change: (inout StandardServiceLimits) -> Void = { _ in },
        _ body: @Sendable (StandardServer) async throws -> Void
    ) async throws {
        var limits = StandardServiceLimits()
        change(&limits)
        let server = try await StandardServer(loops: loops, services: services, limits)
        do {
            try await body(server)
            await server.stop()
        } catch {
            await server.stop()
            throw error
        }
    }

    private init(loops count: Int, services: [String], _ limits: StandardServiceLimits) async throws {
        let isServing = Switch()
        let loops = (0..<count).map { EventLoop(name: "server-\($0)") }
        health = HealthService(loops: loops, services: services, limits: limits) { isServing.isOn }
        guard let descriptors = DescriptorSet(base64: CarillonDescriptors.base64) else {
            throw Status(.internalError, "the descriptors do not parse")
        }
        reflection = ReflectionService(
            loops: loops, descriptors: descriptors, services: services + [HealthService.name], limits: limits)
        let files = ServerCertificate.files
        server = try await RPCServer.start(
            on: loops, host: "127.0.0.1", port: 0,
            tls: try TLSContext(serverCertificateChain: files.certificate, privateKey: files.key),
            methods: health.methods + reflection.methods, report: { _ in })
        self.loops = loops
        self.isServing = isServing
    }

    /// A client on a connection of its own.
    func client() throws -> RPCClient {
        let tls = try TLSContext(trustedCertificates: ServerCertificate.files.certificate)
        let client = RPCClient(
            loop: clientLoop, configuration: .init(host: "localhost", port: server.port, tls: tls))
        clients.all.withLock { $0.append(client) }
        return client
    }

    /// Says how the server stands, as its owner would.
    func turn(serving: Bool) {
        isServing.isOn = serving
        health.changed()
    }

    /// What SIGTERM does to these services.
    func beginDrain() async {
        isServing.isOn = false
        await health.beginDrain()
        await reflection.beginDrain()
    }

    /// The whole end; returns how long the server took.
    @discardableResult
    func drain(grace: Duration) async -> Duration {
        await beginDrain()
        let clock = ContinuousClock()
        return await clock.measure { await server.drain(grace: grace) }
    }

    private func stop() async {
        for client in clients.all.withLock({ $0 }) { await client.close() }
        await drain(grace: .seconds(5))
        for loop in loops + [clientLoop] { await loop.shutDown() }
    }
}

/// The status that a call ends with.
func failure<Value>(_ call: () async throws -> Value) async -> Status? {
    do {
        _ = try await call()
        return nil
    } catch {
        return error as? Status
    }
}
