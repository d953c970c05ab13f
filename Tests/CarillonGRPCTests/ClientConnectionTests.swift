import CarillonNet
import SwiftProtobuf
import Testing

@testable import CarillonGRPC

/// What a client makes of its connections' ends, its servers' slowness and its own configuration.
@Suite(.timeLimit(.minutes(5))) struct ClientConnectionTests {
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
        let tls = try TLSContext(trustedCertificates: TestCertificate.files.certificate)
        let loop = EventLoop(name: "client")
        let configuration = RPCClient.Configuration(host: "127.0.0.1", port: server.port, tls: tls)
        // Eight MiB are more than the socket's buffers take, and 140 calls more than the server takes at once.
        let large = try MessageFrame.of(Text(String(repeating: "x", count: 60_000)), .identity)
        let codes: [StatusCode] = try await loop.run {
            let channel = ClientChannel(loop: loop, configuration: configuration, surroundings: .init())
            var calls = [Self.begin("/case/freeze", [0, 0, 0, 0, 0], channel)]
            await server.events.first(containing: "frozen")
            for _ in 0..<140 { calls.append(Self.begin("/case/echo_length", large, channel)) }
            // At the end of the tick they are sent as far as the socket takes them.
            try await loop.offload {}
            try server.tell("drop")
            var codes: [StatusCode] = []
            for call in calls { codes.append(await Self.code(of: call)) }
            channel.close()
            return codes
        }
        // Those that went out may have been carried out; the others were answered on the second connection.
        #expect(codes.count { $0 == .unavailable } > 1)
        #expect(codes.count { $0 == .ok } > 1)
        #expect(Set(codes) == [.unavailable, .ok])
        await loop.shutDown()
    }

    private static func begin(_ path: StaticString, _ frame: [UInt8], _ channel: ClientChannel) -> ClientCall {
        let call = ClientCall(channel: channel, path: path, options: CallOptions())
        call.start(frame, isWhole: true)
        return call
    }

    private static func code(of call: ClientCall) async -> StatusCode {
        do throws(Status) {
            let _: Text = try await call.single()
            return .ok
        } catch {
            return error.code
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
