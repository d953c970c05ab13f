import CarillonNet
import SwiftProtobuf
import Synchronization
import Testing

@testable import CarillonGRPC

/// Several servers behind one name, and a client whose view of that name the test decides.
private final class Replicas: Sendable {
    let loop = EventLoop(name: "replicas")
    let clientLoop = EventLoop(name: "client")
    private let servers: Mutex<[String: RPCServer]> = .init([:])
    private let addresses: Mutex<[NetworkAddress]> = .init([])
    let lookups = Events()

    /// Starts a server that answers with its name, at a port of its own or at that of one that is gone.
    @discardableResult
    func start(_ name: String, port: UInt16 = 0, isListed: Bool = true) async throws -> UInt16 {
        let files = TestCertificate.files
        let server = try await RPCServer.start(
            on: [loop], host: "127.0.0.1", port: port,
            tls: try TLSContext(serverCertificateChain: files.certificate, privateKey: files.key),
            methods: [.unary("/test/Name", inline: { (_: Text, _) in Text(name) }, async: { text, _ in text })],
            report: { _ in })
        servers.withLock { $0[name] = server }
        if isListed { try list(server.port) }
        return server.port
    }

    func list(_ port: UInt16, host: String = "127.0.0.1") throws {
        let address = try NetworkAddress.resolve(host: host, port: port)[0]
        addresses.withLock { $0.append(address) }
    }

    func unlist(_ port: UInt16) {
        addresses.withLock { $0.removeAll { $0.description.hasSuffix(":\(port)") } }
    }

    func stop(_ name: String) async {
        await servers.withLock { $0.removeValue(forKey: name) }?.drain(grace: .zero)
    }

    func client(_ change: (inout RPCClient.Configuration) -> Void = { _ in }) throws -> RPCClient {
        let tls = try TLSContext(trustedCertificates: TestCertificate.files.certificate)
        var configuration = RPCClient.Configuration(host: "localhost", port: 1, tls: tls)
        configuration.leastResolutionInterval = .milliseconds(10)
        configuration.backoff.initial = .milliseconds(20)
        change(&configuration)
        var surroundings = RPCClient.Surroundings()
        surroundings.resolve = { _ in try self.look() }
        return RPCClient(loop: clientLoop, configuration: configuration, surroundings: surroundings)
    }

    private func look() throws -> [NetworkAddress] {
        let found = addresses.withLock { $0 }
        lookups.record("found \(found.count).")
        if found.isEmpty { throw SomethingWrong() }
        return found
    }

    struct SomethingWrong: Error {}

    func end(_ client: RPCClient) async {
        await client.close()
        for name in servers.withLock({ Array($0.keys) }) { await stop(name) }
        await loop.shutDown()
        await clientLoop.shutDown()
    }
}

extension RPCClient {
    fileprivate func name() async throws(Status) -> String {
        let text: Text = try await unary("/test/Name", Text(""), options: CallOptions(timeout: .seconds(30)))
        return text.value
    }

    /// The names of the next servers, each once, until there are so many.
    fileprivate func names(until count: Int) async throws(Status) -> Set<String> {
        var seen: Set<String> = []
        while seen.count < count { seen.insert(try await name()) }
        return seen
    }
}

