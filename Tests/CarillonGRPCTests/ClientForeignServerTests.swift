import CarillonNet
import SwiftProtobuf
import Testing

@testable import CarillonGRPC

extension ForeignServer {
    /// One for all tests whose cases do not meet on the way.
    static let h2 = Task { try await ForeignServer(.h2) }
    static let grpcio = Task { try await ForeignServer(.grpcio) }
}

/// Answers that are not as they should be, from a server on another HTTP/2 library. The names are those of
/// `ForeignServers/h2_server.py`, some of which are those of gRPC's negative interop tests.
@Suite(.timeLimit(.minutes(5))) struct ClientNegativeTests {
    private static func outcome(of path: StaticString) async throws -> RPCAnswer<Text> {
        try await ForeignServer.h2.value.withClient { await $0.unaryAnswer(path, Text("question")) }
    }

    @Test(
        arguments: [
            ("/case/rst_after_header", StatusCode.internalError), ("/case/rst_during_data", .internalError),
            ("/case/rst_after_data", .internalError), ("/case/rst/0", .internalError), ("/case/rst/2", .internalError),
            ("/case/rst/7", .unavailable), ("/case/rst/8", .cancelled), ("/case/rst/11", .resourceExhausted),
            ("/case/rst/12", .permissionDenied), ("/case/rst/4096", .internalError),
            ("/case/http/401", .unauthenticated), ("/case/http/404", .unimplemented), ("/case/http/503", .unavailable),
            ("/case/http/200", .unknown), ("/case/type/none", .unknown), ("/case/type/json", .unknown),
            ("/case/no_trailers", .unknown), ("/case/no_status", .unknown), ("/case/trailers_only/0", .unimplemented),
            ("/case/trailers_only/7", .permissionDenied), ("/case/trailers_only/seven", .unknown),
            ("/case/trailers_only/77", .unknown), ("/case/messages/0", .unimplemented),
            ("/case/messages/2", .unimplemented), ("/case/half_message", .internalError),
            ("/case/encoding/zstd", .internalError), ("/case/encoding/identity", .internalError),
            ("/case/large/4194305", .resourceExhausted), ("/case/headers_of/20000", .resourceExhausted),
        ] as [(StaticString, StatusCode)])
    func badAnswersHaveCodes(path: StaticString, code: StatusCode) async throws {
        let answer = try await Self.outcome(of: path)
        guard case .failure(let status) = answer.result else {
            Issue.record("the call went well")
            return
        }
        #expect(status.code == code, "\(status)")
    }

    @Test(arguments: ["/case/type/grpc+proto", "/case/type/grpc;x=y", "/case/messages/1"] as [StaticString])
    func properAnswersInOtherFormsAreTaken(path: StaticString) async throws {
        #expect(try await Self.outcome(of: path).result.get().value.isEmpty == false)
    }

    @Test func aTrailersOnlyAnswerCarriesMessageAndMetadata() async throws {
        let answer = try await Self.outcome(of: "/case/trailers_only/9")
        #expect(throws: Status(.failedPrecondition, "50% %zz")) { try answer.result.get() }
        #expect(answer.trailers["x-only"] == "1")
        #expect(answer.headers.fields.isEmpty)
    }

    @Test func metadataComesAndGoesBothWays() async throws {
        var sent = Metadata()
        sent.append(binary: "x-sent-bin", [0, 255, 16])
        let options = CallOptions(metadata: sent.fields.map { ($0.name, $0.value) })
        let answer: RPCAnswer<Text> = try await ForeignServer.h2.value.withClient(
            { $0.userAgentPrefix = "portal/2.1" },
            { await $0.unaryAnswer("/case/metadata", Text(""), options: options) })
        #expect(try answer.result.get().value == "portal/2.1 \(RPCClient.Configuration.libraryName)")
        #expect(answer.headers.values("x-lead") == ["a", "b"])
        #expect(answer.headers.binary("x-sent-bin") == [[0, 255, 16]])
        #expect(answer.trailers.binary("x-trail-bin") == [[0xab, 0xab, 0xab], [1, 2]])
        #expect(answer.trailers["x-te"] == "trailers")
    }

    @Test func whatCannotBeSentIsNotSent() async throws {
        let error = await #expect(throws: Status.self) {
            let _: Text = try await ForeignServer.h2.value.withClient {
                try await $0.unary("/case/where", Text(""), options: CallOptions(metadata: [("x-a", "secret\n")]))
            }
        }
        #expect(error?.code == .internalError)
        #expect(error?.message.contains("secret") == false)
    }

    @Test func theNameThatIsVerifiedMayDifferFromTheOneThatIsDialled() async throws {
        let name: Text = try await ForeignServer.h2.value.withClient({ $0.serverName = "localhost" }) {
            try await $0.unary("/case/authority", Text(""))
        }
        #expect(name.value.hasPrefix("localhost:"))
        let error = await #expect(throws: Status.self) {
            let _: Text = try await ForeignServer.h2.value.withClient({ $0.serverName = "elsewhere.example" }) {
                try await $0.unary("/case/authority", Text(""))
            }
        }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("certificate") == true)
    }

    @Test func pingsAreAnswered() async throws {
        let text = try await Self.outcome(of: "/case/ping").result.get()
        #expect(text.value == "three pings were answered")
    }

    @Test func aConnectionThatSaysGoodbyeIsReplaced() async throws {
        try await ForeignServer.h2.value.withClient { client in
            var connections: Set<String> = []
            for _ in 0..<3 {
                let text: Text = try await client.unary("/case/goaway", Text(""))
                connections.insert(text.value)
            }
            #expect(connections.count == 3)
        }
    }

    @Test func whatAGoodbyeLeavesOutIsSentAgainUnseen() async throws {
        let text: Text = try await ForeignServer.h2.value.withClient {
            try await $0.unary("/case/goaway_unprocessed", Text(""))
        }
        #expect(text.value.hasSuffix(" none"))
    }

    /// A server that takes every connection and ends it is not connected to again and again.
    @Test func aServerThatHangsUpIsNotRushed() async throws {
        let server = try await ForeignServer(.h2, ["--hang-up"])
        let policy = RetryPolicy(maxAttempts: 5, initialBackoff: .milliseconds(1), maxBackoff: .milliseconds(1))
        try await server.withClient({
            $0.service.methods = [MethodConfig(names: [""], retry: policy)]
            $0.backoff.initial = .seconds(600)
        }) { client in
            let answer: RPCAnswer<Text> = await client.unaryAnswer(
                "/case/where", Text(""), options: CallOptions(timeout: .milliseconds(600), waitsForReady: true))
            let error = #expect(throws: Status.self) { try answer.result.get() }
            #expect(error?.code == .deadlineExceeded, "\(error.map { "\($0)" } ?? "")")
        }
        // The second attempt to connect comes so long after the first began, although that went well.
        #expect(server.connections <= 1)
    }

    @Test func theLimitOfStreamsIsKept() async throws {
        let server = try await ForeignServer(.h2, ["--max-streams", "1"])
        try await server.withClient({ $0.limits.connectionsPerAddress = 1 }) { client in
            try await withThrowingTaskGroup(of: Text.self) { group in
                for _ in 0..<20 { group.addTask { try await client.unary("/case/where", Text("x")) } }
                for try await text in group { #expect(text.value == "1 1") }
            }
        }
        #expect(server.connections == 1)
    }

    @Test func furtherConnectionsAreOpenedWhenTheLimitIsReached() async throws {
        let server = try await ForeignServer(.h2, ["--max-streams", "1"])
        try await server.withClient({ $0.limits.connectionsPerAddress = 3 }) { client in
            let readers = try await withThrowingTaskGroup(of: ResponseReader<Text>.self) { group in
                for _ in 0..<3 { group.addTask { try await client.serverStreaming("/case/never", Text("")) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            await server.events.first(containing: "connection 3")
            // A fourth has to wait, and is told why when its time is over.
            let error = await #expect(throws: Status.self) {
                let _: Text = try await client.unary(
                    "/case/where", Text(""), options: CallOptions(timeout: .milliseconds(200)))
            }
            #expect(error?.code == .deadlineExceeded)
            #expect(error?.message.contains("take no more calls") == true)
            readers[0].cancel()
            let text: Text = try await client.unary("/case/where", Text(""))
            #expect(text.value.hasSuffix(" 1"))
            for reader in readers { reader.cancel() }
        }
        #expect(server.connections == 3)
    }

    @Test func aLineThatIsFullTakesNoMore() async throws {
        let server = try await ForeignServer(.h2, ["--max-streams", "1"])
        try await server.withClient({
            $0.limits.connectionsPerAddress = 1
            $0.limits.waitingCalls = 2
        }) { client in
            let first: ResponseReader<Text> = try await client.serverStreaming("/case/never", Text(""))
            await server.events.first(containing: "never")
            let waiting = try await [
                client.serverStreaming("/case/where", Text("")) as ResponseReader<Text>,
                client.serverStreaming("/case/where", Text("")) as ResponseReader<Text>,
            ]
            let error = await #expect(throws: Status.self) {
                let _: Text = try await client.unary("/case/where", Text(""))
            }
            #expect(error?.code == .resourceExhausted)
            first.cancel()
            for reader in waiting { #expect(await reader.outcome().status.code == .ok) }
        }
    }
}

/// Retries by the rules of gRFC A6, seen from the server.
@Suite(.timeLimit(.minutes(5))) struct ClientRetryCallTests {
    private static let policy = RetryPolicy(
        maxAttempts: 4, initialBackoff: .milliseconds(5), maxBackoff: .milliseconds(20))

    private static func withClient<Result>(
        throttling: RetryThrottle.Policy? = .init(), _ body: (RPCClient) async throws -> Result
    ) async throws -> Result {
        try await ForeignServer.h2.value.withClient(
            {
                $0.service = ServiceConfig(methods: [MethodConfig(names: [""], retry: policy)], throttling: throttling)
            }, body)
    }

    @Test func aCallIsTriedAgainAndSaysSo() async throws {
        let text: Text = try await Self.withClient { try await $0.unary("/case/unavailable/3", Text("four")) }
        // The whole request comes again: five octets of prefix, two of field and length, four of text.
        #expect(text.value == "11 3")
    }

    @Test func attemptsAreBounded() async throws {
        let (error, count) = try await Self.withClient { client in
            let answer: RPCAnswer<Text> = await client.unaryAnswer("/case/unavailable/1000", Text(""))
            let count: Text = try await client.unary("/case/attempts/unavailable/1000", Text(""))
            return (answer.result, count.value)
        }
        #expect(throws: Status(.unavailable, "not now")) { try error.get() }
        #expect(count == "4")
    }

    @Test func theThrottleKeepsAFailingServerFromMore() async throws {
        let count: Text = try await Self.withClient(throttling: .init(maxTokens: 4, tokenRatio: 0.1)) { client in
            for _ in 0..<10 { let _: RPCAnswer<Text> = await client.unaryAnswer("/case/unavailable/1001", Text("")) }
            return try await client.unary("/case/attempts/unavailable/1001", Text(""))
        }
        // Two attempts until half of the tokens are gone, then nine calls with one each.
        #expect(count.value == "11")
    }

    @Test func pushbackIsObeyed() async throws {
        let text: Text = try await Self.withClient { try await $0.unary("/case/pushback/20", Text("")) }
        #expect(text.value == "at last")
        let refused: RPCAnswer<Text> = try await Self.withClient {
            await $0.unaryAnswer("/case/pushback/-1", Text(""))
        }
        #expect(throws: Status(.unavailable, "not now")) { try refused.result.get() }
    }

    @Test func aRetryThatWouldBeginBehindTheDeadlineIsNone() async throws {
        let answer: RPCAnswer<Text> = try await Self.withClient {
            await $0.unaryAnswer("/case/pushback/3600000", Text(""), options: CallOptions(timeout: .seconds(60)))
        }
        #expect(throws: Status(.unavailable, "not now")) { try answer.result.get() }
    }

    @Test func anAnswerThatHasBegunIsNotTriedAgain() async throws {
        let (answer, count) = try await Self.withClient { client in
            let answer: RPCAnswer<Text> = await client.unaryAnswer("/case/headers_then_unavailable", Text(""))
            let count: Text = try await client.unary("/case/attempts/headers_then_unavailable", Text(""))
            return (answer, count)
        }
        #expect(throws: Status(.unavailable, "not now")) { try answer.result.get() }
        #expect(count.value == "1")
    }

    @Test func refusedCallsAreSentAgainOnceWithoutAPolicy() async throws {
        let server = try await ForeignServer.h2.value
        let text: Text = try await server.withClient { try await $0.unary("/case/refused/1", Text("")) }
        // A transparent retry is no attempt of the policy.
        #expect(text.value == "none")
        let twice: RPCAnswer<Text> = try await server.withClient { await $0.unaryAnswer("/case/refused/2", Text("")) }
        #expect(throws: Status.self) { try twice.result.get() }
        let withPolicy: Text = try await Self.withClient { try await $0.unary("/case/refused/3", Text("")) }
        #expect(withPolicy.value == "2")
    }

    @Test func aStreamIsSentAgainAsFarAsItCame() async throws {
        let text = try await Self.withClient { client in
            let (writer, reader): (RequestWriter<Text>, ResponseReader<Text>) =
                try await client.clientStreaming("/case/unavailable_early")
            for _ in 0..<50 { try await writer.send(Text("1234567890")) }
            writer.finish()
            var iterator = reader.makeAsyncIterator()
            return try await iterator.next()?.value
        }
        #expect(text == "\(50 * 17)")
    }

    @Test func aRequestThatIsTooLongToKeepIsNotSentAgain() async throws {
        let answer: RPCAnswer<Text> = try await Self.withClient {
            await $0.unaryAnswer("/case/unavailable/2", Text(String(repeating: "x", count: 300_000)))
        }
        #expect(throws: Status(.unavailable, "not now")) { try answer.result.get() }
    }
}

/// Flow in both directions, and silence.
@Suite(.timeLimit(.minutes(5))) struct ClientFlowTests {
    @Test func leadingMetadataComesBeforeTheEnd() async throws {
        try await ForeignServer.h2.value.withClient { client in
            let (writer, reader): (RequestWriter<Text>, ResponseReader<Text>) =
                try await client.bidirectionalStreaming("/case/early_headers")
            #expect(await reader.headers()["x-early"] == "1")
            writer.finish()
            var iterator = reader.makeAsyncIterator()
            #expect(try await iterator.next()?.value == "late")
            #expect(try await iterator.next() == nil)
            #expect(await reader.outcome().status == .ok)
        }
    }

    @Test func anAnswerBeforeTheEndOfTheRequestEndsTheCall() async throws {
        try await ForeignServer.h2.value.withClient { client in
            let (writer, reader): (RequestWriter<Text>, ResponseReader<Text>) =
                try await client.bidirectionalStreaming("/case/early_answer")
            var iterator = reader.makeAsyncIterator()
            #expect(try await iterator.next()?.value == "enough")
            #expect(try await iterator.next() == nil)
            await #expect(throws: Status.self) { try await writer.send(Text("more")) }
        }
    }

    /// The server gives no window: 64 KiB are on their way, 64 KiB wait, and the writer with them.
    @Test func aWriterWaitsForASlowServer() async throws {
        let server = try await ForeignServer(.h2)
        try await server.withClient { client in
            let (writer, reader): (RequestWriter<Text>, ResponseReader<Text>) =
                try await client.clientStreaming("/case/hold")
            let sent = Events()
            let message = Text(String(repeating: "x", count: 8192 - 8))
            let sender = Task {
                for number in 1...64 {
                    try await writer.send(message)
                    sent.record("sent \(number).")
                }
                writer.finish()
            }
            await server.events.first(containing: "window full")
            let _: Text = try await client.unary("/case/where", Text(""))
            #expect(sent.recorded.count <= 18)
            let _: Text = try await client.unary("/case/release", Text(""))
            try await sender.value
            var iterator = reader.makeAsyncIterator()
            #expect(try await iterator.next()?.value == "\(64 * 8192)")
        }
    }

    /// Nobody reads: the server can send no more than the stream's window.
    @Test func aServerWaitsForASlowReader() async throws {
        let server = try await ForeignServer(.h2)
        try await server.withClient { client in
            let reader: ResponseReader<Text> = try await client.serverStreaming("/case/flood/2", Text(""))
            #expect(await reader.headers().fields.isEmpty)
            let _: Text = try await client.unary("/case/where", Text(""))
            let left = server.events.recorded.last { $0.hasPrefix("left ") }?.dropFirst(5)
            // 2 MiB less the window of 256 KiB and a message or two.
            #expect(left.flatMap { Int($0) } ?? 0 > 1700)
            var count = 0
            for try await text in reader {
                #expect(text.value.utf8.count == 1016)
                count += 1
            }
            #expect(count == 2048)
        }
    }

    @Test func aCallThatNobodyHoldsIsCancelled() async throws {
        let server = try await ForeignServer(.h2)
        try await server.withClient { client in
            do {
                let reader: ResponseReader<Text> = try await client.serverStreaming("/case/never", Text(""))
                await server.events.first(containing: "never")
                _ = reader
            }
            await server.events.first(containing: "reset 8")
        }
    }

    @Test func aTaskThatIsCancelledTakesItsCallWithIt() async throws {
        let server = try await ForeignServer(.h2)
        try await server.withClient { client in
            let call = Task { let _: Text = try await client.unary("/case/never", Text("")) }
            await server.events.first(containing: "never")
            call.cancel()
            let error = await #expect(throws: Status.self) { try await call.value }
            #expect(error?.code == .cancelled)
            await server.events.first(containing: "reset 8")
        }
    }

    /// The server reads nothing more; only the missing answer to the PING tells.
    @Test func aSilentConnectionIsGivenUp() async throws {
        let server = try await ForeignServer(.h2)
        let policy = KeepalivePolicy(exactTime: .milliseconds(200), timeout: .seconds(1))
        try await server.withClient({ $0.keepalive = policy }) { client in
            let error = await #expect(throws: Status.self) {
                let _: Text = try await client.unary("/case/freeze", Text(""))
            }
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains("keepalive") == true)
            let text: Text = try await client.unary("/case/where", Text(""))
            #expect(text.value == "2 1")
        }
    }

    @Test func connectionsAreClosedWhenNoCallNeedsThem() async throws {
        let server = try await ForeignServer(.h2)
        try await server.withClient({ $0.idleTimeout = .milliseconds(50) }) { client in
            let first: Text = try await client.unary("/case/where", Text(""))
            await server.events.first(containing: "closed 1")
            let second: Text = try await client.unary("/case/where", Text(""))
            #expect([first.value, second.value] == ["1 1", "2 1"])
        }
    }

    @Test func whatIsLeftOfTheTimeIsTold() async throws {
        let server = try await ForeignServer.h2.value
        let text: Text = try await server.withClient(
            { $0.service.methods = [MethodConfig(names: ["/case/"], timeout: .seconds(50))] },
            { try await $0.unary("/case/timeout", Text(""), options: CallOptions(timeout: .seconds(500))) })
        let number = Int(text.value.dropLast()) ?? 0
        #expect(text.value.last == "u" && number <= 50_000_000 && number > 20_000_000, "\(text.value)")
    }
}
