import CarillonGRPC
import CarillonNet
import SwiftProtobuf
import Testing

/// Our client against our server, over TLS on loopback: all four kinds of call, their ends and their limits.
@Suite(.timeLimit(.minutes(5))) struct LoopbackTests {
    @Test(arguments: ["/test.Echo/Inline", "/test.Echo/Async"] as [String])
    func unaryCallsAnswer(path: String) async throws {
        let echo = try await EchoServer.start()
        for size in [0, 1, 100_000, 3_000_000] {
            let sent = Text(String(repeating: "x", count: size))
            let got: Text =
                path.hasSuffix("Inline")
                ? try await echo.client.unary("/test.Echo/Inline", sent)
                : try await echo.client.unary("/test.Echo/Async", sent)
            #expect(got == sent)
        }
        await echo.stop()
    }

    @Test func manyCallsShareOneConnection() async throws {
        let echo = try await EchoServer.start(loops: 2)
        let sum = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<200 {
                group.addTask {
                    let text: Text = try await echo.client.unary("/test.Echo/Async", Text("\(number)"))
                    return Int(text.value) ?? 0
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 199 * 200 / 2)
        await echo.stop()
    }

    @Test func failuresCarryCodeMessageAndDetails() async throws {
        let echo = try await EchoServer.start()
        let error = await #expect(throws: Status.self) {
            let _: Text = try await echo.client.unary("/test.Echo/Fail", Text("ü\n%"))
        }
        #expect(error == Status(.failedPrecondition, "no: ü\n%", details: [1, 2, 3]))
        await echo.stop()
    }

    @Test func unknownMethodsAndServicesAreUnimplemented() async throws {
        let echo = try await EchoServer.start()
        let method = await #expect(throws: Status.self) {
            let _: Text = try await echo.client.unary("/test.Echo/Nothing", Text("x"))
        }
        #expect(method == Status(.unimplemented, "unknown method of service test.Echo"))
        let service = await #expect(throws: Status.self) {
            let _: Text = try await echo.client.unary("/test.Nothing/Inline", Text("x"))
        }
        #expect(service == Status(.unimplemented, "unknown service test.Nothing"))
        await echo.stop()
    }

    @Test func aDeadlineEndsTheCallOnBothSides() async throws {
        let echo = try await EchoServer.start()
        // On a busy machine a short time may be over before the handler begins.
        for timeout in [Duration.milliseconds(50), .milliseconds(500), .seconds(5)] where !echo.events.has("started") {
            let error = await #expect(throws: Status.self) {
                let _: Text = try await echo.client.unary(
                    "/test.Echo/Hang", Text("x"), options: CallOptions(timeout: timeout))
            }
            #expect(error?.code == .deadlineExceeded)
        }
        await echo.events.first(containing: "cancelled")
        await echo.stop()
    }

    /// An inline handler answers within the tick, which must not let it outrun a deadline that has passed.
    @Test(arguments: ["0S", "0n", "1n"])
    func aDeadlineThatHasPassedIsExceededBeforeTheHandlerRuns(timeout: String) async throws {
        let echo = try await EchoServer.start()
        // A client of ours would not send such a call.
        let client = try await RawClient.connect(to: echo)
        let answer = try await client.ask(
            "/test.Echo/Inline", [("grpc-timeout", timeout)], parts: [[0, 0, 0, 0, 3, 10, 1, 120]])
        #expect(answer.grpcStatus == "4")
        await client.close()
        await echo.stop()
    }

    @Test func cancellingTheCallerStopsTheHandler() async throws {
        let echo = try await EchoServer.start()
        let call = Task { let _: Text = try await echo.client.unary("/test.Echo/Hang", Text("x")) }
        await echo.events.first(containing: "started")
        call.cancel()
        await echo.events.first(containing: "cancelled")
        let error = await #expect(throws: Status.self) { try await call.value }
        #expect(error?.code == .cancelled)
        await echo.stop()
    }

    @Test func anOversizedRequestIsRefused() async throws {
        var limits = ServerLimits()
        limits.messageSize = 1000
        let echo = try await EchoServer.start(limits: limits)
        let error = await #expect(throws: Status.self) {
            let _: Text = try await echo.client.unary("/test.Echo/Inline", Text(String(repeating: "x", count: 2000)))
        }
        #expect(error?.code == .resourceExhausted)
        // The connection is still good.
        let text: Text = try await echo.client.unary("/test.Echo/Inline", Text("small"))
        #expect(text.value == "small")
        await echo.stop()
    }

    @Test func streamsOfAnswersComeInOrderHoweverSlowlyTheyAreRead() async throws {
        let echo = try await EchoServer.start()
        let reader: ResponseReader<Number> = try await echo.client.serverStreaming("/test.Echo/Count", Number(50_000))
        var expected: Int32 = 0
        for try await number in reader {
            guard number.value == expected else { break }
            expected += 1
        }
        #expect(expected == 50_000)
        await echo.stop()
    }

    @Test func clientStreamsAreJoined() async throws {
        let echo = try await EchoServer.start()
        let (writer, reader): (RequestWriter<Text>, ResponseReader<Text>) =
            try await echo.client.clientStreaming("/test.Echo/Join")
        for part in ["a", "", "bc", String(repeating: "d", count: 300_000)] { try await writer.send(Text(part)) }
        writer.finish()
        var answers: [Text] = []
        for try await answer in reader { answers.append(answer) }
        #expect(answers.map(\.value) == ["abc" + String(repeating: "d", count: 300_000)])
        await echo.stop()
    }

    @Test func bothSidesCanTalkInTurns() async throws {
        let echo = try await EchoServer.start()
        let (writer, reader): (RequestWriter<Text>, ResponseReader<Text>) =
            try await echo.client.bidirectionalStreaming("/test.Echo/Chat")
        var iterator = reader.makeAsyncIterator()
        for turn in 0..<20 {
            try await writer.send(Text("\(turn)"))
            #expect(try await iterator.next()?.value == "re: \(turn)")
        }
        writer.finish()
        #expect(try await iterator.next() == nil)
        await echo.stop()
    }

    @Test func drainingLetsOpenCallsFinishAndRefusesNewConnections() async throws {
        let echo = try await EchoServer.start()
        let (writer, reader): (RequestWriter<Text>, ResponseReader<Text>) =
            try await echo.client.bidirectionalStreaming("/test.Echo/Chat")
        var iterator = reader.makeAsyncIterator()
        try await writer.send(Text("before"))
        #expect(try await iterator.next()?.value == "re: before")
        let drained = Task { await echo.server.drain(grace: .seconds(30)) }
        // The call that is open goes on while the server drains.
        try await writer.send(Text("during"))
        #expect(try await iterator.next()?.value == "re: during")
        writer.finish()
        #expect(try await iterator.next() == nil)
        await drained.value
        let error = await #expect(throws: Status.self) {
            let _: Text = try await echo.client.unary("/test.Echo/Inline", Text("after"))
        }
        #expect(error?.code == .unavailable)
        await echo.client.close()
        for loop in echo.loops + [echo.clientLoop] { await loop.shutDown() }
    }

    @Test func theGracePeriodCutsOffCallsThatDoNotEnd() async throws {
        let echo = try await EchoServer.start()
        let call = Task { let _: Text = try await echo.client.unary("/test.Echo/Hang", Text("x")) }
        await echo.events.first(containing: "started")
        await echo.server.drain(grace: .milliseconds(50))
        await echo.events.first(containing: "cancelled")
        let error = await #expect(throws: Status.self) { try await call.value }
        #expect(error?.code == .unavailable)
        await echo.client.close()
        for loop in echo.loops + [echo.clientLoop] { await loop.shutDown() }
    }

    @Test func anUntrustedCertificateIsRefusedWithWordsThatHelp() async throws {
        let echo = try await EchoServer.start()
        let stranger = try echo.client(trusting: nil)
        let error = await #expect(throws: Status.self) {
            let _: Text = try await stranger.unary("/test.Echo/Inline", Text("x"))
        }
        #expect(error?.code == .unavailable)
        #expect(error?.message.contains("certificate is not trusted") == true)
        await stranger.close()
        await echo.stop()
    }

    @Test func filesThatDoNotFitAreRefusedWithTheirNames() {
        let files = TestCertificate.files
        let error = #expect(throws: TLSError.self) {
            try TLSContext(serverCertificateChain: files.key, privateKey: files.key)
        }
        #expect(error?.description.contains(files.key) == true)
        #expect(throws: TLSError.self) { try TLSContext(trustedCertificates: "/nowhere.pem") }
    }

    @Test func anAddressIsCheckedAgainstTheCertificateToo() async throws {
        let echo = try await EchoServer.start()
        let byAddress = try echo.client(host: "127.0.0.1", trusting: TestCertificate.files.certificate)
        let text: Text = try await byAddress.unary("/test.Echo/Inline", Text("x"))
        #expect(text.value == "x")
        await byAddress.close()
        await echo.stop()
    }

    /// Whoever begins a handshake and does not go on keeps nobody out: who has done so longest has to go.
    @Test func aHandshakeThatStandsStillGivesWay() async throws {
        var limits = ServerLimits()
        limits.handshakesPerAddress = 2
        let echo = try await EchoServer.start(limits: limits)
        let stuck = [try await echo.connectAndStopShort(), try await echo.connectAndStopShort()]
        let answer: Text = try await echo.client.unary(
            "/test.Echo/Inline", Text("x"), options: CallOptions(timeout: .seconds(30), waitsForReady: true))
        #expect(answer.value == "x")
        await echo.events.first(containing: "the handshake had to go for a newer one")
        #expect(echo.server.counts.handshakesGivenUp == 1)
        for descriptor in stuck { Listener.discard(descriptor) }
        await echo.stop()
    }

    @Test func anAddressThatBeginsHandshakesTooOftenIsRefused() async throws {
        var limits = ServerLimits()
        limits.handshakeBurst = 1
        limits.handshakesPerSecond = 0
        let echo = try await EchoServer.start(limits: limits)
        let _: Text = try await echo.client.unary("/test.Echo/Inline", Text("x"))
        let second = try echo.client(trusting: TestCertificate.files.certificate)
        let error = await #expect(throws: Status.self) {
            let _: Text = try await second.unary("/test.Echo/Inline", Text("x"))
        }
        #expect(error?.code == .unavailable)
        await echo.events.first(containing: "tooFrequentHandshakes(peer: \"127.0.0.1\")")
        #expect(echo.server.counts.connectionsRefused >= 1)
        let answer: Text = try await echo.client.unary("/test.Echo/Inline", Text("y"))
        #expect(answer.value == "y", "who is in stays in")
        await second.close()
        await echo.stop()
    }

    /// Behind what hides the addresses of clients all have the same, and nobody is shut out for it.
    @Test func addressesNeedNotBeCounted() async throws {
        var limits = ServerLimits()
        limits.handshakesPerAddress = 1
        limits.handshakeBurst = 1
        limits.handshakesPerSecond = 0
        limits.countsHandshakesByAddress = false
        let echo = try await EchoServer.start(limits: limits)
        let stuck = [try await echo.connectAndStopShort(), try await echo.connectAndStopShort()]
        let second = try echo.client(trusting: TestCertificate.files.certificate)
        for client in [echo.client, second] {
            let answer: Text = try await client.unary("/test.Echo/Inline", Text("x"))
            #expect(answer.value == "x")
        }
        #expect(echo.server.counts.connectionsRefused == 0 && echo.server.counts.handshakesGivenUp == 0)
        for descriptor in stuck { Listener.discard(descriptor) }
        await second.close()
        await echo.stop()
    }

    @Test func whileHandshakesWaitNoConnectionIsAccepted() async throws {
        var limits = ServerLimits()
        limits.waitingHandshakes = 0
        let echo = try await EchoServer.start(limits: limits)
        let error = await #expect(throws: Status.self) {
            let _: Text = try await echo.client.unary(
                "/test.Echo/Inline", Text("x"), options: CallOptions(timeout: .milliseconds(300)))
        }
        #expect(error?.code == .deadlineExceeded || error?.code == .unavailable)
        await echo.events.first(containing: "acceptingRests(waiting: 0)")
        #expect(echo.server.counts.acceptingRests > 0 && echo.server.counts.connectionsOpened == 0)
        await echo.stop()
    }
}
