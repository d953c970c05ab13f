import CarillonNet
import Testing

@testable import CarillonGRPC

/// What is open when a grace is over is told so before its connection ends.
@Suite(.timeLimit(.minutes(5))) struct CutOffTests {
    private struct Cut {
        var hanging: RawAnswer
        var open: RawAnswer
        var connect: RawAnswer
        var page: RawAnswer
        var refused: RawAnswer
    }

    /// Has one request of each kind open while something ends its connection.
    private static func requests(_ echo: EchoServer, _ client: RawClient, _ end: () async -> Void) async throws -> Cut {
        let json = [("content-type", "application/json"), ("te", "-")]
        let get = [(":method", "GET"), ("content-type", "-"), ("te", "-")]
        let hanging = try await client.send("/test.Echo/Hang", parts: [CallRulesTests.text("a")])
        let open = try await client.send("/test.Echo/Chat", parts: [CallRulesTests.text("a")], ends: false)
        let connect = try await client.send("/test.Echo/Hang", json, parts: [Array("\"a\"".utf8)])
        let refused = try await client.send("/test.Echo/Nothing", json, ends: false)
        let page = try await client.send("/stubborn", get)
        // It was sent last, so the others have come too.
        await echo.events.first(containing: "page began")
        await end()
        return Cut(
            hanging: await hanging.answer(), open: await open.answer(), connect: await connect.answer(),
            page: await page.answer(), refused: await refused.answer())
    }

    private static func expectWords(_ cut: Cut) {
        #expect(cut.hanging.isTrailersOnly && cut.hanging.grpcStatus == "14" && cut.hanging.closed == .noError)
        #expect(cut.open.trailer("grpc-status") == "14" && cut.open.closed == .noError)
        #expect(cut.open.messages.count == 1)
        #expect(cut.connect[":status"] == "503" && cut.connect.text.contains("unavailable"))
        #expect(cut.page[":status"] == "503" && cut.page["retry-after"] != nil)
        #expect(cut.refused[":status"] == "501")
    }

    @Test func theEndOfAShutdownsGraceIsTold() async throws {
        let echo = try await EchoServer.start()
        let client = try await RawClient.connect(to: echo)
        let cut = try await Self.requests(echo, client) { await echo.server.drain(grace: .milliseconds(50)) }
        Self.expectWords(cut)
        #expect(await client.ended())
        #expect(client.goAway?.lastStreamID == 9)
        echo.events.record("let go")
        await echo.stopClients()
    }

    /// What the peer does not take cannot be told.
    @Test func whoDoesNotReadIsCutOffAllTheSame() async throws {
        let echo = try await EchoServer.start()
        let client = try await RawClient.connect(to: echo, window: 1000)
        let large = CallRulesTests.frame([0x0a, 0xa0, 0x9c, 0x01] + [UInt8](repeating: 0x61, count: 20_000))
        let stream = try await client.send("/test.Echo/Chat", parts: [large], ends: false, takes: false)
        #expect(await stream.hasBegun())
        await echo.server.drain(grace: .milliseconds(50))
        let answer = await stream.answer()
        #expect(answer.closed == .cancel && answer.grpcStatus == nil)
        await echo.stopClients()
    }
}
