import CarillonAPI
import CarillonGRPC
import SwiftProtobuf
import Testing

@testable import StandardServices

@Suite("grpc.health.v1", .timeLimit(.minutes(5)))
struct HealthTests {
    private static func asking(_ name: String) -> Grpc_Health_V1_HealthCheckRequest {
        .with { $0.service = name }
    }

    @Test("Check tells of the server, of each service, and of the two usual names")
    func check() async throws {
        try await StandardServer.run { server in
            let health = HealthClient(try server.client())
            let names = ["", "readiness", "carillon.v1.InboxService", "grpc.health.v1.Health"]
            for name in names + ["liveness"] {
                #expect(try await health.check(Self.asking(name)).status == .serving, "\(name)")
            }
            server.turn(serving: false)
            for name in names {
                #expect(try await health.check(Self.asking(name)).status == .notServing, "\(name)")
            }
            // A process that cannot answer calls is not to be killed for it.
            #expect(try await health.check(Self.asking("liveness")).status == .serving)
            for name in ["carillon.v1.NoService", "Readiness", " ", "carillon.v1.InboxService/ListInbox"] {
                #expect(await failure { try await health.check(Self.asking(name)) }?.code == .notFound, "\(name)")
            }
        }
    }

    @Test("List tells the same of every name")
    func list() async throws {
        try await StandardServer.run { server in
            let health = HealthClient(try server.client())
            var told = try await health.list(.init()).statuses.mapValues(\.status)
            let names: Set = ["", "readiness", "liveness", "carillon.v1.InboxService", "grpc.health.v1.Health"]
            #expect(told == Dictionary(uniqueKeysWithValues: names.map { ($0, .serving) }))
            server.turn(serving: false)
            told = try await health.list(.init()).statuses.mapValues(\.status)
            #expect(Set(told.filter { $0.value == .notServing }.keys) == names.subtracting(["liveness"]))
        }
    }

    @Test("List refuses more than a hundred names", arguments: [(96, true), (97, false)])
    func longList(services: Int, isTold: Bool) async throws {
        // Four names are there besides.
        try await StandardServer.run(services: (0..<services).map { "s\($0)" }) { server in
            let health = HealthClient(try server.client())
            let refusal = await failure { try await health.list(.init()) }
            #expect(refusal?.code == (isTold ? nil : .resourceExhausted))
            #expect(try await health.check(Self.asking("s3")).status == .serving)
        }
    }

    @Test("Watch tells the state at once and each change, on every loop", arguments: ["", "carillon.v1.InboxService"])
    func watch(name: String) async throws {
        try await StandardServer.run(loops: 3) { server in
            var watches: [ResponseReader<Grpc_Health_V1_HealthCheckResponse>.Iterator] = []
            for _ in 0..<6 {
                let health = HealthClient(try server.client())
                watches.append(try await health.watch(Self.asking(name)).makeAsyncIterator())
            }
            for index in watches.indices { #expect(try await watches[index].next()?.status == .serving) }
            for isServing in [false, true, false] {
                server.turn(serving: isServing)
                for index in watches.indices {
                    #expect(try await watches[index].next()?.status == (isServing ? .serving : .notServing))
                }
            }
        }
    }

    @Test("Watch tells nothing twice")
    func unchanged() async throws {
        try await StandardServer.run { server in
            let health = HealthClient(try server.client())
            var watch = try await health.watch(Self.asking("")).makeAsyncIterator()
            #expect(try await watch.next()?.status == .serving)
            for _ in 0..<10 { server.health.changed() }
            // Whatever the ten have made of the stream came before this answer.
            _ = try await health.check(Self.asking(""))
            server.turn(serving: false)
            #expect(try await watch.next()?.status == .notServing)
        }
    }

    @Test("Watch of an unknown name stays open, and ends with the server")
    func unknown() async throws {
        try await StandardServer.run { server in
            let health = HealthClient(try server.client())
            var watch = try await health.watch(Self.asking("no.Service")).makeAsyncIterator()
            #expect(try await watch.next()?.status == .serviceUnknown)
            server.turn(serving: false)
            await server.beginDrain()
            #expect(await failure { try await watch.next() }?.code == .unavailable)
        }
    }

    @Test("the end is told to every watch, and Check goes on")
    func draining() async throws {
        try await StandardServer.run(loops: 2) { server in
            let health = HealthClient(try server.client())
            var watch = try await health.watch(Self.asking("")).makeAsyncIterator()
            #expect(try await watch.next()?.status == .serving)
            await server.beginDrain()
            #expect(try await watch.next()?.status == .notServing)
            #expect(await failure { try await watch.next() }?.code == .unavailable)
            #expect(try await health.check(Self.asking("")).status == .notServing)
            // Who comes now is told the same, and not kept.
            var late = try await health.watch(Self.asking("")).makeAsyncIterator()
            #expect(try await late.next()?.status == .notServing)
            #expect(await failure { try await late.next() }?.code == .unavailable)
        }
    }

    @Test("watches are bounded, for the server and for a connection, and give their places back")
    func bounds() async throws {
        let limits: (inout StandardServiceLimits) -> Void = {
            $0.watches = 3
            $0.watchesPerConnection = 2
        }
        try await StandardServer.run(loops: 2, limits: limits) { server in
            let (first, second) = (HealthClient(try server.client()), HealthClient(try server.client()))
            // Kept, since a call that nobody reads any more is cancelled.
            var watches = [try await Self.open(first), try await Self.open(first)]
            #expect(await failure { try await Self.open(first) }?.code == .resourceExhausted)
            watches.append(try await Self.open(second))
            #expect(await failure { try await Self.open(second) }?.code == .resourceExhausted)
            watches[0].cancel()
            // The place is free as soon as the server has heard of it.
            var refusal: Status? = Status(.resourceExhausted, "")
            while refusal?.code == .resourceExhausted { refusal = await failure { try await Self.open(second) } }
            #expect(refusal == nil)
            withExtendedLifetime(watches) {}
        }
    }

    /// Opens a watch that was told something.
    @discardableResult
    private static func open(
        _ health: HealthClient
    ) async throws -> ResponseReader<Grpc_Health_V1_HealthCheckResponse> {
        let reader = try await health.watch(asking(""))
        var iterator = reader.makeAsyncIterator()
        #expect(try await iterator.next()?.status == .serving)
        return reader
    }
}
