import CarillonNet
import Foundation
import Synchronization
import Testing

@testable import CarillonGRPC

/// What calls may hold, asked by a client that keeps no rules.
@Suite(.timeLimit(.minutes(5))) struct CallLimitTests {
    private static let inline = CallRulesTests.inline
    private static let one = CallRulesTests.text("a")

    // MARK: Too many calls

    @Test func callsAboveTheLimitAreRefusedUntouched() async throws {
        var limits = ServerLimits()
        limits.callsPerConnection = 1
        try await CallRulesTests.withServer(limits: limits) { echo, client in
            let first = try await client.send("/test.Echo/Hang", parts: [Self.one])
            await echo.events.first(containing: "started")
            let second = try await client.ask(Self.inline, parts: [Self.one])
            #expect(second.closed == .refusedStream)
            #expect(second.headers.isEmpty)
            // Another connection has a count of its own.
            let other = try await RawClient.connect(to: echo)
            #expect(try await other.ask(Self.inline, parts: [Self.one]).grpcStatus == "0")
            await other.close()
            await first.reset()
            await echo.events.first(containing: "cancelled")
            #expect(try await client.ask(Self.inline, parts: [Self.one]).grpcStatus == "0")
        }
    }

    /// Rapid reset (CVE-2023-44487): a stream that is gone does not make room for work while its handler goes on.
    @Test func handlersOfResetStreamsCount() async throws {
        var limits = ServerLimits()
        limits.abandonedCallsPerConnection = 1
        try await CallRulesTests.withServer(limits: limits) { echo, client in
            let first = try await client.send("/test.Rules/Stubborn", parts: [Self.one])
            await echo.events.first(containing: "stubborn began")
            await first.reset()
            let second = try await client.ask(Self.inline, parts: [Self.one])
            #expect(second.closed == .refusedStream)
            echo.events.record("let go")
            // The handler returns on its loop, soon but not at once.
            var third = try await client.ask(Self.inline, parts: [Self.one])
            while third.closed == .refusedStream { third = try await client.ask(Self.inline, parts: [Self.one]) }
            #expect(third.grpcStatus == "0")
        }
    }

    /// Who has many calls when there are as many as there may be is refused more; who has few is served, up to twice as many.
    @Test func theLimitOverAllShutsOutWhoReachedIt() async throws {
        var limits = ServerLimits()
        limits.calls = 2
        limits.fewCalls = 1
        try await CallRulesTests.withServer(limits: limits) { echo, client in
            // Streams of one connection are looked at in their order.
            for _ in 1...2 { _ = try await client.send("/test.Echo/Hang", parts: [Self.one]) }
            #expect(try await client.ask(Self.inline, parts: [Self.one]).closed == .refusedStream)
            let others = [try await RawClient.connect(to: echo), try await RawClient.connect(to: echo)]
            for other in others {
                #expect(try await other.ask(Self.inline, parts: [Self.one]).grpcStatus == "0")
                _ = try await other.send("/test.Echo/Hang", parts: [Self.one])
                #expect(try await other.ask(Self.inline, parts: [Self.one]).closed == .refusedStream)
            }
            // Twice the limit is reached: there is nothing left for anybody.
            let last = try await RawClient.connect(to: echo)
            #expect(try await last.ask(Self.inline, parts: [Self.one]).closed == .refusedStream)
            for other in others + [last] { await other.close() }
        }
    }

    @Test func aGateBoundsTheCallsOfOneParty() async throws {
        try await CallRulesTests.withServer { echo, client in
            let first = try await client.send("/test.Rules/Gated", parts: [Self.one])
            await echo.events.first(containing: "entered")
            let second = try await client.ask("/test.Rules/Gated", parts: [Self.one])
            #expect(second.grpcStatus == "8")
            #expect(second["grpc-retry-pushback-ms"] == "1500")
            await first.reset()
            var third = try await client.ask("/test.Rules/Gated", [("grpc-timeout", "20m")], parts: [Self.one])
            while third.grpcStatus == "8" {
                third = try await client.ask("/test.Rules/Gated", [("grpc-timeout", "20m")], parts: [Self.one])
            }
            #expect(third.grpcStatus == "4")
        }
    }

    /// Small requests are bounded by their number; large ones by what they hold too, and one of any size always goes.
    @Test func aGateBoundsWhatTheRequestsHold() throws {
        let few = CallGate.Terms(limit: 10, refusal: CallRefusal(Status(.resourceExhausted, "calls"), pushback: nil))
        let gate = CallGate(
            few, octets: .init(limit: 10_000, refusal: CallRefusal(Status(.resourceExhausted, "octets"), pushback: nil))
        )
        try gate.enter(octets: 1_000_000)
        for _ in 0..<5 { try gate.enter(octets: CallGate.uncounted) }
        let error = #expect(throws: CallRefusal.self) { try gate.enter(octets: CallGate.uncounted + 1) }
        #expect(error?.status.message == "octets")
        #expect(gate.running == 6)
        gate.leave(octets: 1_000_000)
        try gate.enter(octets: 5_000)
        try gate.enter(octets: 5_000)
        #expect(throws: CallRefusal.self) { try gate.enter(octets: 5_000) }
        gate.leave(octets: 5_000)
        try gate.enter(octets: 5_000)
        // Other terms count for who comes with them, and leave the others as they are.
        let narrow = CallGate.Terms(limit: 7, refusal: few.refusal)
        #expect(throws: CallRefusal.self) { try gate.enter(by: narrow) }
        try gate.enter()
        #expect(gate.running == 8)
    }

    /// Two loops that try to enter one gate after the other, each at the same time.
    private final class Race: Sendable {
        let gates: [CallGate] = {
            let terms = CallGate.Terms(limit: 1, refusal: CallRefusal(Status(.resourceExhausted, "one"), pushback: nil))
            return (0..<50_000).map { _ in CallGate(terms) }
        }()
        let entered = Atomic<Int>(0)
        private let arrived = Atomic<Int>(0)

        func run() {
            for (round, gate) in gates.enumerated() {
                // Close enough to meet in the middle of an entry, which no other way of waiting is.
                arrived.add(1, ordering: .relaxed)
                var looks = 0
                while arrived.load(ordering: .relaxed) < 2 * (round + 1) {
                    looks += 1
                    if looks.isMultiple(of: 1000) { sched_yield() }
                }
                do throws(CallRefusal) {
                    try gate.enter()
                    entered.add(1, ordering: .relaxed)
                } catch {}
            }
        }
    }

    @Test func aGateIsExactOverAllLoops() async throws {
        let race = Race()
        let loops = (0..<2).map { EventLoop(name: "racer-\($0)") }
        await withTaskGroup { group in
            for loop in loops { group.addTask { await loop.run { race.run() } } }
        }
        for loop in loops { await loop.shutDown() }
        #expect(race.entered.load(ordering: .relaxed) == race.gates.count)
        // Those who were refused took no place, and left none behind.
        for gate in race.gates { gate.leave() }
        #expect(race.gates.allSatisfy { $0.running == 0 })
        try race.gates[0].enter()
        #expect(throws: CallRefusal.self) { try race.gates[0].enter() }
    }

    // MARK: Peers that do not read

    /// A `StringValue` of 20,003 octets.
    private static let large = CallRulesTests.frame([0x0a, 0xa0, 0x9c, 0x01] + [UInt8](repeating: 0x61, count: 20_000))

    @Test func answersThatWaitAreBounded() async throws {
        var limits = ServerLimits()
        limits.outputPerConnection = 30_000
        limits.lightMessage = 64 * 1024
        try await CallRulesTests.withServer(limits: limits, window: 0) { _, client in
            // Two answers wait: the first leaves room, the second goes beyond it.
            let first = try await client.send("/test.Echo/Inline", parts: [Self.large])
            let second = try await client.send("/test.Echo/Inline", parts: [Self.large])
            let third = try await client.ask("/test.Echo/Inline", parts: [Self.large])
            #expect(third.closed == .refusedStream)
            await first.reset()
            await second.reset()
            let fourth = try await client.send("/test.Echo/Inline", parts: [Self.large])
            await fourth.reset()
            #expect(await fourth.answer().closed != .refusedStream)
        }
    }

    /// Those who do not read use up what is for all; those who do are served nevertheless.
    @Test func whoDoesNotReadShutsNobodyOut() async throws {
        var limits = ServerLimits()
        limits.output = 30_000
        limits.lightMessage = 64 * 1024
        limits.littleOutput = 1000
        try await CallRulesTests.withServer(limits: limits, window: 0) { echo, client in
            let waiting = [
                try await client.send("/test.Echo/Inline", parts: [Self.large]),
                try await client.send("/test.Echo/Inline", parts: [Self.large]),
            ]
            let refused = try await client.ask("/test.Echo/Inline", parts: [Self.large])
            #expect(refused.closed == .refusedStream)
            let other = try await RawClient.connect(to: echo)
            #expect(try await other.ask("/test.Echo/Inline", parts: [Self.large]).grpcStatus == "0")
            #expect(try await other.ask("/test.Echo/Inline", parts: [Self.large]).grpcStatus == "0")
            await other.close()
            for stream in waiting { await stream.reset() }
        }
    }
}
