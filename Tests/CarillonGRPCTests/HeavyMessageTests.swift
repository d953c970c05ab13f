import CarillonNet
import SwiftProtobuf
import Testing

@testable import CarillonGRPC

/// Messages that are too much for a loop: long ones, and compressed ones.
@Suite(.timeLimit(.minutes(5))) struct HeavyMessageTests {
    private typealias Rules = CallRulesTests
    private static let gzip = [("grpc-encoding", "gzip")]

    /// A `StringValue` of so many equal letters, serialized.
    private static func letters(_ count: Int) throws -> [UInt8] {
        try Text(String(repeating: "a", count: count)).serializedBytes()
    }

    private static func compressed(_ message: [UInt8]) throws -> [UInt8] {
        Rules.frame(try Gzip.compress(message), flags: 1)
    }

    /// A message that is too long for a loop, and comes as one TLS record.
    private static func heavy() throws -> [UInt8] { Rules.frame(try letters(12_000)) }

    private static var limits: ServerLimits {
        var limits = ServerLimits()
        limits.lightMessage = 1000
        limits.decodings = 1
        return limits
    }

    // MARK: Who is served first

    @Test(arguments: [Rules.inline, "/test.Echo/Async", "/test.Echo/Join", "/test.Echo/Chat"])
    func othersAreServedWhileALongMessageIsDecoded(path: String) async throws {
        try await Rules.withServer(limits: Self.limits) { echo, client in
            let decoder = await BusyDecoder.take(echo)
            let heavy = try await client.send(path, parts: [try Self.heavy()])
            let light = try await client.ask(Rules.inline, parts: [Rules.text("b")])
            await decoder.letGo()
            let late = await heavy.answer()
            #expect(light.grpcStatus == "0" && late.grpcStatus == "0")
            #expect(light.closedBefore == 0 && late.closedBefore == 1)
        }
    }

    @Test func aConnectionIsNotReadWhileMuchOfItWaits() async throws {
        var limits = Self.limits
        limits.decodingsPerConnection = 0
        try await Rules.withServer(limits: limits) { echo, client in
            let other = try await RawClient.connect(to: echo)
            let decoder = await BusyDecoder.take(echo)
            let heavy = try await client.send(Rules.inline, parts: [try Self.heavy()])
            let light = try await client.send(Rules.inline, parts: [Rules.text("b")])
            // Whoever is read would have been answered as soon as this one.
            #expect(try await other.ask(Rules.inline, parts: [Rules.text("c")]).grpcStatus == "0")
            await decoder.letGo()
            let (first, second) = (await heavy.answer(), await light.answer())
            #expect(first.grpcStatus == "0" && second.grpcStatus == "0")
            #expect(first.closedBefore == 0 && second.closedBefore == 1)
            await other.close()
        }
    }

    @Test func connectionsTakeTurns() {
        var queue = FairQueue<String, Int>()
        for (owner, number) in [("a", 1), ("a", 2), ("a", 3), ("b", 4), ("c", 5), ("c", 6)] {
            queue.append(number, of: owner)
        }
        var order: [Int] = []
        while let next = queue.popFirst() {
            order.append(next)
            if next == 1 { queue.append(7, of: "b") }
        }
        #expect(order == [1, 4, 5, 2, 7, 6, 3])
        #expect(queue.isEmpty)
    }

    /// Each record that comes ends its connection's turn, and each message is decoded elsewhere: nothing is lost.
    @Test func theShortestTurnsServeAll() async throws {
        var limits = ServerLimits()
        limits.http2.readTime = .zero
        limits.lightMessage = 0
        limits.decodings = 1
        limits.decodingsPerConnection = 2
        try await Rules.withServer(limits: limits) { _, client in
            let body = Rules.frame(try Self.letters(40_000))
            var streams: [RawStream] = []
            for _ in 0..<30 { streams.append(try await client.send(Rules.inline, parts: [body])) }
            for stream in streams {
                let answer = await stream.answer()
                #expect(answer.grpcStatus == "0" && answer.body == body)
            }
        }
    }

    // MARK: That nothing else changes

    /// Long or short, compressed or not: messages come in their order.
    @Test func theOrderOfAStreamStays() async throws {
        try await Rules.withServer { _, client in
            let texts = ["a", String(repeating: "b", count: 100_000), "c", String(repeating: "d", count: 30_000), "e"]
            var parts: [[UInt8]] = []
            for text in texts {
                let message: [UInt8] = try Text(text).serializedBytes()
                parts += [Rules.frame(message), try Self.compressed(message)]
            }
            let expected = texts.flatMap { [$0, $0] }
            let chat = try await client.ask("/test.Echo/Chat", Self.gzip, parts: parts)
            #expect(chat.grpcStatus == "0")
            let replies = try chat.messages.map { try Text(serializedBytes: $0.octets).value }
            #expect(replies == expected.map { "re: " + $0 })
            let join = try await client.ask("/test.Echo/Join", Self.gzip, parts: [parts.flatMap { $0 }])
            #expect(try join.messages.map { try Text(serializedBytes: $0.octets).value } == [expected.joined()])
        }
    }

    @Test func longMessagesReachEveryKindOfHandler() async throws {
        try await Rules.withServer { _, client in
            let long = try Self.letters(50_000)
            for body in [Rules.frame(long), try Self.compressed(long)] {
                for path in [Rules.inline, "/test.Echo/Async", "/test.Rules/Squeeze"] {
                    let answer = try await client.ask(path, Self.gzip, parts: [body])
                    #expect(answer.grpcStatus == "0" && answer.body == Rules.frame(long), "\(path)")
                }
                let failed = try await client.ask("/test.Rules/FailAtOnce", Self.gzip, parts: [body])
                #expect(failed.isTrailersOnly && failed.grpcStatus == "5")
            }
            // By Connect, where messages have no prefix.
            let json = Array(("\"" + String(repeating: "a", count: 50_000) + "\"").utf8)
            let type = [("content-type", "application/json")]
            let plain = try await client.ask(Rules.inline, type, parts: [json])
            #expect(plain[":status"] == "200" && plain.body == json)
            let zipped = try await client.ask(
                Rules.inline, type + [("content-encoding", "gzip")], parts: [try Gzip.compress(json)])
            #expect(zipped[":status"] == "200" && zipped.body == json)
        }
    }

    @Test func brokenLongMessagesHaveTheirStatus() async throws {
        try await Rules.withServer { _, client in
            let broken = try Self.letters(50_000) + [0xff]
            for path in [Rules.inline, "/test.Echo/Async", "/test.Rules/FailAtOnce", "/test.Echo/Join"] {
                for body in [Rules.frame(broken), try Self.compressed(broken)] {
                    let answer = try await client.ask(path, Self.gzip, parts: [body])
                    #expect(answer.isTrailersOnly && answer.grpcStatus == "13", "\(path): \(answer)")
                }
            }
            let two = [Rules.frame(try Self.letters(50_000)), Rules.text("b")]
            #expect(try await client.ask(Rules.inline, parts: two).grpcStatus == "12")
        }
    }

    @Test func aDeadlineAndAResetEndWhatWaits() async throws {
        try await Rules.withServer(limits: Self.limits) { echo, client in
            let decoder = await BusyDecoder.take(echo)
            for path in ["/test.Echo/Hang", "/test.Echo/Chat"] {
                let late = try await client.ask(path, [("grpc-timeout", "20m")], parts: [try Self.heavy()])
                #expect(late.grpcStatus == "4", "\(path)")
                let reset = try await client.send(path, parts: [try Self.heavy()])
                await reset.reset()
                #expect(await reset.answer().closed == .cancel)
            }
            await decoder.letGo()
            // Behind those in the queue.
            #expect(try await client.ask(Rules.inline, parts: [try Self.heavy()]).grpcStatus == "0")
            // No handler began with a message that nobody waited for.
            #expect(!echo.events.has("started"))
        }
    }

    @Test func requestsHeldInMemoryAreBounded() async throws {
        var limits = ServerLimits()
        limits.inputPerConnection = 10_000
        try await Rules.withServer(limits: limits) { _, client in
            let half = Rules.frame([UInt8](repeating: 0, count: 6000), length: 12_000)
            let waiting = try await client.send(Rules.inline, parts: [half], ends: false)
            let refused = try await client.ask(Rules.inline, parts: [half], ends: false)
            #expect(refused.grpcStatus == "8")
            // What was refused is let go, so that others fit.
            let other = try await client.ask(Rules.inline, parts: [Rules.text("a")])
            #expect(other.grpcStatus == "0")
            await waiting.reset()
            let later = try await client.ask(
                Rules.inline, parts: [Rules.frame([0x0a, 0xa8, 0x46] + [UInt8](repeating: 0x61, count: 9000))])
            #expect(later.grpcStatus == "0")
        }
    }

    // MARK: Compression

    @Test func aSmallMessageMayCompressAsWellAsItLikes() async throws {
        try await Rules.withServer { _, client in
            for count in [314_159, 500_000] {
                let answer = try await client.ask(
                    Rules.inline, Self.gzip, parts: [try Self.compressed(try Self.letters(count))])
                #expect(answer.grpcStatus == "0", "\(count)")
            }
            // What compresses like lists of nearly the same may be as long as any message.
            let list = (0..<100_000).map { "user-\($0 % 1000)@example.com," }.joined()
            let plain: [UInt8] = try Text(list).serializedBytes()
            let body = try Self.compressed(plain)
            #expect(plain.count > 20 * body.count)
            #expect(try await client.ask(Rules.inline, Self.gzip, parts: [body]).grpcStatus == "0")
        }
    }

    /// Three that say what they are, and one that says of itself that it is small.
    @Test func bombsAreRefusedInWordsThatHelp() async throws {
        try await Rules.withServer { _, client in
            let member = try Gzip.compress([UInt8](repeating: 0, count: 600_000))
            for (bomb, words) in [
                (member, "becomes more than 524288; beyond 524288 it may grow 100 times at most: send it without"),
                (try Gzip.compress([UInt8](repeating: 0, count: 4_000_000)), "send it without compression"),
                (try Gzip.compress([UInt8](repeating: 0, count: 50_000_000)), "more than 4194304 bytes when it is"),
                (member + (try Gzip.compress([1])), "send it without compression"),
            ] {
                for path in [Rules.inline, "/test.Echo/Join"] {
                    let answer = try await client.ask(path, Self.gzip, parts: [Rules.frame(bomb, flags: 1)])
                    #expect(answer.isTrailersOnly && answer.grpcStatus == "8", "\(path)")
                    #expect(answer["grpc-message"]?.contains(words) == true, "\(answer)")
                }
            }
        }
    }

    @Test func aLoopDecompressesLittleInATick() async throws {
        var limits = ServerLimits()
        limits.lightMessage = 1000
        limits.inflationPerTick = 2500
        let bounded = limits
        let loop = EventLoop(name: "decoder")
        let message = Self.received(try Gzip.compress([UInt8](repeating: 7, count: 1000)))
        let larger = Self.received(try Gzip.compress([UInt8](repeating: 7, count: 1001)))
        let decoder = await loop.run { Unchecked(MessageDecoder(loop: loop, limits: bounded, loops: 1)) }
        for _ in 0..<2 {
            let sizes = try await loop.run {
                #expect(try decoder.value.inflateNow(larger) == nil)
                return try (0..<4).map { _ in try decoder.value.inflateNow(message)?.count }
            }
            #expect(sizes == [1000, 1000, nil, nil])
        }
        await loop.shutDown()
    }

    private static func received(_ octets: [UInt8]) -> ReceivedMessage {
        ReceivedMessage(octets: octets, range: octets.indices, isCompressed: true)
    }

    /// What few octets became is held until the handler is done with it.
    @Test func inflatedMessagesCountAsHeld() async throws {
        var limits = ServerLimits()
        limits.inputPerConnection = 600_000
        try await Rules.withServer(limits: limits) { echo, client in
            let body = try Self.compressed(try Self.letters(400_000))
            let first = try await client.send("/test.Echo/Hang", Self.gzip, parts: [body])
            await echo.events.first(containing: "started")
            for path in [Rules.inline, "/test.Echo/Join"] {
                let refused = try await client.ask(path, Self.gzip, parts: [body])
                #expect(refused.isTrailersOnly && refused.grpcStatus == "8", "\(path)")
            }
            await first.reset()
            await echo.events.first(containing: "cancelled")
            // A stream has one in hand, not all that it took.
            for path in [Rules.inline, "/test.Echo/Join", Rules.inline] {
                let parts = path == Rules.inline ? [body] : [body, body, body]
                #expect(try await client.ask(path, Self.gzip, parts: parts).grpcStatus == "0", "\(path)")
            }
        }
    }
}

/// Takes the only place of a server's decoder, so that nothing is decoded elsewhere until it is given back.
private struct BusyDecoder: Sendable {
    private let part: ServerLoop

    static func take(_ echo: EchoServer) async -> BusyDecoder {
        let part = echo.server.parts[0]
        await part.loop.run { await part.decoder.enter(ObjectIdentifier(part)) }
        return BusyDecoder(part: part)
    }

    func letGo() async {
        await part.loop.run { part.decoder.leave() }
    }
}

/// Carries what is confined to a loop from one piece of work on it to the next.
///
/// Safe as `@unchecked Sendable` because it is only used on the loop.
private struct Unchecked<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) {
        self.value = value
    }
}
