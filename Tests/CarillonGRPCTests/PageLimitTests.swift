import CarillonNet
import Testing

@testable import CarillonGRPC

/// Pages are held to the same limits as calls.
@Suite(.timeLimit(.minutes(5))) struct PageLimitTests {
    private static let get = [(":method", "GET"), ("content-type", "-"), ("te", "-")]
    private static let post = [("content-type", "application/x-www-form-urlencoded"), ("te", "-")]

    @Test func pagesAboveTheLimitOfCallsAreRefusedUntouched() async throws {
        var limits = ServerLimits()
        limits.callsPerConnection = 2
        try await CallRulesTests.withServer(limits: limits) { echo, client in
            let first = try await client.send("/stubborn", Self.get)
            await echo.events.first(containing: "page began")
            let second = try await client.send("/test.Echo/Hang", parts: [CallRulesTests.text("a")])
            await echo.events.first(containing: "started")
            let third = try await client.ask("/livez", Self.get)
            #expect(third.closed == .refusedStream && third.headers.isEmpty)
            #expect(echo.server.counts.callsRefused == 1)
            let other = try await RawClient.connect(to: echo)
            #expect(try await other.ask("/livez", Self.get)[":status"] == "200")
            await other.close()
            await second.reset()
            echo.events.record("let go")
            #expect(await first.answer().text == "done\n")
            #expect(try await client.ask("/livez", Self.get)[":status"] == "200")
        }
    }

    @Test func handlersOfResetPagesCount() async throws {
        var limits = ServerLimits()
        limits.abandonedCallsPerConnection = 1
        try await CallRulesTests.withServer(limits: limits) { echo, client in
            let first = try await client.send("/stubborn", Self.get)
            await echo.events.first(containing: "page began")
            await first.reset()
            #expect(try await client.ask("/livez", Self.get).closed == .refusedStream)
            echo.events.record("let go")
            // The handler returns on its loop, soon but not at once.
            while try await client.ask("/livez", Self.get).closed == .refusedStream {}
        }
    }

    @Test func bodiesOfPagesAreHeldInput() async throws {
        var limits = ServerLimits()
        limits.inputPerConnection = 10_000
        try await CallRulesTests.withServer(limits: limits) { echo, client in
            let part = [UInt8](repeating: 0x61, count: 6000)
            let waiting = try await client.send("/form", Self.post, parts: [part], ends: false)
            let refused = try await client.ask("/form", Self.post, parts: [part], ends: false)
            #expect(refused[":status"] == "503" && refused["retry-after"] == "1")
            await waiting.end()
            #expect(await waiting.answer().text == "6000")
            #expect(try await client.ask("/form", Self.post, parts: [part]).text == "6000")
        }
    }

    @Test func answersOfPagesThatWaitAreBounded() async throws {
        var limits = ServerLimits()
        limits.outputPerConnection = 30_000
        try await CallRulesTests.withServer(limits: limits, window: 0) { _, client in
            let waiting = [try await client.send("/large", Self.get), try await client.send("/large", Self.get)]
            #expect(try await client.ask("/large", Self.get).closed == .refusedStream)
            for stream in waiting { await stream.reset() }
        }
    }

    /// What is decided when the request came may be too much when the answer is there.
    @Test func anAnswerBehindTooMuchThatWaitsIsOneOfFewWords() async throws {
        var limits = ServerLimits()
        limits.outputPerConnection = 15_000
        try await CallRulesTests.withServer(limits: limits, window: 100) { echo, client in
            let late = try await client.send("/stubborn", Self.get)
            await echo.events.first(containing: "page began")
            let waiting = try await client.send("/large", Self.get, takes: false)
            // What the connection's peer asks next is handled behind that.
            #expect(try await client.ask("/test.Echo/Nothing", parts: []).grpcStatus == "12")
            echo.events.record("let go")
            #expect(await late.answer()[":status"] == "503")
            await waiting.reset()
        }
    }

    // MARK: HEAD

    @Test(arguments: [
        ("/test.Echo/Inline", "405"), ("/test.Rules/Get?connect=v1&encoding=json&message=%22%22", "405"),
        ("/livez", "200"), ("/nothing", "404"), ("/large", "200"), ("/form", "405"),
    ])
    func headHasNoBody(path: String, status: String) async throws {
        try await CallRulesTests.withServer { _, client in
            let head = try await client.ask(path, [(":method", "HEAD"), ("content-type", "-"), ("te", "-")])
            #expect(head[":status"] == status)
            #expect(head.body.isEmpty && head.closed == .noError)
            #expect(head["content-length"].flatMap { Int($0) } ?? 0 > 0)
        }
    }

    @Test func headWithTooManyFieldsOrAnotherSchemeHasNoBody() async throws {
        try await CallRulesTests.withServer { _, client in
            let head = [(":method", "HEAD"), ("content-type", "-"), ("te", "-")]
            let many = (0..<40).map { ("x-\($0)", String(repeating: "y", count: 1000)) }
            for (fields, status) in [(many, "431"), ([(":scheme", "http")], "400")] {
                let answer = try await client.ask("/livez", head + fields)
                #expect(answer[":status"] == status)
                #expect(answer.body.isEmpty && answer.closed == .noError)
            }
        }
    }
}
