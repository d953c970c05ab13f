import CarillonNet
import SwiftProtobuf
import Testing

@testable import CarillonGRPC

/// A server whose answers are drawn by lot: each call ends with a status, and nothing of it is left.
@Suite(.timeLimit(.minutes(5))) struct ClientHostileServerTests {
    private static let seeds = 120

    @Test func everyCallEnds() async throws {
        let server = try await ForeignServer(.hostile)
        let port = server.port
        let loop = EventLoop(name: "client")
        let tls = try TLSContext(trustedCertificates: TestCertificate.files.certificate)
        let codes = await withTaskGroup(of: [StatusCode].self) { group in
            // Twelve clients side by side, each with further connections after those that it loses.
            for lane in 0..<12 {
                group.addTask {
                    var codes: [StatusCode] = []
                    for seed in stride(from: lane, to: Self.seeds, by: 12) {
                        codes += await Self.call(seed, port, tls, loop)
                    }
                    return codes
                }
            }
            return await group.reduce(into: []) { $0 += $1 }
        }
        #expect(codes.count == 2 * Self.seeds)
        // Some lots leave the answer as it was, and most do not.
        #expect(codes.contains(.ok))
        #expect(Set(codes).count > 4, "\(Set(codes))")
        withExtendedLifetime(server) {}
        await loop.shutDown()
    }

    /// A call of each kind by one lot, by a client of its own.
    private static func call(_ seed: Int, _ port: UInt16, _ tls: TLSContext, _ loop: EventLoop) async -> [StatusCode] {
        var configuration = RPCClient.Configuration(host: "127.0.0.1", port: port, tls: tls)
        let policy = RetryPolicy(maxAttempts: 3, initialBackoff: .milliseconds(1), maxBackoff: .milliseconds(1))
        configuration.service.methods = [MethodConfig(names: ["/hostile/Retried"], retry: policy)]
        let channel = ClientChannel(loop: loop, configuration: configuration, surroundings: .init())
        let options = CallOptions(timeout: .seconds(3), metadata: [("x-seed", "\(seed)")])
        return await loop.run {
            let unary = ClientCall(channel: channel, path: "/hostile/Retried", options: options)
            unary.start([0, 0, 0, 0, 0], isWhole: true)
            let stream = ClientCall(channel: channel, path: "/hostile/Stream", options: options)
            stream.start(nil, isWhole: false)
            stream.finishSending()
            let first = await code { () async throws(Status) in try await unary.single() }
            let second = await code { () async throws(Status) in
                var last: Text?
                while let text: Text = try await stream.next() { last = text }
                return last ?? Text("")
            }
            #expect(unary.isOver && stream.isOver)
            #expect(channel.retained == 0)
            channel.close()
            return [first, second]
        }
    }

    private static func code(_ body: () async throws(Status) -> Text) async -> StatusCode {
        do throws(Status) {
            _ = try await body()
            return .ok
        } catch {
            return error.code
        }
    }
}
