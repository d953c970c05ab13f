import CarillonNet
import SwiftProtobuf
import Testing

@testable import CarillonGRPC

/// What a client makes of its connections' ends, its servers' slowness and its own configuration.
@Suite(.timeLimit(.minutes(3))) struct ClientConnectionTests {
    /// A server that takes nothing for a while is waited for: only servers cut off peers that do not read.
    @Test func aSlowServerIsNotCutOff() {
        let limits = ClientTransport.limits(ClientLimits(), handshakeTime: .seconds(7))
        #expect(limits.outputStall == nil)
        #expect(limits.keepaliveTime == nil)
        #expect(limits.handshakeTime == .seconds(7))
        #expect(HTTP2Limits().outputStall == .seconds(60))
    }

    /// The server reads nothing more and the socket is full, so that the last calls wait behind what was sent: they are sent
    /// on the next connection, unseen and without any policy.
    @Test func whatNeverWentOutIsSentOnAnotherConnection() async throws {
        let server = try await ForeignServer(.h2)
        let policy = KeepalivePolicy(exactTime: .milliseconds(300), timeout: .milliseconds(700))
        try await server.withClient({ $0.keepalive = policy }) { client in
            let lost = await withTaskGroup(of: StatusCode.self) { group in
                group.addTask { await Self.code(of: "/case/freeze", client) }
                await server.events.first(containing: "frozen")
                // Eight MiB are more than the socket's buffers take.
                let large = String(repeating: "x", count: 60_000)
                for _ in 0..<140 { group.addTask { await Self.code(of: "/case/echo_length", client, large) } }
                return await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            // Those that went out may have been carried out; the others were answered on the second connection.
            #expect(lost[.unavailable, default: 0] > 1)
            #expect(lost[.ok, default: 0] > 1)
            #expect(lost.values.reduce(0, +) == 141)
        }
    }

    private static func code(of path: StaticString, _ client: RPCClient, _ text: String = "") async -> StatusCode {
        let answer: RPCAnswer<Text> = await client.unaryAnswer(path, Text(text))
        switch answer.result {
        case .success: return .ok
        case .failure(let status): return status.code
        }
    }

    /// libnghttp2 resets the stream, not the server.
    @Test func anAnswerThatBreaksHTTP2IsNotCalledAReset() async throws {
        let answer: RPCAnswer<Text> = try await ForeignServer.h2.value.withClient {
            await $0.unaryAnswer("/case/wrong_length", Text(""))
        }
        let error = #expect(throws: Status.self) { try answer.result.get() }
        #expect(error?.code == .internalError)
        #expect(error?.message.contains("breaks HTTP/2") == true)
    }

    @Test(arguments: [("X-A", "b"), ("x-a", "b\r\nx-b: c"), ("te", "gzip"), ("grpc-timeout", "1S")])
    func metadataOfTheConfigurationIsChecked(name: String, value: String) async throws {
        let server = try await ForeignServer(.h2)
        let answer: RPCAnswer<Text> = try await server.withClient({ $0.metadata = [(name, value)] }) {
            await $0.unaryAnswer("/case/where", Text(""))
        }
        let error = #expect(throws: Status.self) { try answer.result.get() }
        #expect(error?.code == .internalError)
        #expect(server.connections == 0)
    }

    /// A loop that has ended runs nothing any more; whoever still calls learns it.
    @Test func callsBehindTheEndOfTheLoopAreUnavailable() async throws {
        let loop = EventLoop(name: "ended")
        let tls = try TLSContext(trustedCertificates: TestCertificate.files.certificate)
        let client = RPCClient(loop: loop, configuration: .init(host: "127.0.0.1", port: 1, tls: tls))
        await client.close()
        async let one: Void = loop.shutDown()
        async let other: Void = loop.shutDown()
        _ = await (one, other)
        await loop.shutDown()
        let answer: RPCAnswer<Text> = await client.unaryAnswer("/case/where", Text(""))
        #expect(throws: Status(.unavailable, "the client is closed")) { try answer.result.get() }
        await #expect(throws: Status(.unavailable, "the client is closed")) {
            let _: ResponseReader<Text> = try await client.serverStreaming("/case/where", Text(""))
        }
        await client.close()
    }
}