@Suite(.timeLimit(.minutes(5))) struct ClientBalancingTests {
    @Test(arguments: [Picker.Policy.roundRobin, .leastStreams])
    func callsAreSharedOutAmongAllAddresses(policy: Picker.Policy) async throws {
        let replicas = Replicas()
        for name in ["a", "b", "c"] { try await replicas.start(name) }
        let client = try replicas.client { $0.balancing = policy }
        #expect(try await client.names(until: 3) == ["a", "b", "c"])
        // With all of them connected, turns are exact.
        var counts: [String: Int] = [:]
        for _ in 0..<30 { counts[try await client.name(), default: 0] += 1 }
        #expect(counts == ["a": 10, "b": 10, "c": 10])
        await replicas.end(client)
    }

    @Test func aServerThatLeavesIsDoneWithoutAndTakenBack() async throws {
        let replicas = Replicas()
        try await replicas.start("a")
        let port = try await replicas.start("b")
        let client = try replicas.client()
        _ = try await client.names(until: 2)
        await replicas.stop("b")
        // No call fails on the way: what a connection that ends leaves open is what its server finished.
        for _ in 0..<20 { #expect(try await client.name() == "a") }
        try await replicas.start("b again", port: port, isListed: false)
        #expect(try await client.names(until: 2) == ["a", "b again"])
        await replicas.end(client)
    }

    @Test func aNameThatChangesIsFollowed() async throws {
        let replicas = Replicas()
        let port = try await replicas.start("old")
        let client = try replicas.client { $0.resolutionInterval = .milliseconds(20) }
        #expect(try await client.name() == "old")
        try await replicas.start("new")
        #expect(try await client.names(until: 2) == ["old", "new"])
        replicas.unlist(port)
        // In turns, the old one would answer every second call.
        var streak = 0
        while streak < 10 { streak = try await client.name() == "new" ? streak + 1 : 0 }
        await replicas.end(client)
    }

    @Test func addressesBeyondTheLimitAreNotUsed() async throws {
        let replicas = Replicas()
        for name in ["a", "b", "c"] { try await replicas.start(name) }
        let client = try replicas.client { $0.limits.addresses = 2 }
        #expect(try await client.names(until: 2) == ["a", "b"])
        for _ in 0..<10 { #expect(try await client.name() != "c") }
        await replicas.end(client)
    }

    @Test func theOtherFamilyIsTheWayWhenTheFirstFails() async throws {
        let replicas = Replicas()
        let port = try await replicas.start("four", isListed: false)
        // Nothing listens on IPv6.
        try replicas.list(port, host: "::1")
        try replicas.list(port)
        let client = try replicas.client()
        #expect(try await client.name() == "four")
        await replicas.end(client)
    }

    @Test func whereNobodyListensCallsFailAtOnceOrWait() async throws {
        let replicas = Replicas()
        let port = try await replicas.start("gone")
        await replicas.stop("gone")
        let client = try replicas.client()
        let error = await #expect(throws: Status.self) { _ = try await client.name() }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("cannot connect to 127.0.0.1:\(port)") == true)
        let late: RPCAnswer<Text> = await client.unaryAnswer(
            "/test/Name", Text(""), options: CallOptions(timeout: .milliseconds(50), waitsForReady: true))
        let status = #expect(throws: Status.self) { try late.result.get() }
        #expect(status?.code == .deadlineExceeded)
        #expect(status?.message.contains("cannot connect") == true)
        async let waiting: Text = client.unary("/test/Name", Text(""), options: CallOptions(waitsForReady: true))
        try await replicas.start("back", port: port, isListed: false)
        #expect(try await waiting.value == "back")
        await replicas.end(client)
    }

    @Test func aNameThatIsNotFoundIsLookedUpAgain() async throws {
        let replicas = Replicas()
        let client = try replicas.client()
        let error = await #expect(throws: Status.self) { _ = try await client.name() }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("cannot be resolved") == true)
        async let waiting: Text = client.unary("/test/Name", Text(""), options: CallOptions(waitsForReady: true))
        try await replicas.start("found")
        #expect(try await waiting.value == "found")
        await replicas.end(client)
    }

    @Test func aClientThatIsClosedEndsItsCalls() async throws {
        let replicas = Replicas()
        let client = try replicas.client()
        let waiting = Task {
            let _: Text = try await client.unary("/a/b", Text(""), options: .init(waitsForReady: true))
        }
        await replicas.lookups.first(containing: "found")
        await client.close()
        await #expect(throws: Status(.cancelled, "the client was closed")) { try await waiting.value }
        await #expect(throws: Status(.unavailable, "the client is closed")) { _ = try await client.name() }
        await replicas.end(client)
    }
}
