import CarillonNet
import Testing

@testable import CarillonGRPC

/// Who reads too little, or too late, makes writers wait, and nobody fails for that but calls with one answer.
@Suite(.timeLimit(.minutes(5))) struct BackPressureTests {
    /// A `StringValue` of 20,003 octets.
    private static let large = CallRulesTests.frame([0x0a, 0xa0, 0x9c, 0x01] + [UInt8](repeating: 0x61, count: 20_000))

    /// Streams that are to echo two large messages each, and take none yet.
    private static func chats(_ count: Int, _ client: RawClient) async throws -> [RawStream] {
        var streams: [RawStream] = []
        // All are admitted before the first has anything to answer.
        for _ in 0..<count { streams.append(try await client.send("/test.Echo/Chat", ends: false, takes: false)) }
        for stream in streams {
            await stream.send(large)
            await stream.send(large)
            await stream.end()
        }
        return streams
    }

    private static func expectAll(of streams: [RawStream]) async {
        for stream in streams {
            let answer = await stream.answer()
            #expect(answer.grpcStatus == "0", "\(answer.trailers) \(answer.headers)")
            #expect(answer.messages.count == 2)
        }
    }

    @Test func writersWaitForRoomOfTheirConnection() async throws {
        var limits = ServerLimits()
        limits.outputPerConnection = 60_000
        try await CallRulesTests.withServer(limits: limits, window: 1000) { _, client in
            let streams = try await Self.chats(20, client)
            let refused = try await client.ask("/test.Echo/Inline", parts: [CallRulesTests.text("a")])
            #expect(refused.closed == .refusedStream)
            for stream in streams { await stream.take() }
            await Self.expectAll(of: streams)
        }
    }

    @Test func writersWaitForRoomOfAll() async throws {
        var limits = ServerLimits()
        limits.output = 60_000
        limits.littleOutput = 1000
        try await CallRulesTests.withServer(limits: limits, window: 1000) { echo, client in
            let other = try await RawClient.connect(to: echo, window: 1000)
            let streams = try await Self.chats(5, client)
            let others = try await Self.chats(5, other)
            // Who reads is served although the other one does not.
            for stream in streams { await stream.take() }
            await Self.expectAll(of: streams)
            for stream in others { await stream.take() }
            await Self.expectAll(of: others)
            await other.close()
        }
    }

    /// The place of a stream that is gone is another's.
    @Test func whoIsGoneWaitsNoLonger() async throws {
        var limits = ServerLimits()
        limits.outputPerConnection = 30_000
        try await CallRulesTests.withServer(limits: limits, window: 1000) { _, client in
            let streams = try await Self.chats(10, client)
            for stream in streams.dropLast() { await stream.reset() }
            await streams[9].take()
            await Self.expectAll(of: streams.suffix(1))
        }
    }

    // MARK: Messages that do not go on

    private static let hasty: ServerLimits = {
        var limits = ServerLimits()
        limits.http2.bodyGrace = .zero
        limits.http2.bodyRate = 1_000_000
        return limits
    }()

    /// A message that has begun comes to its end in time, in a stream as well; between two messages there is no hurry.
    @Test func aMessageOfAStreamMustNotTrickle() async throws {
        try await CallRulesTests.withServer(limits: Self.hasty) { _, client in
            let idle = try await client.send("/test.Echo/Join", parts: [CallRulesTests.text("a")], ends: false)
            let begun = try await client.send("/test.Echo/Join", parts: [CallRulesTests.text("a") + [0]], ends: false)
            #expect(await begun.answer().closed == .enhanceYourCalm)
            await idle.send(CallRulesTests.text("b"))
            await idle.end()
            #expect(await idle.answer().grpcStatus == "0")
        }
    }

    // MARK: Tasks that are cancelled

    @Test func cancellingATaskThatReadsWakesIt() async throws {
        try await CallRulesTests.withServer { echo, client in
            let stream = try await client.send("/test.Rules/ReadOrLeave", ends: false)
            await echo.events.first(containing: "nobody came")
            // Nothing is lost, and others may read.
            await stream.send(CallRulesTests.text("a"))
            await stream.end()
            let answer = await stream.answer()
            #expect(answer.grpcStatus == "0" && answer.body == CallRulesTests.text("a"))
        }
    }

    @Test(arguments: [30_000, 16 * 1024 * 1024])
    func cancellingATaskThatWritesWakesIt(outputPerConnection: Int) async throws {
        var limits = ServerLimits()
        limits.outputPerConnection = outputPerConnection
        try await CallRulesTests.withServer(limits: limits, window: 1000) { echo, client in
            let stream = try await client.send(
                "/test.Rules/WriteOrLeave", parts: [CallRulesTests.text("a")], takes: false)
            await echo.events.first(containing: "nobody took")
            #expect(echo.events.has("no more:"))
            await stream.take()
            #expect(await stream.answer().grpcStatus == "10")
        }
    }
}
